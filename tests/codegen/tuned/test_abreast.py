"""Vectors abreast: where one chain of operations is long, and with the bits of one vector after the other."""

from pathlib import Path

import numpy as np
import pytest

from codegen.plan.plan import plan_layer
from codegen.tuned.source.layer_module import render_tuned_layer
from codegen.tuned.spelling.abreast import waits
from derive.calculus.definition.define import define
from derive.calculus.program.program import Program
from tests.codegen.emitted_c import COMPILERS
from tests.codegen.tuned.driven import SETS, widest
from tests.codegen.tuned.test_tuned_layers import TunedLayer, assert_computes

GATED = "gated(X[m,n]) -> Y\nY[i,j] = X[i,j]/(1 + exp(-X[i,j]))"
ROWS = "rows(X[m,n]) -> Y\nE[i,j] = exp(X[i,j])\nT[i] = sum_{j} E[i,j]\nY[i,j] = E[i,j]/T[i]"
NARROWER: dict[str, tuple[int, ...]] = {
    "widest": (),
    **{name: (SETS[name],) for name in ("avx2", "sse2") if name in SETS},
}


def program(text: str) -> Program:
    return define(text)


def source(text: str, columns: int) -> str:
    emitted = render_tuned_layer(plan_layer(program(text)), {"m": 3, "n": columns})
    (found,) = (content for name, content in emitted.items() if name.endswith("_tuned.c"))
    return found


def test_where_a_chain_is_long_and_comes_out_even() -> None:
    assert "EACH(j) Y_[v] = " in source(GATED, 256)
    assert "EACH(" not in source(GATED, 192)
    assert "EACH(" not in source(ROWS, 256)


def test_divisions_alone_do_not_wait() -> None:
    """As those of an optimizer, which waits for memory."""
    (divided,) = program("divided(X[m,n]) -> Y\nY[i,j] = 1/(1 + X[i,j]^2)/(2 + X[i,j]^2)").equations()
    assert waits([divided.value], divided.target.indices[1]) == 0


def test_divisions_by_one_number_do_not_wait() -> None:
    *_, last = program(ROWS).equations()
    assert waits([last.value], last.target.indices[1]) == 0
    (gated,) = program(GATED).equations()
    assert waits([gated.value], gated.target.indices[1]) == 2


@pytest.mark.compiler
@pytest.mark.skipif("gcc" not in COMPILERS, reason="no gcc")
@pytest.mark.parametrize("kernels", NARROWER)
def test_the_bits_are_those_of_one_after_the_other(
    kernels: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    plan = plan_layer(program(GATED))
    flags = [f"-DGATED_SET={number}" for number in NARROWER[kernels]] or widest("gated")
    X, G = rng.standard_normal((2, 3, 256)) * 20
    X[0, 7], X[1, 200], X[2, 100] = np.nan, np.inf, -np.inf
    found = []
    for columns in (256, 120):
        folder = tmp_path / str(columns)
        folder.mkdir()
        layer = TunedLayer(plan, {"m": 3, "n": columns}, folder, *flags)
        inputs = {"X": X[:, :columns].copy(), "Y_bar": G[:, :columns].copy()}
        parts = {
            key: {tensor.name: inputs[tensor.name] for tensor in part.inputs}
            for key, part in plan.programs.items()
            if {tensor.name for tensor in part.inputs} <= set(inputs)
        }
        found.append({key: layer.call(key, plan.programs[key], values) for key, values in parts.items()})
    abreast, alone = found
    assert abreast.keys() == alone.keys() >= {"forward", "vjp"}
    for key, outputs in alone.items():
        for name, values in outputs.items():
            assert np.array_equal(abreast[key][name][:, :120], values, equal_nan=True), (key, name)
            assert np.isnan(values[0, 7]), (key, name)


@pytest.mark.compiler
@pytest.mark.skipif("gcc" not in COMPILERS, reason="no gcc")
def test_what_is_computed(tmp_path: Path, rng: np.random.Generator) -> None:
    assert_computes(program(GATED), {"m": 3, "n": 256}, tmp_path, rng)

"""Rows abreast: where there are no products and they come out even, with the bits of one row alone."""

from pathlib import Path

import numpy as np
import pytest

from codegen.plan.plan import plan_layer
from codegen.tuned.source.layer_module import render_tuned_layer
from derive.calculus.definition.define import define
from derive.layers.registry import layer
from tests.codegen.emitted_c import COMPILERS
from tests.codegen.tuned.driven import widest
from tests.codegen.tuned.test_tuned_layers import TunedLayer

PREFIXES = "prefixes(X[n,n]) -> Y\n E[i,j] = where(j <= i, exp(X[i,j]), 0)\n Y[i,j] = E[i,j]/sum_{q} E[i,q]"
SCORES = """scores(X[m,k], W[k,n]) -> Y
    A[i,j] = sum_{p} X[i,p] W[p,j]
    E[i,j] = exp(A[i,j])
    Y[i,j] = E[i,j]/sum_{q} E[i,q]"""
NARROWER = {"widest": 0, "avx2": 2, "sse2": 3}


def source(name: str, **sizes: int) -> str:
    program = define(name) if "(" in name else layer(name)
    plan = plan_layer(program)
    return render_tuned_layer(plan, sizes)[f"{plan.name}_tuned.c"]


def test_four_rows_take_every_step_together() -> None:
    text = source("softmax", m=8, k=48)
    assert "for (int i_first = 0; i_first < SOFTMAX_M; i_first += 4) {" in text
    assert "ROWS(i) T_sum[r] += T_term[r];" in text


@pytest.mark.parametrize("m", [3, 6, 9])
def test_rows_that_do_not_come_out_even_follow_each_other(m: int) -> None:
    assert "ROWS(" not in source("softmax", m=m, k=48)


def test_rows_that_end_apart_follow_each_other() -> None:
    """One that ends where another goes on takes fewer steps."""
    forward = source(PREFIXES, n=48).partition("/* ---- forward, as a list")[0]
    assert "q <= i" in forward or "i + 1; " in forward
    assert "ROWS(i)" not in forward.partition("/* ---- The equations, each a function. */")[2]


def test_beside_products_rows_follow_each_other() -> None:
    assert "ROWS(" not in source(SCORES, m=8, k=32, n=48)


@pytest.mark.compiler
@pytest.mark.skipif("gcc" not in COMPILERS, reason="gcc is not installed")
@pytest.mark.parametrize("kernels", NARROWER)
@pytest.mark.parametrize("name", ["softmax", "layernorm"])
def test_the_bits_are_those_of_one_after_the_other(
    name: str, kernels: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    plan = plan_layer(layer(name))
    number = NARROWER[kernels]
    flags = [f"-D{name.upper()}_SET={number}"] if number else widest(name)
    columns = "k" if name == "softmax" else "n"
    inputs = {
        tensor.name: rng.standard_normal((8, 43) if len(tensor.axes) == 2 else 43)
        for tensor in plan.programs["vjp"].inputs
    }
    first = plan.forward.inputs[0].name
    inputs[first][1, 7], inputs[first][6, 40] = np.nan, np.inf
    found = []
    for rows in (8, 7):
        emitted = TunedLayer(plan, {"m": rows, columns: 43}, tmp_path / str(rows), *flags)
        given = {one: value[:rows] if value.ndim == 2 else value for one, value in inputs.items()}
        forward = {tensor.name: given[tensor.name] for tensor in plan.forward.inputs}
        found.append(
            emitted.call("forward", plan.forward, forward)
            | {f"vjp {k}": v for k, v in emitted.call("vjp", plan.programs["vjp"], given).items()}
        )
    rowwise = [one for one, value in found[0].items() if value.ndim == 2]
    assert all(np.array_equal(found[0][one][:7], found[1][one], equal_nan=True) for one in rowwise)
    assert np.isnan(found[0][plan.forward.outputs[0]][[1, 6]]).all()
    assert len(rowwise) == 2

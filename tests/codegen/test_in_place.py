"""Values computed in the memory of values that are dead: the same results, and nothing else is touched."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codegen.numpy.fallbacks import fallbacks
from codegen.numpy.module import render_numpy
from codegen.passes.verify import names_of
from codegen.plan.lifetimes import deaths
from codegen.plan.plan import plan_layer, plan_network
from codegen.statements import function as numpy_function
from codegen.statements.function import function_body
from derive.calculus.definition.define import define
from derive.calculus.expressions.tensor import Size
from derive.calculus.program.network import Network
from derive.calculus.program.program import Program
from derive.check.evaluate import evaluate
from derive.networks.registry import NETWORKS, network
from tests.codegen.emitted_c import drawn as drawn_at
from tests.codegen.emitted_numpy import SIZES, drawn, imported
from tests.codegen.networks import NETWORKS as SMALL
from tests.codegen.test_numpy_layers import DETERMINED
from tests.witnesses.definitions import WITNESSES

SOFTMAX = define("""softmax(Z[m,n]) -> S
    E[i,j] = exp(Z[i,j])
    T[i] = sum_{q} E[i,q]
    S[i,j] = E[i,j]/T[i]""")


def in_place(program: Program) -> tuple[str, tuple[str, ...]]:
    """The program as a function that overwrites what is dead, and the sizes that no argument tells."""
    body = function_body(program, {}, program.inputs, ", ".join(program.outputs), examples=Size("m"))
    names = ", ".join([*(tensor.name for tensor in program.inputs), *body.missing])
    functions = "\n\n".join(fallbacks(body.functions))
    lines = "\n".join(body.lines)
    return f"import numpy as np\n\n{functions}\n\ndef run({names}):\n{lines}\n", body.missing


def gap(program: Program, folder: Path, rng: np.random.Generator, name: str) -> float:
    """The largest error of a program that runs in place; its inputs must be as before."""
    source, missing = in_place(program)
    inputs = drawn(program, rng)
    before = [array.copy() for array in inputs.values()]
    found = imported(source, folder, name).run(*inputs.values(), *(SIZES[letter] for letter in missing))
    for array, old in zip(inputs.values(), before, strict=True):
        np.testing.assert_array_equal(array, old)
    right = evaluate(program, inputs, SIZES)
    pairs = zip(program.outputs, found if len(program.outputs) > 1 else (found,), strict=True)
    return max(float(np.abs(array - right[o]).max() / (1 + np.abs(right[o]).max())) for o, array in pairs)


@pytest.mark.parametrize("name", DETERMINED)
def test_layers(name: str, tmp_path: Path, rng: np.random.Generator) -> None:
    for verb, program in plan_layer(WITNESSES[name]()).programs.items():
        assert gap(program, tmp_path, rng, f"{name}_{verb}") <= 1e-12


def always(program: Program, _: frozenset[str]) -> Mapping[str, frozenset[str]]:
    """A broken twin of `deaths`: every value is dead wherever it is read."""
    names = frozenset(tensor.name for tensor in program.locals)
    return {name: names for statement in program.statements for name in names_of(statement)}


TWICE = define("""twice(Z[m,n]) -> C
    A[i,j] = exp(Z[i,j])
    B[i,j] = tanh(A[i,j])
    C[i,j] = A[i,j] + B[i,j]""")


def test_a_value_that_is_overwritten_too_early_is_noticed(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gap(TWICE, tmp_path, rng, "twice") <= 1e-14
    monkeypatch.setattr(numpy_function, "deaths", always)
    assert gap(TWICE, tmp_path, rng, "twice_early") > 1e-3


def test_a_value_dies_where_it_is_read_last() -> None:
    assert deaths(SOFTMAX) == {"E": frozenset(), "T": frozenset(), "S": {"E", "T"}}
    assert deaths(SOFTMAX, frozenset({"T"})) == {"E": frozenset(), "T": frozenset(), "S": {"E", "T"}}
    source, _ = in_place(SOFTMAX)
    assert "    S = E      " in source
    assert "    S /= T[:, None]\n" in source


@pytest.mark.parametrize("text", ["B[i,j] = A[j,i]", "B[i,j] = A[i,j]"])
def test_a_value_that_is_shown_by_another_is_kept(
    text: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    """A.T is A's memory: C may not overwrite it while B lives."""
    program = define(f"""views(Z[n,n]) -> C, D
        A[i,j] = exp(Z[i,j])
        {text}
        C[i,j] = A[i,j] + Z[i,j]
        D[i,j] = B[i,j] Z[i,j]""")
    assert gap(program, tmp_path, rng, "views") <= 1e-14


def batch_for(net: Network, rng: np.random.Generator) -> list[Any]:
    plan = plan_network(net)
    sizes = {**net.sizes, net.batch: 5}
    bounds = {s.tensor.name: plan.size(s.classes) if s.classes is not None else 0 for s in plan.batch}
    return [drawn_at(s.tensor, sizes, bounds[s.tensor.name], rng) for s in plan.batch]


@pytest.mark.parametrize("name", [*NETWORKS, *SMALL])
def test_gradients_are_loss_and_pullback(name: str, tmp_path: Path, rng: np.random.Generator) -> None:
    net = SMALL[name]() if name in SMALL else network(name)
    module = imported(render_numpy(plan_network(net)), tmp_path, name)
    p = module.init(3, np.float64)
    batch = batch_for(net, rng)
    before = [array.copy() for array in (*p, *batch)]
    loss, residuals = module.loss(p, *batch)
    found, bars = module.gradients(p, *batch, 0.3)
    assert found == pytest.approx(loss, rel=1e-13)
    for bar, right in zip(bars, module.vjp(residuals, 0.3, p, *batch), strict=True):
        np.testing.assert_allclose(bar, right, rtol=1e-10, atol=1e-13)
    for array, old in zip((*p, *batch), before, strict=True):
        np.testing.assert_array_equal(array, old)

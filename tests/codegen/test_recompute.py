"""Keep or recompute: any choice gives the same gradients; a pass that reads the wrong tensor is caught."""

import ctypes
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from codegen.accumulation import accumulation
from codegen.extents import elements
from codegen.numpy.layer import render_numpy_layer
from codegen.numpy.module import render_numpy
from codegen.passes.dce import dce
from codegen.passes.halves import halves
from codegen.passes.one_step import one_step
from codegen.passes.recompute import recompute
from codegen.passes.verify import BrokenProgram, names_of, verify
from codegen.plan.keep import Task, cheapest
from codegen.plan.pipeline import lowered
from codegen.plan.plan import plan_layer, plan_network
from derive.calculus.definition.define import define
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.nodes import Where
from derive.calculus.expressions.tensor import Ref
from derive.calculus.program.network import Network
from derive.calculus.program.program import Equation, Program, map_equations
from derive.check.evaluate import evaluate
from derive.commands.build import build, rebuilt
from derive.errors import DeriveError
from derive.layers.registry import layer
from derive.networks.registry import network, variant
from tests.codegen.emitted_c import EmittedLayer, drawn, pointer
from tests.codegen.emitted_network import EmittedNetwork, real
from tests.codegen.emitted_numpy import imported
from tests.codegen.networks import NETWORKS

SIZES = {"T": 5, "m": 3, "n": 4, "d": 2, "D": 3}
LAYERS = ("layernorm", "attention", "lstm", "gru", "elman")


@cache
def small(name: str) -> Network:
    """A network of the registry, few of each size; or one of the tests'."""
    if name in NETWORKS:
        return NETWORKS[name]()
    sizes = dict(zip(network(name).sizes, (7, 5, 4, 3), strict=False))
    return variant(name, sizes={**sizes, "m": 6})


def seeds(program: Program, primal: Program) -> set[str]:
    return {t.name for t in program.inputs} - {t.name for t in primal.inputs}


def values(program: Program, rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {tensor.name: drawn(tensor, SIZES, 2, rng) for tensor in program.inputs}


@pytest.mark.parametrize("name", LAYERS)
def test_whatever_is_kept_a_layer_has_the_same_pullback(name: str) -> None:
    program = plan_layer(layer(name)).vjp
    own = seeds(program, layer(name))
    crossing = sorted(halves(program, own).crossing)
    inputs = values(program, np.random.default_rng(1))
    expected = evaluate(program, inputs, SIZES)
    for left in (*combinations(crossing, 1), tuple(crossing)):
        changed = verify(
            one_step(verify(recompute(program, own, set(crossing) - set(left)), "recompute")), "step"
        )
        found = evaluate(dce(changed), inputs, SIZES)
        for output in program.outputs:
            close(found[output], expected[output])


@pytest.mark.parametrize("name", ["lstm", "gru", "elman"])
@pytest.mark.parametrize("share", [0.9, 0.0])
def test_a_layer_in_less_memory_is_the_same_in_numpy_and_c(name: str, share: float, tmp_path: Path) -> None:
    first = plan_layer(layer(name))
    largest, smallest = (room(name, budget) for budget in (10**9, 1))
    budget = int(smallest + share * (largest - smallest))
    plan = plan_layer(layer(name), sizes=SIZES, budget=budget)
    inputs = values(first.vjp, np.random.default_rng(2))
    module = imported(render_numpy_layer(name, plan), tmp_path, name)
    emitted = EmittedLayer(plan, SIZES, tmp_path)
    assert emitted.workspace.size * 4 - 4 <= 2 * budget, "in double"
    for key in ("forward", "vjp"):
        own = {tensor.name: inputs[tensor.name] for tensor in first.programs[key].inputs}
        expected = evaluate(first.programs[key], own, SIZES)
        found = getattr(module, key)(*own.values())
        compiled = emitted.call(key, plan.programs[key], own)
        arrays = found if isinstance(found, tuple) else (found,)
        for output, array in zip(plan.programs[key].outputs, arrays, strict=True):
            close(array, expected[output])
            close(compiled[output], expected[output])


def room(name: str, budget: int) -> int:
    """The bytes of a layer's workspace, without a budget and at the smallest."""
    if budget > 1:
        plan = plan_layer(layer(name))
        named = {
            t.name: t for p in plan.programs.values() for t in p.locals if t.axes and t.name not in p.outputs
        }
        return sum(4 * elements(tensor, SIZES) for tensor in named.values())
    with pytest.raises(DeriveError) as refused:
        plan_layer(layer(name), sizes=SIZES, budget=1)
    found = re.search(r"raise the budget to (\d+)", str(refused.value))
    assert found is not None
    return int(found[1])


def test_a_recurrence_keeps_what_it_carries_and_computes_its_steps_again() -> None:
    whole = room("lstm", 10**9)
    assert room("lstm", 1) < 0.75 * whole
    plan = plan_layer(layer("lstm"), sizes=SIZES, budget=room("lstm", 1))
    kept = halves(plan.vjp, {"Y_bar", *(n for n in plan.vjp.tensors if n.endswith("_again"))}).crossing
    assert kept == {"H", "C", "F"}, "F is read at the step before its own"


def budgets(name: str) -> Iterator[int]:
    """Every figure that the greedy choice reaches for a network, from the largest."""
    plan = plan_network(small(name))
    while True:
        yield plan.memory.choice.bytes
        try:
            plan = plan_network(replace(small(name), budget=plan.memory.choice.bytes - 1))
        except DeriveError:
            return


@pytest.mark.parametrize(
    "name",
    ["two_layer", "three_layer", "residual", "two_layer_softplus", "two_layer_cos", "words", "batched"],
)
def test_any_budget_gives_the_same_gradients_in_numpy_and_c(name: str, tmp_path: Path) -> None:
    figures = list(budgets(name))
    assert len(figures) > (0 if name == "batched" else 1)
    results = []
    for number, budget in enumerate(figures):
        folder = tmp_path / str(number)
        plan = plan_network(replace(small(name), budget=budget if number else None))
        emitted = EmittedNetwork(plan, folder, examples=small(name).most)
        assert emitted.size("workspace") == budget // 4, "the count is what C allocates"
        arrays = emitted.draw(np.random.default_rng(3))
        module = imported(render_numpy(plan), folder, name)
        batch = [arrays[supplied.tensor.name] for supplied in plan.batch]
        params = module.Params(*(arrays[owned.tensor.name] for owned in plan.parameters))
        L, kept = module.loss(params, *batch)
        pulled = module.vjp(kept, 1.0, params, *batch)
        both = module.gradients(params, *batch)
        given = emitted.batch(arrays)
        bars = emitted.gradients()
        assert emitted.call("loss", given, ctypes.byref(emitted.L)) == 0
        assert emitted.call("vjp", given, real(1), pointer(bars)) == 0
        results.append((L, both[0], emitted.L.value, *pulled, *both[1], *emitted.trained(bars).values()))
    for result in results[1:]:
        for found, expected in zip(result, results[0], strict=True):
            close(found, expected)


def test_a_pullback_in_a_function_of_its_own_does_the_same_operations() -> None:
    plan = plan_network(
        replace(small("residual"), budget=next(b for n, b in enumerate(budgets("residual")) if n))
    )
    (again,) = plan.memory.again
    assert str(plan.vjp.defining(again[0])[0]) == str(plan.loss.defining(again[0])[0])


def test_a_budget_that_cannot_be_met_names_what_does_not_fit() -> None:
    with pytest.raises(
        DeriveError, match=r"--budget 1000: .* is 431160 bytes .*p_bar.W1 \(313600 bytes\).*m=64"
    ):
        plan_network(variant("two_layer", budget=1000))


def test_the_words_of_a_build_have_the_budget() -> None:
    words = variant("two_layer", budget=431200).build
    assert words == ("two_layer", "--budget", "431200")
    assert rebuilt("two_layer", words).budget == 431200


CUBED = """
cubed(X[m,n], W[n,n], V[n,k]) -> L
    A[i,j] = sum_{p} X[i,p] W[p,j]
    B[i,j] = A[i,j]^3
    O[i,j] = sum_{p} B[i,p] V[p,j]
    L = sum_{i,j} O[i,j]^2
"""
DEAR = CUBED.replace("cubed", "dear").replace("A[i,j]^3", "cos(A[i,j])")


@pytest.mark.parametrize(("text", "again"), [(CUBED, ("B",)), (DEAR, ())])
def test_without_a_budget_what_is_cheaper_to_compute_is_not_kept(text: str, again: tuple[str, ...]) -> None:
    program = lowered(vjp(define(text)))
    sizes = {"m": 4, "n": 8, "k": 2}

    def held(one: Program) -> dict[str, int]:
        crossing = halves(one, {"L_bar", *late(one, program)}).crossing
        return {name: 4 * elements(one.tensor(name), sizes) for name in crossing}

    task = Task(program, frozenset({"L_bar"}), sizes, held)
    chosen = cheapest(task)
    assert chosen.again == again
    assert chosen.kept == {"A", "B", "O"} - set(again)
    assert task.work["A"] == 2 * 4 * 8 * 8


def late(one: Program, program: Program) -> set[str]:
    return set(one.tensors) - set(program.tensors)


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


# deliberately broken twins of the pass


def test_recomputing_from_another_tensor_gives_another_gradient() -> None:
    program = plan_layer(layer("layernorm")).vjp
    inputs = values(program, np.random.default_rng(4))
    expected = evaluate(program, inputs, SIZES)["X_bar"]
    changed = recompute(program, {"Y_bar"}, {"C", "r"})
    assert "Xhat_again" in changed.tensors
    close(evaluate(changed, inputs, SIZES)["X_bar"], expected)
    for old in ("C", "r"):
        broken = map_equations(changed, partial(misread, old))
        with pytest.raises(AssertionError):
            close(evaluate(verify(broken, "misread"), inputs, SIZES)["X_bar"], expected)


def misread(old: str, equation: Equation) -> Equation:
    """Xhat_again of X instead of C, of v instead of r."""
    new = {"C": "X", "r": "v"}[old]
    swap = {ref: Ref(new, *ref.indices) for ref in equation.references if ref.name == old}
    return (
        replace(equation, value=equation.value.xreplace(swap)) if equation.name == "Xhat_again" else equation
    )


def test_what_is_read_but_not_computed_again_is_caught() -> None:
    changed = recompute(plan_layer(layer("layernorm")).vjp, {"Y_bar"}, {"C", "r"})
    lost = tuple(s for s in changed.statements if "Xhat_again" not in names_of(s))
    with pytest.raises(BrokenProgram, match="Xhat_again is read before it is defined"):
        verify(replace(changed, statements=lost), "recompute")
    late_ = sorted(changed.statements, key=lambda s: "Xhat_again" in names_of(s))
    with pytest.raises(BrokenProgram, match="Xhat_again is read before it is defined"):
        verify(replace(changed, statements=tuple(late_)), "recompute")


def test_a_carried_tensor_keeps_its_steps() -> None:
    program = plan_layer(layer("lstm")).forward
    narrow = one_step(program)
    steps = {tensor.name: len(tensor.axes) for tensor in narrow.locals}
    assert (steps["H"], steps["C"], steps["I"]) == (3, 3, 2)
    assert one_step(narrow) is narrow


def test_the_guard_of_an_accumulation_guards_its_start() -> None:
    program = plan_layer(layer("gru")).vjp
    (value,) = (e.value for e in program.equations() if str(e.target) == "H_bar[t + 1,a,j]")
    form = accumulation(value)
    assert form is not None
    assert isinstance(form.start, Where)


def test_each_pass_that_changed_a_program_is_printed(tmp_path: Path) -> None:
    words = ["two_layer_softplus", "--budget", "480K", "--dump-passes", "--out", str(tmp_path)]
    first, second = (CliRunner().invoke(build, words) for _ in range(2))
    assert first.exit_code == 0, first.output
    assert first.output == second.output
    heads = [line for line in first.output.splitlines() if line.startswith("# ")]
    assert heads[0].startswith("# two_layer_softplus_forward after derivation: ")
    assert any(line.startswith("# two_layer_softplus_vjp after recompute: ") for line in heads)
    assert heads[-2].startswith("# two_layer_softplus_loss after split: ")
    assert heads[-1].startswith("# two_layer_softplus_vjp after split: ")
    assert "keeps A1 (51200 bytes), S (5120 bytes) for 128 examples, computes again E2" in first.output
    readme = (tmp_path / "two_layer_softplus" / "README.md").read_text(encoding="utf-8")
    assert "build two_layer_softplus --budget 491520`" in readme
    assert "487840 bytes, within the budget of 491520" in readme


@pytest.mark.parametrize("given", ["0", "8X", "-1", "1.5M", ""])
def test_what_is_no_number_of_bytes_is_refused(given: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(build, ["two_layer", "--budget", given, "--out", str(tmp_path)])
    assert done.exit_code == 2
    assert "is no number of bytes" in done.output

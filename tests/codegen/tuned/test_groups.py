"""What the planner computes together, or once: counts of maxima, elementwise groups, packed factors."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from sympy import Expr

from bench.cases import Recurrent
from bench.ours.recurrent import recurrent
from codegen.c.network import c_network
from codegen.emit import emit
from codegen.plan.pipeline import Shown
from codegen.plan.plan import plan_layer, plan_network
from codegen.tuned.draft import Draft
from codegen.tuned.groups.fusion import fused
from codegen.tuned.groups.gathered import gathered as gathered_sums
from codegen.tuned.groups.gathered import gathers
from codegen.tuned.groups.groups import Group, Turns
from codegen.tuned.groups.views import view_of
from codegen.tuned.pipeline import Tuned, tuned
from codegen.tuned.source.lists import calls
from codegen.tuned.spelling.windows import windows
from codegen.tuned.storage import Stored
from codegen.tuned.verification.verify import complaints
from derive.calculus.definition.define import define
from derive.calculus.expressions.nodes import FloorDiv, Remainder, Sum
from derive.calculus.expressions.tensor import Axis, Index, Ref, Size, Tensor
from derive.calculus.program.program import Equation
from derive.networks.registry import variant
from derive.runtime import load
from tests.codegen.emitted_c import COMPILERS
from tests.codegen.tuned.test_tuned_layers import TunedLayer

I, J, K = map(Index, "ijk")


@cache
def lenet() -> Tuned:
    return tuned(c_network(plan_network(variant("lenet"))))


def text_of(found: Tuned, name: str) -> str:
    return "\n".join(next(one for one in found.phases.values() if one.name == name).lines)


def test_ties_are_counted_where_the_maximum_is_found() -> None:
    """By the tangents; the pullback counts where it reads, so that no count is kept."""
    counting = [g for g in lenet().lists["jvp"] if isinstance(g, Group) and "P1_dot_sum" in g.names]
    assert [sorted(group.names) for group in counting] == [["P1", "P1_dot_sum"]]
    assert counting[0].stored == {"P1", "P1_dot_sum"}
    lines = text_of(lenet(), "P1_dot_sum")
    assert lines.index("P1_max =") < lines.index("const vec P1_ =") < lines.index("== P1_)")
    assert not any("ties" in one.name for one in lenet().phases.values())


def test_a_sum_over_other_windows_is_not_put_with_a_maximum() -> None:
    """P2 goes over windows of two by two as well, but of another tensor."""
    groups = [group for group in lenet().lists["jvp"] if isinstance(group, Group)]
    assert not any({"P1", "P2_dot_sum"} <= one.names or {"P2", "P1_dot_sum"} <= one.names for one in groups)
    assert any("P2_dot_sum" in one.names for one in groups)


def test_rows_are_shared_out_where_the_loops_around_are_few() -> None:
    few, many = text_of(lenet(), "K1_bar"), text_of(lenet(), "K2_bar")
    assert "SHARED_1\n" not in few
    assert re.search(r"1,\s+A1_bar, X", few)
    assert "SHARED_1\n" in many
    assert re.search(r"0,\s+A2_bar, P1", many)


def gathered(body: str) -> list[list[str]]:
    """The groups of some equations that all leave the function."""
    program = define(f"f(A[n], B[n]) -> C, D, E\n{body}")
    return [[e.name for e in step.equations] for step in fused(program.statements, ("C", "D", "E"))]


def test_elementwise_groups_that_an_equation_reads_are_one() -> None:
    assert gathered("    C[i] = A[i]^2\n    D[i] = exp(B[i])\n    E[i] = C[i] D[i]") == [["C", "D", "E"]]


def test_what_is_read_elsewhere_stays_apart() -> None:
    apart = gathered("    C[i] = A[i]^2\n    D[i] = sum_{j} C[j] B[i]\n    E[i] = C[i] D[i]")
    assert apart == [["C"], ["D", "E"]]


LONG = Recurrent("r", "recurrent", 128, length=5, width=64, hidden=64, classes=3)
"""What steps and examples are summed over is read where it lies."""
FAR = replace(LONG, length=90)
"""Sums over steps and examples go through more pages than stay near: both factors are packed."""
WIDE = Recurrent("r", "recurrent", 32, length=40, width=64, hidden=128, classes=3)
"""U is packed for the forward steps too, and there are too many turns to count each."""


@cache
def lstm() -> Tuned:
    return tuned(c_network(plan_network(recurrent(LONG))))


def test_a_factor_that_no_turn_changes_is_packed_in_the_first() -> None:
    lines = text_of(lstm(), "H_bar_2")
    assert "if (t == T - 1)\n" in lines
    assert lines.index("if (t == T - 1)") < lines.index("ONE(pack)(") < lines.index("ONE(contract)(")


def test_a_factor_that_is_packed_once_keeps_its_place_for_all_turns() -> None:
    """What the last turn computes, and no other reads, may lie there only where each turn packs anew."""
    seen: dict[str, Shown] = {}
    tuned(c_network(plan_network(recurrent(LONG))), lambda after, shown: seen.update({after: shown}))
    draft = seen["lifetimes"]
    assert isinstance(draft, Draft)
    (lasting,) = (one for one in draft.phases.values() if one.lasting)
    packed = f"panels of {lasting.name}"
    brief = {key: replace(one, lasting=False) for key, one in draft.phases.items()}
    found = draft.arenas[4]
    end = {packed: found.reals, "C_bar": found.reals}
    moved = replace(found, offsets={**found.offsets, **end}, reals=2 * found.reals)
    broken = replace(draft, arenas={4: moved})
    assert [one for one in complaints(broken) if packed in one]
    assert not list(complaints(replace(broken, phases=brief)))


def test_what_every_turn_of_two_passes_reads_is_packed_in_the_first() -> None:
    """The function of a forward step serves the pass with tangents too: both begin with the first turn."""
    lines = text_of(tuned(c_network(plan_network(recurrent(WIDE)))), "A")
    assert "if (t == 0)\n" in lines
    assert lines.index("if (t == 0)") < lines.index("ONE(pack)(") < lines.index("ONE(contract)(")


def test_axes_that_products_loop_around_lie_before_rows() -> None:
    """Gates g lie outside of the examples a: the rows of each product follow each other."""
    for name in ("A", "B", "A_bar"):
        assert lstm().scene.stored[name].order == (0, 2, 1, 3), name
    assert "PAD(D), 0, R_M * PAD(D), 1" in text_of(lstm(), "H_bar_2")


def test_parts_of_a_tensor_are_computed_together() -> None:
    """All of A_bar[t,a,g,j], for each gate g an equation of its own, in one pass over a and j."""
    (turns,) = (step for step in lstm().lists["vjp"] if isinstance(step, Turns))
    first = turns.groups[0]
    assert [one.name for one in first.equations].count("A_bar") == 4
    lines = text_of(lstm(), "A_bar")
    assert all(f"const vec A_bar_{gate}_ =" in lines for gate in range(4))


def test_a_part_is_not_taken_for_another() -> None:
    """Where an equation reads a part of a tensor, its group has no other part of it."""
    i, n = Index("i"), Size("n")

    def equation(target: Ref, value: Expr) -> Equation:
        return Equation(target, ((i, n),), value)

    square = equation(Ref("P", i), Ref("A", i) ** 2)
    parts = [equation(Ref("C", place, i), (place + 2) * Ref("P", i)) for place in range(2)]
    reader = equation(Ref("D", i), Ref("C", 0, i) * Ref("P", i))

    def groups(*listed: Equation) -> list[list[str]]:
        return [[e.name for e in step.equations] for step in fused(listed, ("P", "C", "D"))]

    assert groups(square, *parts) == [["P", "C", "C"]]
    assert groups(square, *parts, reader) == [["P", "C", "C"], ["D"]]
    assert groups(square, parts[0], reader, parts[1]) == [["P", "C", "D"], ["C"]]


def test_a_value_lies_where_turns_alone_read_another() -> None:
    """A[t] = B[t] + .. takes the place of B, turn by turn, where there are too many turns to count each."""
    for arena in tuned(c_network(plan_network(recurrent(WIDE)))).arenas.values():
        assert arena.offsets["A"] == arena.offsets["B"]
        assert arena.offsets["C_bar"] != arena.offsets["H"]


def test_a_value_that_others_read_is_not_taken_by_turns() -> None:
    """H is read where C_bar is made, element by element, but by the gradient of U once more."""
    seen: dict[str, Shown] = {}
    tuned(c_network(plan_network(recurrent(WIDE))), lambda after, shown: seen.update({after: shown}))
    draft = seen["lifetimes"]
    assert isinstance(draft, Draft)
    found = draft.arenas[4]
    moved = replace(found, offsets={**found.offsets, "C_bar": found.offsets["H"]})
    assert [one for one in complaints(replace(draft, arenas={4: moved})) if "H " in one]


def test_rows_that_no_loop_around_changes_are_packed_once() -> None:
    for name in ("W_bar", "U_bar"):
        assert "g ? 2 : 1," in text_of(tuned(c_network(plan_network(recurrent(FAR)))), name)
        assert "g ? 2 : 1," not in text_of(lstm(), name)


@pytest.mark.compiler
@pytest.mark.parametrize("case", [LONG, FAR, WIDE], ids=["long", "far", "wide"])
def test_what_is_packed_once_is_what_is_read(
    case: Recurrent, tmp_path: Path, rng: np.random.Generator
) -> None:
    """For a whole batch, and for a smaller one, whose steps lie apart."""
    emit(recurrent(case), ("numpy", "c", "tuned"), tmp_path)
    networks = [load("r", backend, tmp_path, "float64").init(1) for backend in ("numpy", "tuned")]
    for m in (case.batch, case.batch - 3):
        X = rng.standard_normal((m, case.length, case.width))
        y = rng.integers(0, case.classes, m).astype(np.int32)
        (_, wanted), (_, found) = (each.gradients(X, y) for each in networks)
        for name, slope in wanted.items():
            assert np.linalg.norm(found[name] - slope) <= 1e-12 * np.linalg.norm(slope), name


def test_the_last_turn_does_not_compute_what_nothing_reads() -> None:
    """H_bar[0] is of no use: the pullback of the first step hands it to nobody."""
    found = calls(lstm().lists["vjp"], lstm())
    place = next(i for i, line in enumerate(found) if "ONE(H_bar_2)(" in line)
    assert found[place - 1].strip() == "if (x->turn > 0)"
    assert not any("if (" in line for line in calls(lstm().lists["loss"], lstm()))


@pytest.mark.compiler
@pytest.mark.skipif("gcc" not in COMPILERS, reason="gcc is not installed")
def test_vectors_are_divided_by_one_number(tmp_path: Path) -> None:
    """Where its inverse is a normal number, and where it is not."""
    plan = plan_layer(define("over(A[m,n], t[m]) -> C\n    C[i,j] = A[i,j]/t[i]"))
    divisors = np.array([3.0, -7.0, 1e-310, 1e-40, 0.0, -0.0, np.inf, -np.inf, np.nan, 1e300, 1e37, 1e-37])
    numerators = np.linspace(-2, 2, 12 * 19).reshape(12, 19)
    numerators[:, ::5] = 0
    emitted = TunedLayer(plan, {"m": 12, "n": 19}, tmp_path, "-fno-sanitize=float-divide-by-zero")
    assert "FN(over)(" in emitted.source.read_text(encoding="utf-8")
    found = emitted.call("forward", plan.programs["forward"], {"A": numerators, "t": divisors})["C"]
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(found, numerators / divisors[:, None], rtol=4e-16, atol=0)


def test_what_a_group_leaves_is_summed_as_it_goes() -> None:
    groups = [g for g in lenet().lists["vjp"] if isinstance(g, Group) and g.sums]
    assert [[e.name for e in group.equations] for group in groups] == [
        ["A2_bar", "b2_bar"],
        ["A1_bar", "b1_bar"],
    ]
    assert all(group.stored == group.names for group in groups)
    lines = text_of(lenet(), "b1_bar")
    assert lines.index("b1_bar_sum = all(0)") < lines.index("for (int e") < lines.index("b1_bar_sum +=")
    assert lines.index("b1_bar_sum +=") < lines.index("FN(total)(b1_bar_sum")


@pytest.mark.parametrize(
    ("term", "together"),
    [("C[i,j]", True), ("C[i,j] A[i,j]", False), ("where(i > 0, C[i,j], 0)", False), ("C[j,i]", False)],
)
def test_only_elements_as_they_are_are_summed_with_them(term: str, together: bool) -> None:
    shape = "f(A[n,n]) -> C, b" if term == "C[j,i]" else "f(A[n,m]) -> C, b"
    program = define(f"{shape}\n    C[i,j] = exp(A[i,j])\n    b[i] = sum_{{j}} {term}")
    steps = gathered_sums(fused(program.statements, ("C", "b")), lambda _: True)
    assert len(steps) == (1 if together or term == "C[j,i]" else 2)


def test_a_sum_of_something_else_with_other_loops_is_found_out() -> None:
    draft = drafts_of_lenet()
    (group,) = [g for g in draft.lists["vjp"] if isinstance(g, Group) and "b1_bar" in g.names]
    first, total = group.equations
    halved = replace(total, value=total.value / 2)
    shorter = {extent: extent / 2 for _, extent in first.ranges if extent not in dict(total.ranges).values()}
    assert not gathers(group, replace(total, value=total.value.xreplace(shorter)))
    assert not gathers(group, replace(total, ranges=(*total.ranges, first.ranges[0])))
    assert gathers(group, halved)
    steps = tuple(
        replace(group, equations=(first, replace(total, value=first.value))) if one is group else one
        for one in draft.lists["vjp"]
    )
    bare = replace(draft, lists={**draft.lists, "vjp": steps}, phases={}, arenas={})
    found = list(complaints(bare))
    assert any("b1_bar has other loops than A1_bar" in one for one in found)


@cache
def drafts_of_lenet() -> Draft:
    found: list[Draft] = []

    def watch(_: str, shown: Shown) -> None:
        assert isinstance(shown, Draft)
        found.append(shown)

    tuned(c_network(plan_network(variant("lenet"))), watch)
    return found[-1]


def test_what_is_the_same_for_a_window_is_computed_once() -> None:
    lines = text_of(lenet(), "b1_bar")
    once = lines.index("const vec A1_bar_once =")
    assert lines.index("const vec P1_ =") < once < lines.index("for (int h = 2 * ")
    assert lines.count(" / A1_bar_sum") == 1
    assert "/ 2" not in lines


def test_no_window_is_seen_in_a_sum() -> None:
    """The index of the sum varies within what would be the same."""
    inner = Sum(Ref("B", K, J) * Ref("P1", FloorDiv(I, 2), J), (K, Size("l")))
    value = Ref("Z1", FloorDiv(I, 2), J) * Ref("E", FloorDiv(I, 2), J) + inner
    equation = Equation(Ref("C", I, J), ((I, 2 * Size("a")), (J, Size("m"))), value)
    found = windows([equation], equation.ranges[:1], J, lenet().scene)
    (window,) = (k for k, _ in found.inside.values())
    assert list(found.once) == [Ref("Z1", window, J) * Ref("E", window, J)]


def test_elements_of_small_windows_are_loaded_once() -> None:
    lines = text_of(lenet(), "P1_dot_sum")
    assert lines.count("load(Z1") == 4
    assert [lines.count(f"Z1_{place}") for place in range(4)] == [3] * 4
    assert "for (int u" not in lines


def test_other_indices_of_what_lies_there_are_a_view() -> None:
    found = lenet()
    (phase,) = [one for one in found.phases.values() if one.view]
    assert phase.name == "F"
    assert not phase.lines
    for arena in found.arenas.values():
        assert arena.offsets["F"] == arena.offsets["P2"]


def lying(name: str, *extents: Expr) -> Stored:
    """A tensor in the arena, its last axis along the lanes."""
    axes = tuple(Axis(f"x{place}", extent) for place, extent in enumerate(extents))
    return Stored(Tensor(name, axes), f"x->w + AT_{name}", tuple(range(len(axes))), True)


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (Ref("A", FloorDiv(I, Size("b")), Remainder(I, Size("b")), J), True),
        (Ref("A", Remainder(I, Size("a")), FloorDiv(I, Size("a")), J), False),
        (Ref("A", Size("a") - 1 - FloorDiv(I, Size("b")), Remainder(I, Size("b")), J), False),
        (2 * Ref("A", FloorDiv(I, Size("b")), Remainder(I, Size("b")), J), False),
    ],
)
def test_rows_of_rows_are_a_view_of_them(value: Expr, seen: bool) -> None:
    a, b, m = map(Size, "abm")
    equation = Equation(Ref("C", I, J), ((I, a * b), (J, m)), value)
    stored = {"A": lying("A", a, b, m), "C": lying("C", a * b, m)}
    assert view_of(Group((equation,)), stored) == ("A" if seen else None)
    apart = {**stored, "C": replace(stored["C"], halo=(1, 0))}
    assert view_of(Group((equation,)), apart) is None


@pytest.mark.parametrize(("at", "seen"), [(I * Size("b") + K, True), (K * Size("a") + I, False)])
def test_parts_of_rows_are_a_view_of_them(at: Expr, seen: bool) -> None:
    a, b, m = map(Size, "abm")
    equation = Equation(Ref("C", I, K, J), ((I, a), (K, b), (J, m)), Ref("A", at, J))
    stored = {"A": lying("A", a * b, m), "C": lying("C", a, b, m)}
    assert view_of(Group((equation,)), stored) == ("A" if seen else None)


def test_a_place_that_is_no_view_of_what_it_covers_is_found_out() -> None:
    draft = drafts_of_lenet()
    stored = dict(draft.stored)
    stored["F"] = replace(stored["F"], padded=False)
    (group,) = [g for g in draft.lists["vjp"] if isinstance(g, Group) and "F" in g.names]
    assert view_of(group, stored) is None
    found = list(complaints(replace(draft, stored=stored)))
    assert any("F" in one and "P2" in one for one in found)

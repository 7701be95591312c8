"""Mutants are made in every place; what survives is real; what is proved equivalent is so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sympy import Integer

from derive.calculus.definition.define import define
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.bounds import inside
from derive.calculus.expressions.nodes import FloorDiv, IsZero, Nonnegative, Remainder, Sum, Where
from derive.calculus.expressions.tensor import Axis, Index, Ref, Size, Tensor
from derive.calculus.program.program import Equation, Program
from derive.check.equivalence import proved_equivalent
from derive.check.guards import canonical, implied, quotient
from derive.check.mutations import Mutant, mutants
from derive.check.oracles import Point
from derive.check.survivors import Trial, survivors
from derive.check.variants import variants
from derive.errors import DeriveError

I, J, P, T, U = (Index(letter) for letter in "ijptu")
N = Size("n")
FORWARD = define("causal(x[n,n], v[n]) -> y\n    y[t] = sum_{s<=t} x[t,s] v[s]")
RELU = define(
    """relu(x[m,n], w[n]) -> y
    a[i] = sum_{p} x[i,p] w[p]
    z[i] = max(a[i], 0)
    y[i] = z[i]^2"""
)
SIZES = {"causal": {"n": 5}, "relu": {"m": 5, "n": 2}, "window": {"n": 9, "U": 3}}
WINDOW = define("window(x[n], k[U]) -> y\n    y[t<((n+3-2*U)//2)+1] = sum_{u} x[2*t+2*u-1] k[u]")


def planted(program: Program, name: str, change: Callable[[Equation], Equation]) -> Program:
    """The program with one equation changed."""
    changed = (change(s) if isinstance(s, Equation) and s.name == name else s for s in program.statements)
    return program.with_statements(tuple(changed))


def test_the_variants_of_an_expression_are_one_change_each_and_in_a_fixed_order() -> None:
    x = Tensor("x", (Axis("n", N), Axis("n", N)))
    value = Sum(Where(Nonnegative(I - P), 2 * x[I, P] ** 2 - x[P, I], 0), (P, N))
    found = list(variants(value, (I, J), {"x": x}))
    done = [text for text, _ in found]
    assert done == [text for text, _ in variants(value, (I, J), {"x": x})]
    assert all(changed != value for _, changed in found)
    for expected in (
        "guard i - p >= 0 dropped",
        "conjunct i - p >= 0 negated",
        "conjunct i - p >= 0 off by 1",
        "branches of",
        "range p<n of sum -> p<n + 1",
        "sum over p only at 0",
        "maximum instead of",
        "term -x[p,i] dropped",
        "sign of -x[p,i] flipped",
        "power of x[i,p]**2 dropped",
        "2 -> 3",
        "x[i,p]: indices 0 and 1 swapped",
        "x[i,p]: index 0 moved by 1",
        "index p -> j",
    ):
        assert any(text.startswith(expected) for text in done), f"{expected!r} is not among {done}"


@pytest.mark.parametrize("forward", [FORWARD, RELU, WINDOW], ids=lambda program: program.name)
def test_nothing_that_an_oracle_catches_is_proved_equivalent(forward: Program) -> None:
    pullback = vjp(forward)
    trial = Trial.of(pullback, Point.drawn(forward, 0, SIZES[forward.name]))
    caught = [mutant for mutant in list(mutants(pullback))[::2] if _differs(trial, mutant)]
    assert len(caught) > 15
    wrong = [str(mutant) for mutant in caught if proved_equivalent(pullback, mutant)]
    assert not wrong


def _differs(trial: Trial, mutant: Mutant) -> bool:
    """Whether a mutant can be evaluated and gives other values."""
    try:
        return trial.differs(trial.mutated(mutant))
    except DeriveError:
        return False


def test_a_redundant_guard_survives_and_is_proved_so() -> None:
    pullback = vjp(FORWARD)
    letter = next(e for e in pullback.equations() if e.name == "x_bar").loops[0]
    guard = Nonnegative(letter + 5)
    doubled = planted(pullback, "x_bar", lambda e: replace(e, value=Where(guard, e.value, 0)))
    dropped = [mutant for mutant in mutants(doubled) if f"guard {guard} dropped" in mutant.done]
    assert dropped
    left = survivors(doubled, dropped, [Point.drawn(FORWARD, 0, {"n": 4})])
    assert left == tuple(dropped)
    assert all(proved_equivalent(doubled, mutant) for mutant in left)


def test_a_wrong_program_shows_nothing_of_its_mutants() -> None:
    wrong = planted(vjp(FORWARD), "v_bar", lambda e: replace(e, value=2 * e.value))
    with pytest.raises(DeriveError, match="itself fails"):
        survivors(wrong, mutants(wrong), [Point.drawn(FORWARD, 0, {"n": 4})])


def test_a_mutant_is_followed_through_what_depends_on_it() -> None:
    pullback = vjp(RELU)
    first = next(e.name for e in pullback.equations() if e.name.endswith("_bar"))
    assert first not in pullback.outputs
    inner = [mutant for mutant in mutants(pullback) if mutant.done == f"{first}: doubled"]
    assert inner
    assert not survivors(pullback, inner, [Point.drawn(RELU, 0, SIZES["relu"])])


def test_a_guard_needed_only_at_odd_sizes_is_missed_at_even_ones() -> None:
    pullback = vjp(WINDOW)
    needed = [m for m in mutants(pullback) if m.done.startswith("k_bar: conjunct") and "dropped" in m.done]
    even, odd = (Point.drawn(WINDOW, 0, {"n": n, "U": 2}) for n in (8, 9))
    assert survivors(pullback, needed, [even])
    assert not survivors(pullback, needed, [odd])


EXTENTS = {T: N, U: Size("U"), I: N}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([2 * T + 2 * U - 1], [T + U - 1]),
        ([3 * T + 5 * U - 2], [T + U - 1]),
        ([T + 5], []),
        ([N - T], []),
        ([I - T, I - T + 1], [I - T]),
        ([2 * I - 3 * T - 1], [2 * I - 3 * T - 1]),
    ],
)
def test_guards_that_hold_for_the_same_integers_have_one_form(given: list[Ref], expected: list[Ref]) -> None:
    found = canonical([Nonnegative(e) for e in given], (), EXTENTS)
    assert set(found) == {Nonnegative(e) for e in expected}


def test_divisibility_tightens_guards_and_quotients() -> None:
    even = IsZero(Remainder(I - 2 * U + 1, Integer(2)))
    found = canonical([even, Nonnegative(I - 2 * U + 2)], (), EXTENTS)
    assert found == canonical([IsZero(Remainder(I + 1, Integer(2))), Nonnegative(I - 2 * U + 1)], (), EXTENTS)
    assert quotient(FloorDiv(I - 2 * U + 2, 2), [even]) == FloorDiv(I - 2 * U + 1, 2)
    assert quotient(FloorDiv(I - 2 * U + 3, 2), [even]) == FloorDiv(I - 2 * U + 1, 2) + 1
    assert quotient(FloorDiv(I + U, 2), [even]) == FloorDiv(I + U, 2)


def test_what_is_not_proved_is_not_implied() -> None:
    assert implied(Nonnegative(N - 1 - T), (), EXTENTS)
    assert not implied(Nonnegative(N - 2 - T), (), EXTENTS)
    assert not implied(Nonnegative(I - T), (), EXTENTS)
    assert implied(Nonnegative(I - T + 2), [Nonnegative(I - T)], EXTENTS)
    assert not implied(Nonnegative(I - T - 2), [Nonnegative(I - T)], EXTENTS)
    assert inside(T, N, EXTENTS) == True  # noqa: E712

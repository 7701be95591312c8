"""Slopes of a reversed loop, computed in the forward one."""

from typing import Any

import pytest
from sympy import exp

from codegen.passes.slopes import slope_of, slopes
from derive.calculus.expressions.nodes import Positive, Where
from derive.calculus.expressions.tensor import Axis, Index, Ref, Size, Tensor
from derive.calculus.program.program import Equation, Program, Recurrence

L, N = Size("L"), Size("n")
l, i = map(Index, "li")
ROWS, STEPS = (Axis("i", N),), (Axis("l", L), Axis("i", N))
F, E, G_BAR, X = Ref("F", l, i), Ref("E", l, i), Ref("G_bar", i), Ref("X", i)
PULLED = G_BAR * E + G_BAR * F * E / (1 + E)


def program(pulled: Any = PULLED, also: Any = None) -> Program:
    """F = 2 X, E = exp(F), G = F E in a loop; G_bar and F_bar in the reversed one."""

    def equation(name: str, value: Any, *indices: Any) -> Equation:
        return Equation(Ref(name, *indices), ((i, N),), value)

    forward = (
        equation("F", 2 * X, l, i),
        equation("E", exp(F), l, i),
        equation("G", F * E, l, i),
    )
    backward = [equation("G_bar", X + l, i), equation("F_bar", pulled, l, i)]
    backward += [equation("H_bar", also, l, i)] if also is not None else []
    locals_ = [
        Tensor(one.name, STEPS if len(one.target.indices) > 1 else ROWS) for one in (*forward, *backward)
    ]
    loops = (Recurrence(l, L, forward), Recurrence(l, L, tuple(backward), reverse=True))
    return Program("P", (Tensor("X", ROWS),), loops, ("G", backward[-1].name), tuple(locals_))


def value(made: Program, name: str) -> Any:
    return made.defining(name)[0].value


def test_the_slope_is_an_equation_after_what_it_reads() -> None:
    made = slopes(program())
    forward = made.statements[0]
    assert isinstance(forward, Recurrence)
    assert [one.name for one in forward.equations] == ["F", "E", "F_slope", "G"]
    assert value(made, "F_slope") == E + F * E / (1 + E)
    assert value(made, "F_bar") == G_BAR * Ref("F_slope", l, i)
    assert made.tensor("F_slope").shape == (L, N)


@pytest.mark.parametrize(
    ("pulled", "also"),
    [
        (G_BAR * E, None),  # one array for one
        (G_BAR**2 * E * F, None),  # not linear
        (G_BAR * E * F + 1, None),
        (PULLED, G_BAR * F),  # one part is read by another
        (G_BAR * E * Ref("F", l - 1, i), None),  # of another step
    ],
)
def test_what_is_no_slope_or_saves_no_array_stays(pulled: Any, also: Any) -> None:
    made = program(pulled, also)
    assert slopes(made) is made


def test_a_branch_has_the_slope_of_what_it_chooses() -> None:
    assert slope_of(Where(Positive(E), G_BAR * F, 0), G_BAR) == Where(Positive(E), F, 0)
    assert slope_of(Where(Positive(G_BAR), G_BAR * F, 0), G_BAR) is None
    assert slope_of(Where(Positive(E), G_BAR * F, G_BAR), G_BAR) is None

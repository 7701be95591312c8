"""Scores that are minus infinity where neither their maximum nor their exponentials read them."""

from typing import Any

import pytest
from sympy import exp, oo

from codegen.passes.unseen import unseen
from derive.calculus.expressions.nodes import Largest, Nonnegative, Sum, Where
from derive.calculus.expressions.tensor import Axis, Index, Ref, Size, Tensor
from derive.calculus.program.program import Equation, Program

T = Size("T")
t, s, r = map(Index, "tsr")
SQUARE = (Axis("t", T), Axis("s", T))
CAUSAL = Nonnegative(t - s)
E = Ref("E", t, s)
SCORES, TOP = 2 * Ref("X", t, s), Largest(Where(Nonnegative(t - r), Ref("R", t, r), -oo), (r, T))
DECAYS = Where(CAUSAL, exp(Ref("R", t, s) - Ref("M", t)), 0)


def program(top: Any = TOP, decays: Any = DECAYS, result: Any = E) -> Program:
    pairs, rows = ((t, T), (s, T)), ((t, T),)
    made = (
        Equation(Ref("R", t, s), pairs, SCORES),
        Equation(Ref("M", t), rows, top),
        Equation(Ref("E", t, s), pairs, decays),
        Equation(Ref("O", t), rows, Sum(result, (s, T))),
    )
    locals_ = tuple(Tensor(one.name, SQUARE[: len(one.ranges)]) for one in made)
    return Program("P", (Tensor("X", SQUARE),), made, ("O",), locals_)


def test_the_guards_are_one_in_the_scores() -> None:
    values = {one.name: one.value for one in unseen(program()).equations()}
    assert values["R"] == Where(CAUSAL, SCORES, -oo)
    assert values["M"] == Largest(Ref("R", t, r), (r, T))
    assert values["E"] == exp(Ref("R", t, s) - Ref("M", t))


@pytest.mark.parametrize(
    "changed",
    [
        {"top": Largest(Where(Nonnegative(t - r - 1), Ref("R", t, r), -oo), (r, T))},  # row 0 sees nothing
        {"top": Largest(Where(Nonnegative(r - t), Ref("R", t, r), -oo), (r, T))},
        {"decays": Where(Nonnegative(s - t), exp(Ref("R", t, s) - Ref("M", t)), 0)},
        {"decays": Where(CAUSAL, exp(Ref("R", t, s) - 2 * Ref("M", t)), 0)},
        {"decays": Where(CAUSAL, exp(Ref("R", t, s) - Ref("M", s)), 0)},
        {"result": Ref("E", t, s) * Ref("R", t, s)},  # the scores are read once more
    ],
)
def test_other_guards_stay(changed: Any) -> None:
    made = program(**changed)
    assert unseen(made) is made

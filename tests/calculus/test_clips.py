"""Huber's loss in twelve spellings has one gradient: min(max(x, -d), d), and one Hessian, its indicator."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Integer

from codegen.printers.to_text import equation_text
from derive.calculus.definition.define import define
from derive.calculus.derivation.hvp import hvp
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.cost import EXTENT, operations
from derive.calculus.expressions.kinks import extreme, larger, smaller
from derive.calculus.expressions.nodes import Where
from derive.calculus.expressions.tensor import Index, Ref
from derive.calculus.program.program import Equation
from derive.check.evaluate import evaluate

SPELLINGS = (
    "where(abs(x[i]) <= 2, x[i]^2/2, 2 abs(x[i]) - 2)",
    "where(abs(x[i]) < 2, x[i]^2/2, 2 (abs(x[i]) - 1))",
    "where(abs(x[i]) > 2, 2 abs(x[i]) - 2, x[i]^2/2)",
    "where(x[i] > 2, 2 x[i] - 2, where(x[i] < -2, -2 x[i] - 2, x[i]^2/2))",
    "where(x[i] < -2, -2 x[i] - 2, where(x[i] > 2, 2 x[i] - 2, x[i]^2/2))",
    "where(-2 <= x[i] and x[i] <= 2, x[i]^2/2, 2 abs(x[i]) - 2)",
    "where(x[i]^2 <= 4, x[i]^2/2, 2 sqrt(x[i]^2) - 2)",
    "[abs(x[i]) <= 2] x[i]^2/2 + [abs(x[i]) > 2] (2 abs(x[i]) - 2)",
    "min(abs(x[i]), 2)^2/2 + 2 (abs(x[i]) - min(abs(x[i]), 2))",
    "min(abs(x[i]), 2) (abs(x[i]) - min(abs(x[i]), 2)/2)",
    "x[i]^2/2 - max(abs(x[i]) - 2, 0)^2/2",
    "x[i]^2/2 - max(x[i] - 2, 0)^2/2 - max(-x[i] - 2, 0)^2/2",
)
X = Ref("x", Index("i"))


def last(formula: str, derivation: object = vjp) -> Equation:
    program = derivation(define(f"f(x[n]) -> L\n    L = sum_{{i}} ({formula})"))  # type: ignore[operator]
    found = program.statements[-1]
    assert isinstance(found, Equation)
    return found


@pytest.mark.parametrize("formula", SPELLINGS)
def test_the_gradient_is_a_clip(formula: str) -> None:
    assert equation_text(last(formula)) == "x_bar[i] = L_bar min(max(x[i], -2), 2)"


@pytest.mark.parametrize("formula", SPELLINGS)
def test_the_hessian_is_flat_outside_and_at_the_bounds(formula: str) -> None:
    program = hvp(define(f"f(x[n]) -> L\n    L = sum_{{i}} ({formula})"))
    x = np.array([-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0])
    values = {"x": x, "x_dot": np.ones(7), "L_bar": 1.0}
    found = evaluate(program, values)["x_bar_dot"]
    assert np.array_equal(np.asarray(found, float), [0, 0, 1, 1, 1, 0, 0])


def test_a_scaled_and_a_weighted_one() -> None:
    assert equation_text(last("where(abs(x[i]) < 1/2, x[i]^2, abs(x[i]) - 1/4)")) == (
        "x_bar[i] = 2 L_bar min(max(x[i], -1/2), 1/2)"
    )


def test_no_clip_where_the_arms_do_not_meet() -> None:
    assert "where" in equation_text(last("where(abs(x[i]) <= 2, x[i]^2/2, 3 abs(x[i]) - 4)"))
    assert "where" in equation_text(last("where(x[i] > -1, x[i], where(x[i] < 1, -x[i], x[i]^2/2))"))


def test_a_clip_counts_two_operations_and_is_known_in_either_order() -> None:
    two, minus_two = Integer(2), Integer(-2)
    clip, other = smaller(larger(X, minus_two), two), larger(smaller(X, two), minus_two)
    assert isinstance(clip, Where)
    assert isinstance(other, Where)
    assert operations(clip) == operations(other) == 2 * EXTENT
    assert extreme(clip) == ("min", larger(X, minus_two), two)
    assert extreme(other) == ("max", smaller(X, two), minus_two)


def test_bounds_that_cross_are_taken_in_the_order_that_is_written() -> None:
    program = define("f(x[n]) -> y\n    y[i] = min(max(x[i], 2), -2)")
    assert np.array_equal(
        np.asarray(evaluate(program, {"x": np.array([-3.0, 0.0, 3.0])})["y"], float), [-2] * 3
    )

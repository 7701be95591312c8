"""Each oracle passes what is right and catches what is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sympy import Expr, Rational, nan

from derive.calculus.definition.define import define
from derive.calculus.program.program import Equation, Program
from derive.check.oracles import (
    Check,
    Point,
    checks,
    differences,
    digits,
    dot_product,
    exact_differences,
    norm,
    relative,
)

FORWARD = define(
    """layer(X[m,n], W[n,d]) -> Y
    A[i,j] = sum_{p} X[i,p] W[p,j]
    Y[i,j] = tanh(A[i,j])"""
)
PULLBACK = define(
    """layer_vjp(X[m,n], W[n,d], Y_bar[m,d]) -> X_bar, W_bar
    A[i,j] = sum_{p} X[i,p] W[p,j]
    Y[i,j] = tanh(A[i,j])
    A_bar[i,j] = Y_bar[i,j] (1 - Y[i,j]^2)
    X_bar[i,p] = sum_{j} A_bar[i,j] W[p,j]
    W_bar[p,j] = sum_{i} X[i,p] A_bar[i,j]"""
)
PUSHFORWARD = define(
    """layer_jvp(X[m,n], W[n,d], X_dot[m,n], W_dot[n,d]) -> Y_dot
    A[i,j] = sum_{p} X[i,p] W[p,j]
    A_dot[i,j] = sum_{p} (X_dot[i,p] W[p,j] + X[i,p] W_dot[p,j])
    Y_dot[i,j] = A_dot[i,j] (1 - tanh(A[i,j])^2)"""
)


@pytest.fixture(scope="module")
def point() -> Point:
    return Point.drawn(FORWARD, 0)


def with_value(program: Program, name: str, factor: Expr) -> Program:
    """The program with one equation's value multiplied."""
    statements = tuple(
        replace(s, value=s.value * factor) if isinstance(s, Equation) and s.name == name else s
        for s in program.statements
    )
    return program.with_statements(statements)


def test_what_is_right_passes_with_room(point: Point) -> None:
    found = checks(point, PULLBACK, PUSHFORWARD)
    assert [check.name for check in found] == ["dot product", "differences", "digits", "exact differences"]
    assert all(check.error <= check.bound / 10 for check in found), "\n".join(map(str, found))


@pytest.mark.parametrize("name", ["A_bar", "X_bar", "W_bar"])
def test_an_error_of_one_in_a_million_is_caught(point: Point, name: str) -> None:
    wrong = with_value(PULLBACK, name, 1 + Rational(1, 10**6))
    assert not dot_product(point, wrong, PUSHFORWARD).passed
    assert not exact_differences(point, wrong).passed
    assert not differences(point, wrong).passed


def test_an_error_common_to_both_derivatives_is_caught_by_differences(point: Point) -> None:
    wrong = with_value(PULLBACK, "A_bar", Rational(2)), with_value(PUSHFORWARD, "Y_dot", Rational(2))
    assert dot_product(point, *wrong).passed
    assert not differences(point, wrong[0]).passed
    assert not exact_differences(point, wrong[0]).passed


def test_digits_catch_cancellation() -> None:
    forward = define("squared(x[n]) -> y\n    y[i] = x[i]^2")
    unstable = define(
        """squared_vjp(x[n], y_bar[n]) -> x_bar
        far[i] = 2 x[i] + 10^9
        x_bar[i] = y_bar[i] (far[i] - 10^9)"""
    )
    drawn = Point.drawn(forward, 1)
    assert exact_differences(drawn, unstable).passed
    assert not digits(drawn, unstable).passed


def test_a_nan_is_a_failure(point: Point) -> None:
    for wrong in (with_value(PULLBACK, "X_bar", nan), with_value(PULLBACK, "W_bar", nan)):
        assert not any(check.passed for check in checks(point, wrong, PUSHFORWARD))
    assert norm(np.array([np.nan])) != 0
    assert max(relative(1e-3, 1.0), relative(float("nan"), 1.0)) == float("inf")


def test_a_check_says_what_it_compared() -> None:
    check = Check("dot product", 2e-13, 1e-13, "<v, J u> = <J^T v, u>, u of X")
    assert not check.passed
    assert str(check) == "dot product: <v, J u> = <J^T v, u>, u of X: 2.0e-13 (bound 1e-13) FAILED"


def test_a_point_is_the_same_on_every_draw() -> None:
    first, second = Point.drawn(FORWARD, 3), Point.drawn(FORWARD, 3)
    assert first.sizes == second.sizes
    assert all(np.array_equal(first.inputs[name], second.inputs[name]) for name in first.inputs)
    assert not np.array_equal(
        first.directions["W"], Point.drawn(FORWARD, 3, {"m": 2, "n": 3, "d": 4}).directions["W"]
    )

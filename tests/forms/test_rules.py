"""Every rule of the closed forms holds on its domain, and is what makes a form closed."""

from __future__ import annotations

import mpmath
import pytest
from sympy import lambdify

from derive.calculus.definition.define import define
from derive.calculus.derivation.vjp import vjp
from derive.calculus.rules.closed import CLOSED
from derive.calculus.rules.row import Row

POINTS = 10_000
NEEDED = {
    "logistic": ("f(x[n]) -> y\n    y[i] = log(1 + exp(x[i]))", "x_bar[i] = y_bar[i]/(1 + exp(-x[i]))"),
    "hyperbolic tangent by the logistic": (
        "f(x[n]) -> y\n    y[i] = log(1 + exp(2 x[i])) - x[i]",
        "x_bar[i] = tanh(x[i])*y_bar[i]",
    ),
    "hyperbolic tangent": (
        "f(x[n]) -> y\n    y[i] = log(exp(x[i]) + exp(-x[i]))",
        "x_bar[i] = tanh(x[i])*y_bar[i]",
    ),
}


@pytest.mark.parametrize("row", CLOSED, ids=lambda row: row.law)
def test_a_rule_holds_at_ten_thousand_points(row: Row) -> None:
    assert row.domain is None
    sides = [lambdify(row.letters, side, "mpmath") for side in (row.pattern, row.replacement)]
    with mpmath.workdps(60):
        for place in range(-POINTS // 2, POINTS // 2):
            at = [mpmath.mpf(place) / 97 + mpmath.sqrt(2 + n) * bool(place) for n in range(len(row.letters))]
            left, right = (side(*at) for side in sides)
            assert abs(left - right) <= mpmath.mpf(10) ** -50 * (1 + abs(left)), at


@pytest.mark.parametrize("law", [row.law for row in CLOSED])
def test_a_rule_is_needed(law: str) -> None:
    text, expected = NEEDED[law]
    (derived,) = vjp(define(text)).defining("x_bar")
    assert str(derived).startswith(expected)

"""Every spelling of max(x, 0) is one function with one derivative: relu'(0) = 0, |x|'(0) = 0, ties share."""

from __future__ import annotations

import numpy as np
import pytest

from derive.calculus.definition.formula import scalar_formula
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.tensor import Ref
from derive.check.evaluate import evaluate
from derive.layers.activations import elementwise

RECTIFIERS = (
    "max(x, 0)",
    "max(0, x)",
    "where(x > 0, x, 0)",
    "where(x >= 0, x, 0)",
    "where(x < 0, 0, x)",
    "where(x <= 0, 0, x)",
    "x*[x > 0]",
    "[x >= 0]*x",
    "(x + abs(x))/2",
    "x/2 + abs(x)/2",
    "-min(-x, 0)",
    "x - min(x, 0)",
    "0.5*(x + abs(x))",
    "max(x, 0)*1",
)


@pytest.mark.parametrize("spelling", RECTIFIERS)
def test_every_rectifier_is_one(spelling: str) -> None:
    x = Ref("X", 0)
    assert scalar_formula(spelling)(x) == scalar_formula("max(x, 0)")(x)


@pytest.mark.parametrize(
    ("formula", "slopes"),
    [("max(x, 0)", (0, 0, 1)), ("abs(x)", (-1, 0, 1)), ("max(x, -x)", (-1, 0, 1)), ("min(x, 0)", (1, 0, 0))],
)
def test_slopes_at_a_kink(formula: str, slopes: tuple[float, ...]) -> None:
    program = vjp(elementwise("kink", formula))
    data = np.array([[-2.0, 0.0, 3.0]])
    found = evaluate(program, {"X": data, "Y_bar": np.ones((1, 3))})["X_bar"]
    np.testing.assert_array_equal(found, [slopes])


def test_ties_of_a_maximum_share() -> None:
    from derive.calculus.definition.define import define

    program = vjp(define("largest(X[n]) -> y\n    y = max_{q} X[q]"))
    found = evaluate(program, {"X": np.array([1.0, 3.0, 3.0, 2.0]), "y_bar": np.float64(1)})["X_bar"]
    np.testing.assert_array_equal(found, [0, 0.5, 0.5, 0])

"""Scalar forms that a person writes shorter; tried where a derivative is simplified, kept where cheaper.

Abramowitz and Stegun, Handbook of Mathematical Functions, 1964.
"""

from __future__ import annotations

from derive.calculus.rules.row import Row

CLOSED = (
    Row("logistic", "exp(a)/(1 + exp(a))", "1/(1 + exp(-a))", "", "divide by exp(a)"),
    Row(
        "hyperbolic tangent",
        "(exp(a) - exp(-a))/(exp(a) + exp(-a))",
        "tanh(a)",
        "",
        "Abramowitz and Stegun 4.5.3",
    ),
    Row("hyperbolic tangent by the logistic", "2/(1 + exp(-2*a)) - 1", "tanh(a)", "", "multiply by exp(2*a)"),
)

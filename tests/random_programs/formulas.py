"""Scalar formulas at random, real and smooth but for declared kinks, at every real place; @ is the place."""

from __future__ import annotations

import numpy as np

UNARY = (
    *("@", "@^2", "@^3/(1 + @^2)", "tanh(@)", "sin(@)", "cos(2*@)", "atan(@)", "erf(@)", "exp(-@^2)"),
    *("1/(1 + exp(-@))", "log(1 + exp(@))", "-log(1/(1 + exp(-@)))", "log(exp(@) + exp(-@))", "log(cosh(@))"),
    *("(exp(@) - exp(-@))/(exp(@) + exp(-@))", "@/(1 + exp(-@))", "1 - exp(-@^2)", "exp(@/3) - 1"),
    *("sqrt(1 + @^2)", "(1 + @^2)^(-1/2)", "log(1 + @^2)", "@/(1 + abs(@))", "abs(@)", "max(@, 0)"),
    *("min(@, 1)", "max(@, -1/2)", "min(max(@, -1), 1)", "where(@ > 0, @, exp(@) - 1)", "@*[@ > 1/2]"),
    *("where(@ > 0, @*log(@), 0)", "where(@ > 1, sqrt(@ - 1), @^2)", "where(@ < 0, 1/(1 - @), 1)"),
    *("(@ + abs(@))/2", "tanh(@)^2", "2*@ - 3", "@*exp(-@/2)", "1/(2 + sin(@))", "log(2 + cos(@))"),
    *("log1p(@^2)", "expm1(-@^2)", "max(@, sin(3*@))", "exp(@)/(1 + exp(@))^2", "sinh(@)/cosh(@)"),
)
BINARY = (
    *("{a} + {b}", "{a} - {b}", "{a}*{b}", "{a}/(1 + {b}^2)", "max({a}, {b})", "min({a}, {b})"),
    *("where({a} > {b}, {a}, {b}^2)", "{a}*tanh({b})", "({a} - {b})^2", "log(exp({a}) + exp({b}))"),
    *("{a}*exp(-{b}^2)", "sqrt(1 + {a}^2 + {b}^2)", "{a}^2*{b}", "{a}/(1 + exp(-{b}))"),
)


def unary(rng: np.random.Generator, depth: int = 1) -> str:
    """A formula in @: one of the table, a formula of a formula, or two joined."""
    drawn = rng.random()
    if depth == 0 or drawn < 0.75:
        return str(rng.choice(UNARY))
    if drawn < 0.9:
        inner = unary(rng, 0)
        return unary(rng, 0).replace("@", f"({inner})")
    return binary(rng, unary(rng, 0), unary(rng, 0))


def binary(rng: np.random.Generator, a: str, b: str) -> str:
    """Two formulas joined."""
    return str(rng.choice(BINARY)).format(a=f"({a})", b=f"({b})")

"""A quotient N(a)/a^k with a finite limit at a = 0, near 0 by its Taylor polynomial; before differentiation.

    sin(a)/a     ->  where(|a| < r, 1 - a^2/6 + a^4/120 - ..., sin(a)/a)

At 0 the quotient is 0/0, and near 0 its derivatives cancel: cos(a)/a - sin(a)/a^2. Radius and degree are
such that the polynomial and its first two derivatives are right to a rounding of a double.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from sympy import Abs, Add, Expr, Integer, Mul, Poly, PolynomialError, Pow, Rational, Symbol, series
from sympy.core.basic import Basic
from sympy.core.function import Function
from sympy.polys.polyerrors import CoercionFailed

from derive.calculus.nodes import Positive, Where
from derive.calculus.occurrence import holds
from derive.calculus.program import Equation, Program, map_equations
from derive.calculus.tensor import Ref, refs

VARIABLE = Symbol("a", real=True)
RADII = (Integer(1), Rational(1, 2), Rational(1, 4), Rational(1, 8))
DEGREES = (12, 16, 20, 24)
SPARE = 4
ROUNDING = Rational(1, 2**54)


def removable(program: Program) -> Program:
    """The program with every such quotient continued to 0."""

    def continued(equation: Equation) -> Equation:
        if not holds(equation.value, Function) or not holds(equation.value, Pow):
            return equation
        value = _visit(equation.value)
        return equation if value == equation.value else replace(equation, value=value)

    return map_equations(program, continued)


def _visit(node: Basic) -> Basic:
    if isinstance(node, Ref) or not node.args or not holds(node, Function):
        return node
    if isinstance(node, Mul):
        found = _continued(node)
        if found is not None:
            return found
    return node.func(*(_visit(argument) for argument in node.args))


def _continued(node: Mul) -> Expr | None:
    """The factors that depend on what stands below the bar alone, continued; the others beside them. A
    function below the bar is left: it is not known to vanish.
    """
    for factor in node.args:
        if not isinstance(factor, Pow) or not factor.exp.is_negative or not factor.exp.is_Integer:
            continue
        variable = factor.base
        own = [f for f in node.args if holds(f, Ref) and _depends_alone(f, variable)]
        quotient = Mul(*own)
        if not holds(variable, Ref) or holds(variable, Function) or not holds(quotient, Function):
            continue
        near = _near(quotient.xreplace({variable: VARIABLE}))
        if near is not None:
            radius, polynomial = near
            inside = Positive(radius - Abs(variable))
            rest = Mul(*(f for f in node.args if f not in own))
            return rest * Where(inside, polynomial.xreplace({VARIABLE: variable}), quotient)
    return None


def _depends_alone(value: Expr, variable: Expr) -> bool:
    return not refs(value.xreplace({variable: VARIABLE}))


@cache
def _near(quotient: Expr) -> tuple[Expr, Expr] | None:
    """The radius and the polynomial, None where the limit at 0 is not finite or the series is too long."""
    if quotient.subs(VARIABLE, 0).is_finite:
        return None
    coefficients = _coefficients(quotient)
    if coefficients is None:
        return None
    for radius in RADII:
        for degree in DEGREES:
            if _negligible(coefficients, degree, radius):
                return radius, Add(*(c * VARIABLE**k for k, c in enumerate(coefficients[: degree + 1])))
    return None


def _coefficients(quotient: Expr) -> tuple[Rational, ...] | None:
    """The Taylor coefficients at 0, None where there are none or they are not rational."""
    count = DEGREES[-1] + SPARE
    try:
        poly = Poly(series(quotient, VARIABLE, 0, count).removeO(), VARIABLE, domain="QQ")
    except (PolynomialError, CoercionFailed, ValueError, NotImplementedError):
        return None
    return tuple(poly.coeff_monomial(VARIABLE**k) for k in range(count))


def _negligible(coefficients: Sequence[Rational], degree: int, radius: Rational) -> bool:
    """Whether what a degree leaves out is below a rounding, in the second derivative too."""
    scale = max(abs(c) for c in coefficients)
    rest = enumerate(coefficients[degree + 1 :], degree + 1)
    return all(abs(c) * k**2 * radius ** (k - 2) <= ROUNDING * scale for k, c in rest)

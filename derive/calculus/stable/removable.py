"""A quotient N(a)/a^k with a finite limit at a = 0, near 0 by its Taylor polynomial; before differentiation.

    sin(a)/a     ->  where(|a| < r, 1 - a^2/6 + a^4/120 - ..., sin(a)/a)

    a - tanh(a)  ->  where(|a| < r, a^3/3 - 2 a^5/15 + ..., a - tanh(a))       where the lowest terms cancel

At 0 the quotient is 0/0, and near 0 its derivatives cancel: cos(a)/a - sin(a)/a^2. Radius and degree are
such that the polynomial and its first two derivatives are right to a rounding of a double.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from sympy import Abs, Add, Dummy, Expr, Mul, Poly, PolynomialError, Pow, Rational, Symbol, series
from sympy.core.basic import Basic
from sympy.core.function import Function
from sympy.polys.polyerrors import CoercionFailed

from derive.calculus.expressions.nodes import Positive, Where, rebuilt
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.tensor import Ref, refs
from derive.calculus.program.program import Equation, Program, map_equations
from derive.calculus.rules.rewriting import rewritten
from derive.calculus.rules.stable import ROWS
from derive.calculus.stable.exponential import exponential

VARIABLE = Symbol("a", real=True)
RADII = (Rational(1), Rational(1, 2), Rational(1, 4), Rational(1, 8))
DEGREES = (12, 16, 20, 24)
SPARE = 4
ROUNDING = Rational(1, 2**54)


def removable(program: Program) -> Program:
    """The program with every such quotient continued to 0."""

    def continued(equation: Equation) -> Equation:
        if not holds(equation.value, Function) or not holds(equation.value, Pow, Add):
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
    if isinstance(node, Add):
        found = _cancelling(node)
        if found is not None:
            return found
    return rebuilt(node, (_visit(argument) for argument in node.args))


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
        near = near_zero(quotient.xreplace({variable: VARIABLE}))
        if near is not None:
            radius, polynomial = near
            inside = Positive(radius - Abs(variable))
            rest = Mul(*(f for f in node.args if f not in own))
            return rest * Where(inside, polynomial.xreplace({VARIABLE: variable}), quotient)
    return None


def _cancelling(node: Add) -> Expr | None:
    """A sum of functions of one element whose lowest terms at 0 cancel, continued; None where a rule has
    it whole.
    """
    elements = refs(node)
    if len(elements) != 1 or any(not refs(term) and not term.is_Integer for term in node.args):
        return None
    (element,) = elements
    plain = node.xreplace({element: VARIABLE})
    if plain.free_symbols != {VARIABLE} or not _shallow(plain) or exponential(plain, lambda _: None):
        return None
    whole = rewritten(node, ROWS)
    near = _near_cancelling(whole.xreplace({element: VARIABLE})) if isinstance(whole, Add) else None
    if near is None:
        return None
    return Where(Positive(near[0] - Abs(element)), near[1].xreplace({VARIABLE: element}), node)


def _shallow(total: Expr) -> bool:
    """Whether functions of polynomials are all that is added and multiplied: their series are quick."""
    functions = nodes_of(total, Function)
    inside = all(f.args[0].is_polynomial(VARIABLE) for f in functions)
    named = {f: Dummy() for f in functions}
    return inside and not holds(total, Where, Abs) and total.xreplace(named).is_polynomial()


@cache
def _near_cancelling(total: Add) -> tuple[Expr, Expr] | None:
    """The radius and the polynomial, None where the terms are no larger than their sum."""
    parts = [_coefficients(term) for term in total.args]
    if any(part is None for part in parts):
        return None
    coefficients = tuple(Add(*column) for column in zip(*(part for part in parts if part), strict=True))
    order = next((k for k, c in enumerate(coefficients) if c != 0), None)
    if order is None or all(not any(part[:order]) for part in parts if part):
        return None
    leading = abs(coefficients[order])
    for radius in RADII:
        for degree in DEGREES:
            rest = enumerate(coefficients[degree + 1 :], degree + 1)
            if all(abs(c) * k**2 * radius ** (k - order) <= ROUNDING * leading for k, c in rest):
                return radius, Add(*(c * VARIABLE**k for k, c in enumerate(coefficients[: degree + 1])))
    return None


def _depends_alone(value: Expr, variable: Expr) -> bool:
    return not refs(value.xreplace({variable: VARIABLE}))


@cache
def near_zero(quotient: Expr, radii: tuple[Rational, ...] = RADII) -> tuple[Expr, Expr] | None:
    """The first radius that serves and the polynomial, None where the limit at 0 is not finite or the
    series is too long.
    """
    if quotient.subs(VARIABLE, 0).is_finite:
        return None
    coefficients = _coefficients(quotient)
    if coefficients is None:
        return None
    for radius in radii:
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

"""Long polynomials in one element by Horner's scheme; last before emission.

    1 - x^2/6 + x^4/120     ->   1 + x^2 (x^2/120 - 1/6)

Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 5.1.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Add, Expr, Poly
from sympy.core.basic import Basic

from derive.calculus.expressions.nodes import rebuilt
from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.tensor import Ref
from derive.calculus.expressions.terms import long_polynomial
from derive.calculus.program.program import Equation, Program, map_equations


def horner(program: Program) -> Program:
    """The program with every long polynomial in one element nested."""

    def nested(equation: Equation) -> Equation:
        value = _visit(equation.value) if holds(equation.value, Add) else equation.value
        return equation if value == equation.value else replace(equation, value=value)

    return map_equations(program, nested)


def _visit(node: Basic) -> Basic:
    if isinstance(node, Ref) or not node.args or not holds(node, Add):
        return node
    if isinstance(node, Add):
        variable = long_polynomial(node)
        if variable is not None:
            return _nested(node, variable)
    return rebuilt(node, (_visit(argument) for argument in node.args))


def _nested(node: Add, variable: Expr) -> Expr:
    """By powers of x^step, all exponents being multiples of it beyond the lowest."""
    terms = Poly(node, variable).terms()
    powers = [power for (power,), _ in terms]
    lowest = min(powers)
    steps = {power - lowest for power in powers} - {0}
    step = 2 if all(s % 2 == 0 for s in steps) else 1
    by_power = {power: coefficient for (power,), coefficient in terms}
    value: Expr = by_power[max(powers)]
    for power in range(max(powers) - step, lowest - 1, -step):
        value = value * variable**step + by_power.get(power, 0)
    return variable**lowest * value

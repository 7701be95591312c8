"""Complements: what is left of a value by a part b/(1 + b) of it is one quotient.

    G[i] = C[i] - C[i] E[i]/(1 + E[i])              G[i] = C[i]/(1 + E[i])

For programs of whole arrays, where a product and a difference are passes over memory.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Add, Expr, Mul, Pow
from sympy.core.basic import Basic

from derive.calculus.nodes import rebuilt
from derive.calculus.program import Equation, Program, map_equations
from derive.calculus.tensor import Ref


def complements(program: Program) -> Program:
    """The program with such differences as quotients."""
    return map_equations(program, _equation)


def _equation(equation: Equation) -> Equation:
    value = _rewritten(equation.value)
    return equation if value is equation.value else replace(equation, value=value)


def _rewritten(node: Basic) -> Basic:
    if not node.args or isinstance(node, Ref):
        return node
    inner = rebuilt(node, (_rewritten(part) for part in node.args))
    return _left(inner) if isinstance(inner, Add) else inner


def _left(value: Add) -> Expr:
    """The sum with each term and the part that is taken off it as one."""
    for part in value.args:
        for divisor in _divisors(part):
            whole = -part * divisor / (divisor - 1)
            if whole in value.args:
                rest = [term for term in value.args if term not in (part, whole)]
                return Add(whole / divisor, *rest)
    return value


def _divisors(term: Expr) -> list[Expr]:
    """1 + b of a term with the factor b/(1 + b)."""
    factors = Mul.make_args(term)
    below = [factor.base for factor in factors if isinstance(factor, Pow) and factor.exp == -1]
    return [base for base in below if base - 1 in factors]

"""Exponents: a branch between 1 and a decay is the larger of both.

    E[i,j] = exp(-|A[i,j]|)                         E[i,j] = exp(-|A[i,j]|)
    C[i,j] = where(A[i,j] >= 0, 1, E[i,j])          C[i,j] = max(E[i,j], A[i,j] >= 0)

The same numbers, for no decay is more than 1, and a mask is 1 or 0. For programs of whole arrays, where a
branch is several passes over memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sympy import Abs, Expr, Integer, exp
from sympy.core.basic import Basic

from derive.calculus.expressions.nodes import Nonnegative, Positive, Where, rebuilt
from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.tensor import Index, Ref
from derive.calculus.program.program import Equation, Program, map_equations


def exponents(program: Program, known: Mapping[str, Equation] | None = None) -> Program:
    """The program without such branches; `known` are decays that it is given."""
    found = {**(known or {}), **decays(program)}
    return map_equations(program, lambda equation: _equation(equation, found)) if found else program


def decays(program: Program) -> dict[str, Equation]:
    """E[i,j] = exp(-|A[i,j]|)."""
    return {
        equation.name: equation
        for equation in program.equations()
        if isinstance(equation.value, exp)
        and isinstance(-equation.value.args[0], Abs)
        and all(isinstance(index, Index) for index in equation.target.indices)
        and len(program.defining(equation.name)) == 1
        and not equation.accumulates
    }


def _equation(equation: Equation, found: Mapping[str, Equation]) -> Equation:
    if not holds(equation.value, Where):
        return equation
    value = _rewritten(equation.value, found)
    return equation if value is equation.value else replace(equation, value=value)


def _rewritten(node: Basic, found: Mapping[str, Equation]) -> Basic:
    if not node.args or isinstance(node, Ref):
        return node
    inner = rebuilt(node, (_rewritten(part, found) for part in node.args))
    if not isinstance(inner, Where) or not isinstance(inner.condition, Nonnegative) or inner.chosen != 1:
        return inner
    argument = inner.condition.expression
    if _argument(inner.other, found) != argument:
        return inner
    mask = Where(inner.condition, Integer(1), Integer(0))
    return Where(Positive(inner.other - mask), inner.other, mask)


def _argument(value: Expr, found: Mapping[str, Equation]) -> Expr | None:
    """a where the value is exp(-|a|), under its name."""
    equation = found.get(value.name) if isinstance(value, Ref) else None
    if equation is None:
        return None
    swap = dict(zip(equation.target.indices, value.indices, strict=True))
    inside: Expr = equation.value.args[0].xreplace(swap)
    size: Expr = (-inside).args[0]
    return size

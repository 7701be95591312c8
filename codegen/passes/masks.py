"""Masks: a guard on what is 0 outside of it anyway is left out.

    P[t,s] = where(t >= s, E[t,s]/T[t], 0)                     E is 0 where s > t, so
    O[t,n] = sum_{s<S} where(t >= s, P[t,s] V[s,n], 0)

    P[t,s] = E[t,s]/T[t]
    O[t,n] = sum_{s<S} P[t,s] V[s,n]

For programs of whole arrays, where a guard is a pass over memory; loops that skip what is masked keep it. The
other factors are taken to be finite, as where a mask is a factor. A divisor T[t] is the same for all s, and
t >= s holds for s = 0: where it is 0, the row is no number with the guard either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sympy import Add, Expr, Integer, Mul, Pow
from sympy.core.basic import Basic
from sympy.logic.boolalg import Boolean

from derive.calculus.nodes import Nonnegative, Sum, Where, rebuilt
from derive.calculus.occurrence import holds
from derive.calculus.program import Equation, Program, map_equations
from derive.calculus.tensor import Index, Ref, refs


@dataclass(frozen=True)
class Support:
    """The elements of a tensor that are not 0: those at indices for which a condition holds."""

    indices: tuple[Expr, ...]
    condition: Boolean

    def at(self, ref: Ref) -> Boolean | None:
        """The condition for one element."""
        pairs = dict(zip(self.indices, ref.indices, strict=True))
        fixed = all(mine == other for mine, other in pairs.items() if not isinstance(mine, Index))
        return self.condition.xreplace(pairs) if fixed else None


Supports = Mapping[str, Support]


def supports(program: Program) -> dict[str, Support]:
    """What is 0 outside of a comparison of places, by its own equation."""
    return {
        equation.name: Support(equation.target.indices, equation.value.condition)
        for equation in program.equations()
        if isinstance(equation.value, Where)
        and equation.value.other == 0
        and isinstance(equation.value.condition, Nonnegative)
        and not refs(equation.value.condition)
        and len(program.defining(equation.name)) == 1
        and not equation.accumulates
    }


def unmasked(program: Program, known: Supports | None = None) -> Program:
    """The program without such guards; `known` are the supports of what it is given."""
    found = {**(known or {}), **supports(program)}
    if not found:
        return program
    return map_equations(program, lambda equation: _equation(equation, found))


def _equation(equation: Equation, found: Supports) -> Equation:
    if not holds(equation.value, Where):
        return equation
    value = _rewritten(equation.value, found)
    return equation if value is equation.value else replace(equation, value=value)


def _rewritten(node: Basic, found: Supports) -> Basic:
    if not node.args:
        return node
    inner = rebuilt(node, (_rewritten(part, found) for part in node.args))
    guards = isinstance(inner, Where) and inner.other == 0 and isinstance(inner.condition, Nonnegative)
    return inner.chosen if guards and _vanishes(inner.chosen, inner.condition, found) else inner


def _vanishes(value: Expr, condition: Nonnegative, found: Supports) -> bool:
    """Whether a value of finite factors is 0 where the condition does not hold."""
    return _is_finite(value, condition) and _is_zero_outside(value, condition, found)


def _is_zero_outside(value: Expr, condition: Nonnegative, found: Supports) -> bool:
    if isinstance(value, Ref):
        support = found.get(value.name)
        return support is not None and support.at(value) == condition
    if isinstance(value, Mul | Add):
        quantified = any if isinstance(value, Mul) else all
        return quantified(_is_zero_outside(part, condition, found) for part in value.args)
    return False


def _is_finite(factor: Expr, condition: Nonnegative) -> bool:
    """Whether a factor is a number wherever the arrays that it reads are; a divisor, one of a whole row."""
    if isinstance(factor, Ref) or not refs(factor):
        return True
    if isinstance(factor, Pow) and factor.exp == Integer(-1) and isinstance(factor.base, Ref):
        return not set(factor.base.indices) & _falling(condition)
    if isinstance(factor, Sum):
        return _is_finite(factor.body, condition)
    if isinstance(factor, Add | Mul):
        return all(_is_finite(part, condition) for part in factor.args)
    return False


def _falling(condition: Nonnegative) -> set[Basic]:
    """The indices for whose value 0 a comparison holds, whatever the others are: s of t >= s."""
    terms = condition.expression.as_coefficients_dict()
    whole = all(isinstance(term, Index) for term in terms)
    return {term for term, slope in terms.items() if slope == -1} if whole else set(terms)

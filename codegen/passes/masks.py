"""Masks: a guard on what is 0 outside of it anyway is left out.

    P[t,s] = where(t >= s, E[t,s]/T[t], 0)                     E is 0 where s > t, so
    O[t,n] = sum_{s<S} where(t >= s, P[t,s] V[s,n], 0)

    P[t,s] = E[t,s]/T[t]
    O[t,n] = sum_{s<S} P[t,s] V[s,n]

So is one on what is only read times a factor that is 0 there:

    U[t,s] = where(t >= s, sum_n G[t,n] V[s,n], 0)             R[t,s] = P[t,s] (U[t,s] - D[t])

For programs of whole arrays, where a guard is a pass over memory; loops that skip what is masked keep it. The
other factors are taken to be finite, as where a mask is a factor. A divisor T[t] is the same for all s, and
t >= s holds for s = 0: where it is 0, the row is no number with the guard either.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sympy import Add, Expr, Integer, Mul, Pow
from sympy.core.basic import Basic
from sympy.logic.boolalg import Boolean

from derive.calculus.expressions.nodes import Nonnegative, Sum, Where, rebuilt
from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.tensor import Index, Ref, refs
from derive.calculus.program.program import Equation, Program, map_equations


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
    own = supports(program)
    found = {**(known or {}), **own}
    if not found:
        return program
    covered = set[str]()
    for name in own:
        others = {key: support for key, support in found.items() if key not in (name, *covered)}
        covered |= {name} if _is_covered(program, name, own[name], others) else set()
    left = {name: support for name, support in found.items() if name not in covered}
    return map_equations(program, lambda equation: _equation(equation, left, covered))


def _equation(equation: Equation, found: Supports, covered: Collection[str]) -> Equation:
    value = equation.value
    if not holds(value, Where):
        return equation
    if equation.name in covered and isinstance(value, Where) and _is_finite(value.chosen, value.condition):
        value = value.chosen
    value = _rewritten(value, found)
    return equation if value is equation.value else replace(equation, value=value)


def _is_covered(program: Program, name: str, support: Support, others: Supports) -> bool:
    """Whether each reader has a tensor as a factor beside one that is 0 wherever it is."""
    readers = [equation for equation in program.equations() if name in equation.reads]
    found = {**others, name: support}
    covered = all(_is_factor(equation.value, name, found, ()) for equation in readers)
    return bool(readers) and name not in program.outputs and covered


def _is_factor(node: Basic, name: str, found: Supports, beside: Sequence[Ref]) -> bool:
    """Whether a tensor stands in an expression only within products with such a factor."""
    if isinstance(node, Ref):
        where = found[name].at(node) if node.name == name else None
        beneath = any(found[other.name].at(other) == where for other in beside if other.name != name)
        return node.name != name or (where is not None and beneath)
    if isinstance(node, Mul):
        zero = [part for part in node.args if isinstance(part, Ref) and part.name in found]
        others = {part: [*beside, *(ref for ref in zero if ref is not part)] for part in node.args}
        return all(_is_factor(part, name, found, around) for part, around in others.items())
    if isinstance(node, Add | Sum):
        bound = {index for index, _ in node.ranges} if isinstance(node, Sum) else set()
        outer = [ref for ref in beside if not bound & ref.free_symbols]
        return all(_is_factor(part, name, found, outer) for part in node.args)
    return name not in {ref.name for ref in refs(node)}


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
        return not set(factor.base.indices) & falling(condition)
    if isinstance(factor, Sum):
        return _is_finite(factor.body, condition)
    if isinstance(factor, Add | Mul):
        return all(_is_finite(part, condition) for part in factor.args)
    return False


def falling(condition: Nonnegative) -> set[Basic]:
    """The indices for whose value 0 a comparison holds, whatever the others are: s of t >= s."""
    terms = condition.expression.as_coefficients_dict()
    whole = all(isinstance(term, Index) for term in terms)
    return {term for term, slope in terms.items() if slope == -1} if whole else set(terms)

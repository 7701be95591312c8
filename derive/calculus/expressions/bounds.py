"""Proofs that an integer expression is nonnegative over the ranges of its indices.

An index i < n with a nonnegative coefficient is least at 0, with a nonpositive one at n - 1; (A)//s lies in
[(A - s + 1)/s, A/s] and A % s in [0, s - 1]. What is left is a polynomial in sizes; with n = 1 + n' it is
nonnegative where all its coefficients are. A proof is complete or absent: False only means not proved.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from sympy import And, Expr, Integer, Not, Poly, Symbol, expand, false, true
from sympy.core.basic import Basic
from sympy.logic.boolalg import Boolean

from derive.calculus.expressions.nodes import FloorDiv, IsZero, Nonnegative, Range, Remainder
from derive.calculus.expressions.tensor import Index, IntegerRef, Size


@cache
def nonnegative_in_sizes(expression: Expr) -> bool:
    """Whether a polynomial in sizes (each >= 1) is proved >= 0."""
    if expression.is_number:
        return bool(expression >= 0)
    sizes = sorted(expression.free_symbols, key=str)
    shifted = expand(expression.xreplace({size: size + 1 for size in sizes if isinstance(size, Size)}))
    if not shifted.is_polynomial(*sizes):
        return False
    return all(c.is_number and c >= 0 for c in Poly(shifted, *sizes).coeffs())


def least(expression: Expr, extents: Mapping[Index, Expr], sharp: bool = False) -> Expr | None:
    """A lower bound free of indices, None where no sign of a coefficient is known.

    A//s of A >= 0 is at least 0; `sharp`, it is at least (A - s + 1)/s.
    """
    expression = expand(expression)
    for _ in range(12):
        varying = _next_varying(expression, extents)
        if varying is None:
            return expression
        slope = expression.coeff(varying, 1)
        rest = expand(expression - slope * varying)
        if rest.has(varying):
            return None
        if nonnegative_in_sizes(slope):
            end = _lowest(varying, sharp)
        elif nonnegative_in_sizes(-slope):
            end = _highest(varying, extents)
        else:
            return None
        expression = expand(slope * end + rest)
    return None


def proved_nonnegative(expression: Expr, extents: Mapping[Index, Expr]) -> bool:
    """Whether expression >= 0 is proved for every value of its indices."""
    met = frozenset[Basic](expression.free_symbols).union(*(e.free_symbols for e in extents.values()))
    return _proved_over(expression, tuple(item for item in extents.items() if item[0] in met))


@cache
def _proved_over(expression: Expr, ranges: tuple[Range, ...]) -> bool:
    extents = dict(ranges)
    expression = _undivided(expand(expression))
    if _proved(least(expression, extents)):
        return True
    return expression.has(FloorDiv) and _proved(least(expression, extents, sharp=True))


def _proved(bound: Expr | None) -> bool:
    return bound is not None and not bound.atoms(Index) and nonnegative_in_sizes(bound)


def _undivided(expression: Expr) -> Expr:
    """q - A//s >= 0 is s*(q + 1) - 1 - A >= 0 and q + A//s >= 0 is s*q + A >= 0, for s >= 1."""
    divisions = expression.atoms(FloorDiv)
    if len(divisions) != 1:
        return expression
    division = divisions.pop()
    numerator, divisor = division.args
    rest = expand(expression - expression.coeff(division, 1) * division)
    if rest.has(division) or not divisor.is_positive:
        return expression
    if expression.coeff(division, 1) == -1:
        return expand(divisor * (rest + 1) - 1 - numerator)
    return expand(divisor * rest + numerator) if expression.coeff(division, 1) == 1 else expression


def without_proved(condition: Boolean, extents: Mapping[Index, Expr]) -> Boolean:
    """The condition less the conjuncts that always hold."""
    parts = condition.args if isinstance(condition, And) else (condition,)
    return And(*(_decided(part, extents) for part in parts))


def _decided(part: Boolean, extents: Mapping[Index, Expr]) -> Boolean:
    """A conjunct as true or false where that is proved."""
    if isinstance(part, Nonnegative):
        if proved_nonnegative(part.expression, extents):
            return true
        return false if proved_nonnegative(-part.expression - 1, extents) else part
    if isinstance(part, IsZero) and part.expression.is_integer:
        e = part.expression
        never = proved_nonnegative(e - 1, extents) or proved_nonnegative(-e - 1, extents)
        return false if never else part
    return part


def tidy(expression: Expr) -> Expr:
    """n*(e//n) + e%n is e, in an integer expression."""
    expression = expand(expression)
    for remainder in sorted(expression.atoms(Remainder), key=str):
        (e, n), weight = remainder.args, expression.coeff(remainder, 1)
        quotient = FloorDiv(e, n)
        if weight != 0 and expand(expression.coeff(quotient, 1) - weight * n) == 0:
            expression = expand(expression - weight * remainder - weight * n * quotient + weight * e)
    return expression


def tidied(condition: Boolean) -> Boolean:
    """The condition with its integer expressions tidied."""
    comparisons = condition.atoms(Nonnegative, IsZero) if condition.args else ()
    return condition.xreplace({c: c.func(tidy(c.expression)) for c in comparisons if c.expression.is_integer})


def inside(index: Expr, size: Expr, extents: Mapping[Index, Expr]) -> Boolean:
    """The condition 0 <= index < size, less what always holds."""
    return without_proved(And(Nonnegative(expand(index)), Nonnegative(expand(size - 1 - index))), extents)


def _next_varying(expression: Expr, extents: Mapping[Index, Expr]) -> Expr | None:
    for atom in sorted(expression.atoms(FloorDiv, Remainder), key=str):
        return atom
    for index in sorted(expression.atoms(Index), key=str):
        if index in extents:
            return index
    return None


def _lowest(varying: Expr, sharp: bool) -> Expr:
    if isinstance(varying, FloorDiv):
        numerator, divisor = varying.args
        return Integer(0) if numerator.is_nonnegative and not sharp else (numerator - divisor + 1) / divisor
    return Integer(0)


def _highest(varying: Expr, extents: Mapping[Index, Expr]) -> Expr:
    if isinstance(varying, FloorDiv):
        return varying.args[0] / varying.args[1]
    if isinstance(varying, Remainder):
        return varying.args[1] - 1
    return extents[varying] - 1


def negated(condition: Boolean) -> Boolean:
    """not condition; of integers, not (e >= 0) is -e - 1 >= 0."""
    if isinstance(condition, Nonnegative) and condition.expression.is_integer:
        return Nonnegative(expand(-condition.expression - 1))
    return Not(condition)


def contains_data(expression: Expr) -> bool:
    """Whether an index expression reads an integer tensor."""
    return bool(expression.atoms(IntegerRef))


def placeholder(name: str) -> Symbol:
    """The extent of an index that is found from its use."""
    return Symbol(f"extent of {name}", integer=True, positive=True)

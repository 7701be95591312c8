"""The operations of an expression, each weighed by the loops it runs under.

A subexpression is computed once for each value of the loops it depends on, as after moving invariants
out: a row sum inside an elementwise product is counted by rows. Every extent counts the same; functions
count FUNCTION, as an exponential does against a multiplication, |x|, sign(x), max(a, b) and min(a, b)
one. Reads, numbers, sizes
and changes of sign are free.
"""

from __future__ import annotations

from functools import cache

from sympy import Abs, Add, Mul, Pow, S, sign
from sympy.core.basic import Basic
from sympy.core.function import Function
from sympy.logic.boolalg import Boolean

from derive.calculus.expressions.kinks import extreme
from derive.calculus.expressions.nodes import FloorDiv, Opaque, Reduction, Remainder, Where, free_indices
from derive.calculus.expressions.tensor import Index, Ref, refs

EXTENT = 16
FUNCTION = 8


@cache
def operations(value: Basic) -> int:
    """The number of operations to compute a value for all its free indices."""
    if isinstance(value, Ref) or not value.args or not refs(value):
        return 0
    if isinstance(value, Reduction):
        return operations(value.body) + EXTENT ** len(free_indices(value.body).union(value.bound))
    larger = extreme(value) if isinstance(value, Where) else None
    inner = sum(operations(argument) for argument in (larger[1:] if larger else value.args))
    if isinstance(value, (Add, Mul)):
        return inner + _combining(value)
    return inner + _own(value) * EXTENT ** len(free_indices(value))


def _combining(value: Basic) -> int:
    """Factors and terms meet in order of the loops they need: scalars first, rows, then elements."""
    parts = [part for part in value.args if isinstance(value, Add) or part is not S.NegativeOne]
    parts.sort(key=lambda part: len(free_indices(part)))
    met: frozenset[Index] = frozenset()
    total = 0
    for position, part in enumerate(parts):
        met |= free_indices(part)
        total += EXTENT ** len(met) if position else 0
    return total


def _own(value: Basic) -> int:
    if isinstance(value, Pow):
        return 1 if value.exp.is_Integer else FUNCTION
    if isinstance(value, (Abs, sign, Where, Boolean)):
        return 1
    if isinstance(value, (Function, Opaque)):
        return FUNCTION
    return 0 if isinstance(value, (FloorDiv, Remainder)) else 1

"""Which kinds of node an expression holds, told once for each expression.

    sum_{p<n} X[i,p] W[p,j]     holds a Sum, a Mul and Refs, no exp

SymPy's `has` and `atoms` walk the whole expression each time; these remember, and go only where there is
something to find.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sympy.core.basic import Basic

from derive.calculus.expressions.nodes import Where


def holds(expression: Basic, *kinds: type) -> bool:
    """Whether a node of one of these kinds stands anywhere in an expression."""
    return _among(kinds_of(expression), kinds)


@cache
def nodes_of(expression: Basic, *kinds: type) -> frozenset[Any]:
    """Every node of these kinds inside an expression."""
    if not holds(expression, *kinds):
        return frozenset()
    inside = frozenset[Any]().union(*(nodes_of(argument, *kinds) for argument in expression.args))
    return inside | {expression} if isinstance(expression, kinds) else inside


@cache
def branches_in(expression: Basic) -> int:
    """How many branches an expression has, written out: one that stands in two places counts twice."""
    if not holds(expression, Where):
        return 0
    return isinstance(expression, Where) + sum(map(branches_in, expression.args))


@cache
def kinds_of(expression: Basic) -> frozenset[type]:
    """The kinds of node that stand anywhere in an expression."""
    own = frozenset[type]((type(expression),))
    return own.union(*map(kinds_of, expression.args)) if expression.args else own


@cache
def _among(present: frozenset[type], kinds: tuple[type, ...]) -> bool:
    return any(issubclass(one, kinds) for one in present)

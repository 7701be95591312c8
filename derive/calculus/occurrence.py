"""Which kinds of node an expression holds, told once for each expression.

    sum_{p<n} X[i,p] W[p,j]     holds a Sum, a Mul and Refs, no exp

SymPy's `has` and `atoms` walk the whole expression each time; these remember, and go only where there is
something to find.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sympy.core.basic import Basic


def holds(expression: Basic, *kinds: type) -> bool:
    """Whether a node of one of these kinds stands anywhere in an expression."""
    return _among(_kinds(expression), kinds)


@cache
def nodes_of(expression: Basic, *kinds: type) -> frozenset[Any]:
    """Every node of these kinds inside an expression."""
    if not holds(expression, *kinds):
        return frozenset()
    inside = frozenset[Any]().union(*(nodes_of(argument, *kinds) for argument in expression.args))
    return inside | {expression} if isinstance(expression, kinds) else inside


@cache
def _kinds(expression: Basic) -> frozenset[type]:
    own = frozenset[type]((type(expression),))
    return own.union(*map(_kinds, expression.args)) if expression.args else own


@cache
def _among(present: frozenset[type], kinds: tuple[type, ...]) -> bool:
    return any(issubclass(one, kinds) for one in present)

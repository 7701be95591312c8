"""Canonical forms: two expressions that differ in bound names, or in the order of ranges, are equal.

Each bound index is coloured by where it occurs, ranges are ordered by colour, and indices are renamed
by depth; SymPy orders factors and terms. Equal colours are told apart by trying every order.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import permutations
from typing import Any

from sympy import Expr, srepr
from sympy.core.basic import Basic

from derive.calculus.expressions.nodes import Reduction, VectorMap, rebuilt, reduces
from derive.calculus.expressions.occurrence import nodes_of
from derive.calculus.expressions.tensor import Index, TensorName

MOST_ORDERS = 24


@cache
def canonical(expression: Any, depth: int = 0) -> Any:
    """The expression with bound indices named by depth and ranges in canonical order."""
    if not isinstance(expression, Basic) or not reduces(expression):
        return expression
    if isinstance(expression, VectorMap):
        return _canonical_vector(expression, depth)
    if isinstance(expression, Reduction):
        return _canonical_reduction(expression, depth)
    return rebuilt(expression, (canonical(argument, depth) for argument in expression.args))


def key(expression: Expr, free: Sequence[Index] = ()) -> Any:
    """A key equal for expressions that differ in the names of bound and of the given free indices."""
    named = {index: Index(f"free{position}") for position, index in enumerate(free)}
    return canonical(expression.xreplace(named))


def same(left: Expr, right: Expr) -> bool:
    """Whether two expressions are equal up to bound names and order."""
    return bool(canonical(left) == canonical(right))


def unified(value: Expr) -> Expr:
    """The value with reductions that differ in bound names alone written alike, so that they add up."""
    reading: dict[Any, list[Reduction]] = {}
    for node in nodes_of(value, Reduction):
        reading.setdefault((len(node.bound), frozenset(nodes_of(node, TensorName))), []).append(node)
    found = [node for nodes in reading.values() if len(nodes) > 1 for node in nodes]
    if not found:
        return value
    first: dict[Any, Expr] = {}
    alike = {node: first.setdefault(canonical(node), node) for node in sorted(found, key=str)}
    changed = {node: other for node, other in alike.items() if node is not other}
    return value.xreplace(changed) if changed else value


def _canonical_vector(node: VectorMap, depth: int) -> Basic:
    ((index, _),) = node.ranges
    renamed = node.xreplace({index: Index(f"bound{depth}")})
    return rebuilt(renamed, (canonical(argument, depth + 1) for argument in renamed.args))


def _canonical_reduction(node: Reduction, depth: int) -> Basic:
    orders = _orders(node) if len(node.ranges) > 1 else [list(node.ranges)]
    built = []
    for order in orders:
        renaming = {index: Index(f"bound{depth + place}") for place, (index, _) in enumerate(order)}
        body = canonical(node.body.xreplace(renaming), depth + len(order))
        ranges = [(renaming[index], extent.xreplace(renaming)) for index, extent in order]
        built.append(node.func(body, *ranges))
    return built[0] if len(built) == 1 else min(built, key=srepr)


def _orders(node: Reduction) -> list[list[Any]]:
    coloured = sorted(node.ranges, key=lambda r: _colour(node, r[0]))
    colours = [_colour(node, index) for index, _ in coloured]
    if len(set(colours)) == len(colours):
        return [coloured]
    found = []
    for order in permutations(coloured):
        if [_colour(node, index) for index, _ in order] == colours:
            found.append(list(order))
        if len(found) == MOST_ORDERS:
            break
    return found


def _colour(node: Reduction, index: Index) -> str:
    """Where an index occurs, with the other bound indices made alike."""
    alike = {other: Index("other") for other in node.bound if other != index} | {index: Index("self")}
    extent = dict(node.ranges)[index]
    return srepr(extent) + srepr(node.body.xreplace(alike))

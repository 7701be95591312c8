"""Substitution that never captures: a bound index that clashes is renamed first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sympy import Expr
from sympy.core.basic import Basic

from derive.calculus.expressions.nodes import Range, Reduction, rebuilt, reduces
from derive.calculus.expressions.occurrence import nodes_of
from derive.calculus.expressions.tensor import Index


def fresh(name: str, taken: Iterable[str]) -> Index:
    """The index `name`, or the first of name1, name2, ... that is not taken."""
    used = set(taken)
    if name not in used:
        return Index(name)
    stem = name.rstrip("0123456789") or name
    number = 1
    while f"{stem}{number}" in used:
        number += 1
    return Index(f"{stem}{number}")


def apart(indices: Iterable[Index], taken: Iterable[str], inside: Iterable[str] = ()) -> dict[Index, Index]:
    """A new index for each of those whose name is taken, all different, and from those bound inside."""
    listed, used = list(indices), set(taken)
    kept = ({index.name for index in listed} | set(inside)) - used
    renaming: dict[Index, Index] = {}
    for index in listed:
        if index.name in used:
            renaming[index] = fresh(index.name, used | kept)
            kept.add(renaming[index].name)
    return renaming


def substitute(expression: Any, mapping: Mapping[Any, Any]) -> Any:
    """The expression with free indices replaced, avoiding capture under sums and maxima."""
    if not isinstance(expression, Basic):
        return expression
    if not expression.args:
        return mapping.get(expression, expression)
    mapping = {old: new for old, new in mapping.items() if old is not new}
    if not mapping:
        return expression
    if not reduces(expression):
        return expression.xreplace(mapping)
    return _substitute(expression, mapping)


def _substitute(node: Basic, mapping: Mapping[Any, Any]) -> Basic:
    if not mapping or not node.has(*mapping):
        return node
    if not reduces(node):
        return node.xreplace(mapping)
    if isinstance(node, Reduction):
        node, mapping = _renamed_apart(node, mapping)
        return rebuilt(node, (_substitute(argument, mapping) for argument in node.args)) if mapping else node
    return rebuilt(node, (_substitute(argument, mapping) for argument in node.args))


def _renamed_apart(node: Reduction, mapping: Mapping[Any, Any]) -> tuple[Reduction, dict[Any, Any]]:
    active = {old: new for old, new in mapping.items() if old not in node.bound}
    entering = {s for new in active.values() if isinstance(new, Basic) for s in new.free_symbols}
    clashing = [index for index in node.bound if index in entering]
    if not clashing:
        return node, active
    taken = {str(s) for s in entering | node.free_symbols | set(node.bound)}
    return node.xreplace(apart(clashing, taken, bound_names(node))), active


def rename_ranges(ranges: Iterable[Range], renaming: Mapping[Any, Any]) -> tuple[Range, ...]:
    """The ranges with their indices renamed, extents included."""
    return tuple((renaming.get(index, index), substitute(extent, renaming)) for index, extent in ranges)


def freshened(expression: Expr, taken: Iterable[str]) -> Expr:
    """The expression with every bound index renamed apart from the names taken, and from those around it."""
    used = set(taken)

    def rename(node: Basic, around: frozenset[str]) -> Basic:
        if not reduces(node):
            return node
        own = frozenset(index.name for index in node.bound) if isinstance(node, Reduction) else frozenset()
        node = rebuilt(node, (rename(argument, around | own) for argument in node.args))
        if not isinstance(node, Reduction):
            return node
        free = {str(s) for s in node.free_symbols}
        renaming = apart(node.bound, used | around | free, bound_names(node))
        used.update(index.name for index in renaming.values())
        return node.xreplace(renaming)

    return rename(expression, frozenset())


def bound_names(expression: Any) -> set[str]:
    """The names of all indices bound inside an expression."""
    return {index.name for node in nodes_of(expression, Reduction) for index in node.bound}

"""Rows applied to an expression, innermost first, until none applies."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from sympy import Add, Expr, Mul, Pow
from sympy.core.basic import Basic
from sympy.core.function import Function

from derive.calculus.expressions.cost import operations
from derive.calculus.expressions.nodes import Where, rebuilt
from derive.calculus.expressions.occurrence import branches_in, holds, kinds_of
from derive.calculus.expressions.tensor import Ref
from derive.calculus.rules.matching import Binding, match_part, minus_signs
from derive.calculus.rules.row import Row

ROUNDS = 16


def rewritten(value: Expr, rows: Sequence[Row], steps: list[tuple[Row, Expr, Expr]] | None = None) -> Expr:
    """The value with every row applied; `steps` records which, before and after."""
    for _ in range(ROUNDS):
        usable = _usable(rows, value)
        changed = _visit(value, usable, steps) if usable else value
        if changed == value:
            return value
        value = changed
    return value


def _usable(rows: Sequence[Row], value: Basic) -> list[Row]:
    """The rows whose functions and branches a value holds, as many branches as the row's pattern."""
    present, branches = kinds_of(value), branches_in(value)
    return [row for row in rows if row.heads <= present and row.branches <= branches]


def _visit(node: Basic, rows: Sequence[Row], steps: list[tuple[Row, Expr, Expr]] | None) -> Basic:
    if isinstance(node, Ref) or not node.args or not holds(node, Function, Pow, Where):
        return node
    node = rebuilt(node, (_visit(argument, rows, steps) for argument in node.args))
    if not isinstance(node, Expr):
        return node
    tried = [(row, _applied(row, node) or _scaled(row, node)) for row in _usable(rows, node)]
    applied = [(row, *found) for row, found in tried if found is not None and found[0] != node]
    row, found, minus = min(applied, key=itemgetter(2), default=(None, node, 0))
    if row is None or (minus and operations(found) >= operations(node)):
        return node
    if steps is not None:
        steps.append((row, node, found))
    return found


def _scaled(row: Row, node: Expr) -> tuple[Expr, int] | None:
    """A sum less its common factor: 4 sqrt(1 + a) - 4."""
    number, inner = node.primitive() if isinstance(node, Add) else (1, node)
    found = _applied(row, inner) if number != 1 and isinstance(row.pattern, Add) else None
    return None if found is None else (number * found[0], found[1])


def _applied(row: Row, node: Expr) -> tuple[Expr, int] | None:
    """The value with a row applied, and how many letters stand for something negative."""
    found = match_part(row.pattern, node)
    if found is None:
        return None
    binding, rest = found
    if row.domain is not None and not _holds(row, binding):
        return None
    replacement = row.replacement.xreplace(dict(binding))
    whole = Add(replacement, rest) if isinstance(row.pattern, Add) else Mul(replacement, rest)
    return whole, minus_signs(binding)


def _holds(row: Row, binding: Binding) -> bool:
    """Whether the domain is proved for what the letters stand for."""
    from sympy import true

    assert row.domain is not None
    return bool(row.domain.xreplace(dict(binding)) == true)

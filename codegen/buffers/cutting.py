"""A line for one example as a line for some of its rows, or columns, of a triangle.

np.exp(E[i], out=E[i])                  np.exp(E[i, :, rows, columns], out=E[i, :, rows, columns])
X[i].transpose(0, 2, 1)                 X[i, :, rows, columns].transpose(0, 2, 1)
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from codegen.buffers.operands import is_mark, items_of, line_of, order_of_transpose, replaced
from codegen.buffers.triangles import Cut


def cut_statement(statement: ast.stmt, cut: Cut, examples: Sequence[bool]) -> ast.stmt:
    """The line with its operands' slices; `examples` tells which of them had an axis for the examples."""
    line = line_of(statement)
    assert line is not None
    roles = [each[1:] if first else each for each, first in zip(cut.roles, examples, strict=True)]
    others = [_part(operand, each) for operand, each in zip(line.operands, roles, strict=True)]
    return replaced(statement, line.operands, others)


def _part(node: ast.expr, roles: Sequence[str | None]) -> ast.expr:
    """X[rows] of X, X[i, :, rows] of X[i]."""
    if not any(roles):
        return node
    order = order_of_transpose(node)
    if order is not None and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        inner = [roles[order.index(k)] for k in range(len(order))]
        return ast.Call(ast.Attribute(_part(node.func.value, inner), "transpose"), node.args, [])
    if isinstance(node, ast.Subscript) and any(map(is_mark, items_of(node))):
        return _marked(node, roles)
    items: list[ast.expr] = [ast.Slice() if role is None else ast.Name(role) for role in _trimmed(roles)]
    if isinstance(node, ast.Subscript):
        return ast.Subscript(node.value, ast.Tuple([*items_of(node), *items]))
    return ast.Subscript(node, ast.Tuple(items) if len(items) > 1 else items[0])


def _marked(node: ast.Subscript, roles: Sequence[str | None]) -> ast.expr:
    """X[i][:, :, None]: the slices of the axes that X has."""
    items = items_of(node)
    marks = [*items, *(ast.Slice() for _ in roles[len(items) :])]
    inner = [role for item, role in zip(marks, roles, strict=True) if isinstance(item, ast.Slice)]
    return ast.Subscript(_part(node.value, inner), node.slice)


def _trimmed(roles: Sequence[str | None]) -> Sequence[str | None]:
    """Without whole axes at the end."""
    last = max(k for k, role in enumerate(roles) if role is not None)
    return roles[: last + 1]

"""Stacks of products A B', rows with rows: the right factor is copied as columns first.

    R = A @ B.transpose(0, 1, 3, 2)         np.divide(B.transpose(0, 1, 3, 2), e ** 0.5, out=R_columns)
    R /= e**0.5                             np.matmul(A, R_columns, out=R)

BLAS multiplies small matrices as they lie, but rows with rows, which are sums across a vector, at two thirds
of the speed. A copy is a pass over the factor, with a number on the way that else the result is divided by:
so where the result has four times the factor's elements.
"""

from __future__ import annotations

import ast
from dataclasses import replace

from codegen.buffers.expressions import Writer, assigned
from codegen.buffers.operands import IN_PLACE
from codegen.buffers.values import ONE, Axes, Operand

TIMES = 4  # the result's elements for each of the factor's


def as_columns(writer: Writer, left: Operand, right: Operand, axes: Axes) -> Operand:
    """The right factor, copied where its rows lie as columns would."""
    stacks = left.rank == right.rank == len(axes) > 2
    if not stacks or left.strides[-1] != ONE or right.strides[-2] != ONE or right.strides[-1] == ONE:
        return right
    worth = writer.count(axes) >= TIMES * writer.count(right.axes)
    return writer.copied(right, "columns") if worth else right


def scaled_copy(writer: Writer, statement: ast.AugAssign, place: Operand, value: Operand) -> bool:
    """Whether the last two lines are such a copy and its product, now with the factor in the copy."""
    lines = writer.draft.instructions
    function = IN_PLACE.get(type(statement.op))
    if (
        len(lines) < 2
        or function not in ("multiply", "divide")
        or value.rank
        or lines[-1].writes != place.reads
    ):
        return False
    copy, product = lines[-2:]
    source = _copied(copy.node)
    if source is None or not copy.writes <= product.reads or value.reads or not _is_name(statement.target):
        return False
    part, out = source
    lines[-2] = replace(copy, node=assigned(function, [part, value.node], out))
    return True


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name)


def _copied(node: ast.stmt) -> tuple[ast.expr, ast.expr] | None:
    """What a line copies, and where to."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call) or node.value.keywords:
        return None
    call = node.value
    return (call.args[1], call.args[0]) if ast.unparse(call.func) == "np.copyto" else None

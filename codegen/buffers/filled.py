"""How an array lies in memory that is filled part by part: as a product of matrices leaves its parts.

    A[l] = einsum("itp,pcan->ciatn", N[l], W[l])     A is (L, 3, m, h, T, e), in memory L, m, T, 3, h, e
    O[l] = P[l] @ A[l, 2]                            O is (L, m, h, T, e), in memory L, m, T, h, e as A[l, 2]

The product is written where it belongs, and what reads A reads a view. A cotangent lies as its tensor does:
the product that reads it takes it as it lies. Examples stay side by side, for what is computed one by one.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace

from codegen.buffers.expressions import Writer
from codegen.buffers.operands import is_mark, items_of
from codegen.buffers.values import Operand, Value, order_of, same

FEWEST = 3  # axes of a part: two are a matrix, or its transpose


def lie_as_filled(writer: Writer, target: ast.Subscript, value: ast.expr) -> None:
    """Before the first part is written: the order of the axes that its value has without a place given."""
    held = writer.draft.values.get(writer.target)
    if held is None or any(held.name in line.reads | line.writes for line in writer.draft.instructions):
        return
    items = items_of(target)
    fixed = len(items)
    is_gradient = f"p.{held.name.removesuffix('_bar')}" in writer.names  # lies as its parameter does
    if len(held.axes) - fixed < FEWEST or any(map(is_mark, items)) or is_gradient:
        return
    found = _leading(writer, value)
    if found is None:
        return
    order = order_of(found, writer.sizes)
    if same(found.axes, held.axes[fixed:]) and found.axes[order[0]] == writer.batch:
        order = (*range(fixed), *(fixed + k for k in order))
        writer.draft.values[held.name] = replace(held, order=order)
        writer.names[held.name] = writer.draft.values[held.name].operand()


def _leading(writer: Writer, value: ast.expr) -> Operand | None:
    """What the value may lie as: a contraction's own result, of stacks of matrices the right one."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.MatMult):
        left, right = writer.tried(value.left), writer.tried(value.right)
        square = left.rank == right.rank and same(left.axes[-1:], left.axes[-2:-1])
        return right if square and right.strides[-1] == 1 else None
    calls = [node for node in ast.walk(value) if isinstance(node, ast.Call)]
    contracted = any(ast.unparse(node.func) == "np.einsum" for node in calls)
    return writer.tried(value) if contracted else None


def as_its_tensor(value: Value, values: Mapping[str, Value]) -> Value:
    """The array of a cotangent, in the order of the array of its tensor, or of that at one step."""
    tensor = values.get(value.name.removesuffix("_bar"))
    if tensor is None or tensor.name == value.name:
        return value
    steps = len(tensor.axes) - len(value.axes)
    if steps not in (0, 1) or not same(tensor.axes[steps:], value.axes):
        return value
    return replace(value, order=tuple(k - steps for k in tensor.order if k >= steps))

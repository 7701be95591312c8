"""A network at other sizes: every axis is its formula in sizes, as n, 2*n or 4*a + 8."""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import replace

from .description import DataTensor, Description, Tensor
from .errors import DescriptionError

OPERATIONS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Pow: operator.pow,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


def resize(description: Description, sizes: Mapping[str, int]) -> Description:
    """The same network at other sizes. Raise DescriptionError for an unknown name, or an axis left empty."""
    for symbol, size in sizes.items():
        if symbol not in description.sizes or size < 1:
            known = ", ".join(f"{s}={n}" for s, n in description.sizes.items())
            raise DescriptionError(
                f"network {description.name!r} has no size {symbol}={size}; its sizes are {known}, "
                f"each at least 1"
            )
    changed = {s: n for s, n in sizes.items() if n != description.sizes[s]}
    if not changed:
        return description
    output = description.output
    whole = replace(description, sizes={**description.sizes, **changed}, resized=changed)
    return replace(
        whole,
        parameters=tuple(replace(p, shape=_shape(whole, p, p.axes)) for p in description.parameters),
        data=tuple(_data(whole, d) for d in description.data),
        output=replace(output, shape=_shape(whole, output, output.axes[1:])),
    )


def _shape(description: Description, tensor: Tensor, axes: tuple[str, ...]) -> tuple[int, ...]:
    shape = tuple(_value(description, axis) for axis in axes)
    for axis, length in zip(axes, shape, strict=True):
        if length < 1:
            given = ", ".join(f"{s}={n}" for s, n in description.resized.items())
            raise DescriptionError(
                f"network {description.name!r}: axis {axis} of {tensor.name} has {length} elements with "
                f"{given}; choose sizes that leave at least one"
            )
    return shape


def _data(description: Description, data: DataTensor) -> DataTensor:
    classes, output = data.classes, description.output
    if classes is not None and output.shape and classes == output.shape[-1]:
        classes = _value(description, output.axes[-1])  # a label ranges over the output's last axis
    return replace(data, shape=_shape(description, data, data.axes[1:]), classes=classes)


def _value(description: Description, axis: str) -> int:
    """The formula of an axis in numbers: sums, products and quotients of sizes; nothing is evaluated."""
    return _worked_out(description, ast.parse(axis, mode="eval").body)


def _worked_out(description: Description, node: ast.expr) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.Name) and node.id in description.sizes:
        return description.sizes[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_worked_out(description, node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
        left, right = _worked_out(description, node.left), _worked_out(description, node.right)
        return OPERATIONS[type(node.op)](left, right)
    raise DescriptionError(
        f"network {description.name!r}: {ast.unparse(node)} is no size; its sizes are "
        f"{', '.join(description.sizes)}; rebuild it"
    )

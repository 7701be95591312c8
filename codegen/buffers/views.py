"""Views: an operand in another shape, without a copy.

W1.T, A.transpose(0, 2, 1)     axes and strides in another order
H[1:], A[t, :, 0], M[:, None]  a start, fewer axes, axes of one place
merged(A, groups)              neighbours as one axis, where they lie so
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from math import prod

from sympy import Expr, Integer, expand

from codegen.buffers.values import ONE, Axes, Operand
from derive.calculus.expressions.nodes import FloorDiv

Sized = Callable[[ast.expr], Expr | None]


def transposed(operand: Operand, order: Sequence[int], node: ast.expr | None = None) -> Operand:
    """The axes in another order."""
    if tuple(order) == tuple(range(operand.rank)):
        return operand
    if node is None:
        node = transpose_node(operand.node, order)
    axes, strides = (tuple(parts[k] for k in order) for parts in (operand.axes, operand.strides))
    return replace(operand, node=node, axes=axes, strides=strides, fresh=False)


def transpose_node(node: ast.expr, order: Sequence[int]) -> ast.expr:
    """X.T, X.transpose(0, 2, 1); of a transposed array, both at once."""
    before = _order_of_call(node)
    if before is not None and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node, order = node.func.value, [before[k] for k in order]
    if list(order) == list(range(len(order))):
        return node
    if tuple(order) == (1, 0):
        return ast.Attribute(node, "T")
    return method(node, "transpose", *(ast.Constant(k) for k in order))


def _order_of_call(node: ast.expr) -> list[int] | None:
    """The order of X.transpose(0, 2, 1)."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    if node.func.attr != "transpose" or not node.args:
        return None
    return [int(ast.literal_eval(item)) for item in node.args]


def method(node: ast.expr, name: str, *arguments: ast.expr, **options: ast.expr) -> ast.expr:
    """node.name(arguments)."""
    keywords = [ast.keyword(key, value) for key, value in options.items()]
    return ast.Call(ast.Attribute(node, name), list(arguments), keywords)


def subscripted(operand: Operand, node: ast.Subscript, sized: Sized) -> Operand | None:
    """The view of a basic subscript; None where an index is an array."""
    items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    axes: list[Expr] = []
    strides: list[Expr] = []
    place = 0
    for item in items:
        if isinstance(item, ast.Constant) and item.value is None:
            axes.append(ONE)
            strides.append(Integer(0))
            continue
        if place >= operand.rank:
            return None
        size, stride = operand.axes[place], operand.strides[place]
        place += 1
        if isinstance(item, ast.Slice):
            found = _sliced(item, size, sized)
            if found is None:
                return None
            axes.append(found[0])
            strides.append(stride * found[1])
        elif sized(item) is None:
            return None
    axes += operand.axes[place:]
    strides += operand.strides[place:]
    view = ast.Subscript(operand.node, node.slice)
    return replace(operand, node=view, axes=tuple(axes), strides=tuple(strides), fresh=False)


def _sliced(item: ast.Slice, size: Expr, sized: Sized) -> tuple[Expr, Expr] | None:
    """How many places a slice takes, and its step."""
    bounds = [
        default if bound is None else sized(bound)
        for bound, default in ((item.lower, Integer(0)), (item.upper, size), (item.step, ONE))
    ]
    if any(bound is None for bound in bounds):
        return None
    low, high, step = (bound for bound in bounds if bound is not None)
    high = size + high if high.is_negative else high
    count = expand(high - low)
    return (count if step == 1 else FloorDiv(count + step - 1, step)), step


def merged(operand: Operand, groups: Sequence[Sequence[int]]) -> tuple[Axes, Axes] | None:
    """Axes and strides with each group of axes as one; None where memory does not lie so."""
    axes: list[Expr] = []
    strides: list[Expr] = []
    for group in groups:
        kept = [k for k in group if operand.axes[k] != 1]
        for outer, inner in pairwise(kept):
            if expand(operand.strides[outer] - operand.strides[inner] * operand.axes[inner]) != 0:
                return None
        size: Expr = ONE
        for k in kept:
            size *= operand.axes[k]
        axes.append(size)
        strides.append(operand.strides[kept[-1]] if kept else ONE)
    return tuple(axes), tuple(strides)


def grouped(operand: Operand, axes: Axes) -> Axes | None:
    """The strides of an array of which neighbouring axes became one; None where memory does not lie so."""
    groups: list[list[int]] = []
    rest = list(range(operand.rank))
    for size in axes:
        group: list[int] = []
        while rest and (not group or expand(prod(operand.axes[k] for k in group) - size) != 0):
            group.append(rest.pop(0))
        if expand(prod(operand.axes[k] for k in group) - size) != 0:
            return None
        groups.append(group)
    found = None if rest else merged(operand, groups)
    return None if found is None else found[1]


def split(operand: Operand, axes: Axes) -> Axes | None:
    """The strides of an array of which some axes became several: a view however it lies in memory."""
    strides: list[Expr] = []
    rest = list(axes)
    for size, stride in zip(operand.axes, operand.strides, strict=True):
        group: list[Expr] = []
        while rest and expand(prod(group) - size) != 0:
            group.append(rest.pop(0))
        if expand(prod(group) - size) != 0:
            return None
        strides += [stride * prod(group[k + 1 :]) for k in range(len(group))]
    return None if rest else tuple(map(expand, strides))

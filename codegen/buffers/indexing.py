"""Rows by an index array: np.take(E, x, axis=0, out=place)."""

from __future__ import annotations

import ast
from dataclasses import replace

from sympy import expand

from codegen.buffers.expressions import UnplannedError, Writer
from codegen.buffers.values import REAL, Axes, Operand, broadcast


def gathered(writer: Writer, operand: Operand, node: ast.Subscript) -> Operand:
    """A subscript with index arrays; small results stay expressions."""
    items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    slices = [isinstance(item, ast.Slice) for item in items]
    if any(isinstance(item, ast.Slice) and (item.lower or item.upper or item.step) for item in items):
        raise UnplannedError(ast.unparse(node))
    if any(isinstance(item, ast.Constant) and item.value is None for item in items):
        raise UnplannedError(ast.unparse(node))
    repeated = _repeated(writer, operand, items, node)
    if repeated is not None:
        return repeated
    parts = {k: writer.visit(item) for k, item in enumerate(items) if not slices[k]}
    places = list(parts)
    if places != list(range(places[0], places[-1] + 1)):
        raise UnplannedError(ast.unparse(node))
    middle = broadcast(*(part.axes for part in parts.values()))
    axes: Axes = (*operand.axes[: places[0]], *middle, *operand.axes[places[-1] + 1 :])
    index = [parts[k].node if k in parts else item for k, item in enumerate(items)]
    plain = ast.Subscript(operand.node, index[0] if len(index) == 1 else ast.Tuple(index))
    if writer.small(axes):
        return writer.expression(plain, axes, operand.kind, [operand, *parts.values()])
    if len(places) > 1:
        raise UnplannedError(ast.unparse(node))
    part = writer.settled(parts[places[0]])
    place = writer.array(axes, REAL if operand.kind == REAL else operand.kind, None, "rows")
    options = {"axis": ast.Constant(places[0]), "out": place.node, "mode": ast.Constant("clip")}
    keywords = [ast.keyword(key, value) for key, value in options.items()]
    take = ast.Call(ast.Attribute(ast.Name("np"), "take"), [operand.node, part.node], keywords)
    writer.emit(ast.Expr(take), [operand, part], place)
    return place


def _repeated(writer: Writer, operand: Operand, items: list[ast.expr], node: ast.Subscript) -> Operand | None:
    """X[:, place[:, None], place2], each place i // r: an array whose elements stand r times in turn."""
    counts = [1] * operand.rank
    axes = list(operand.axes)
    for k, item in enumerate(items):
        if isinstance(item, ast.Slice):
            continue
        count = _times(writer, item)
        if count is None:
            return None
        counts[k] = count
        axes[k] = expand(axes[k] * count)
    found = replace(operand, node=ast.Subscript(operand.node, node.slice), axes=tuple(axes), fresh=False)
    return replace(found, once=operand.node, repeats=tuple(counts))


def _times(writer: Writer, item: ast.expr) -> int | None:
    """r of np.arange(r * n) // r, along one axis."""
    while isinstance(item, ast.Subscript):
        item = item.value
    node = writer.draft.constants.get(item.id) if isinstance(item, ast.Name) else item
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.FloorDiv):
        return None
    called, count = node.left, node.right
    if not isinstance(called, ast.Call) or ast.unparse(called.func) != "np.arange":
        return None
    return count.value if isinstance(count, ast.Constant) and isinstance(count.value, int) else None

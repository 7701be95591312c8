"""Rows by an index array: np.take(E, x, axis=0, out=place); long ones added by add_rows(E_bar, x, X_bar)."""

from __future__ import annotations

import ast

from codegen.buffers.expressions import UnplannedError, Writer
from codegen.buffers.values import REAL, Axes, Operand, broadcast, same

LONG = 64  # elements of a row, from which on one addition of rows is faster than so many of elements


def gathered(writer: Writer, operand: Operand, node: ast.Subscript) -> Operand:
    """A subscript with index arrays; small results stay expressions."""
    items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    slices = [isinstance(item, ast.Slice) for item in items]
    if any(isinstance(item, ast.Slice) and (item.lower or item.upper or item.step) for item in items):
        raise UnplannedError(ast.unparse(node))
    if any(isinstance(item, ast.Constant) and item.value is None for item in items):
        raise UnplannedError(ast.unparse(node))
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


def scattered(writer: Writer, statement: ast.Expr) -> None:
    """np.add.at(E_bar, x, X_bar) by rows, where those are long."""
    call = statement.value
    assert isinstance(call, ast.Call)
    target, places, values = call.args
    place, at = writer.visit(target), writer.visit(places)
    if not at.rank or writer.count(place.axes[1:]) < LONG:
        raise UnplannedError(ast.unparse(statement))
    writer.target = ast.unparse(target)
    rows = writer.visit(values)
    if not same(rows.axes, (*at.axes, *place.axes[1:])):
        raise UnplannedError(ast.unparse(statement))
    writer.functions.add("add_rows")
    added = ast.Call(ast.Name("add_rows"), [place.node, at.node, rows.node], [])
    writer.emit(ast.Expr(added), [place, at, rows], place)

"""Branches: the one not taken, then the one taken where the condition holds.

np.where(causal, R, 1)      np.copyto(out, 1); np.copyto(out, R, where=causal)
np.where(Z > 0, G, 0)       kept_where(G, Z > 0, out): `and` with the mask, for it holds here and there
np.where(E > 0, E * F, 0)   np.copyto(X, 0, where=E <= 0): a guard holds nearly everywhere
"""

from __future__ import annotations

import ast

from codegen.buffers.expressions import Writer, assigned, unread
from codegen.buffers.values import REAL, TRUTH, WHOLE, Axes, Operand, broadcast, same


def where(writer: Writer, node: ast.Call, into: Operand | None) -> Operand:
    """The branch not taken, then the one taken where the condition holds."""
    guarded = _guarded(writer, node)
    if guarded is not None:
        return guarded
    condition = writer.visit(node.args[0])
    there = unread(into, node.args[0], node.args[2]) if writer.constant(condition) else None
    chosen = writer.visit(node.args[1], there)
    other = writer.visit(node.args[2])
    axes = broadcast(condition.axes, chosen.axes, other.axes)
    parts = [condition, chosen, other]
    into = into if into is not None and same(into.axes, axes) else None
    if writer.stays(axes, parts):
        plain = ast.Call(node.func, [part.node for part in parts], [])
        kind = REAL if REAL in (chosen.kind, other.kind) else WHOLE
        return writer.expression(plain, axes, kind, parts)
    if _is(chosen, 1) and same(other.axes, axes) and not writer.constant(condition):
        return _one_or(writer, condition, other, into)
    if _is(other, 0) and same(chosen.axes, axes) and not writer.constant(condition):
        return _kept_where(writer, condition, chosen, into)
    place = chosen if chosen is into else _like(writer, axes, chosen)
    if chosen is place and other is not place:
        mask = writer.elementwise(
            "logical_not", [condition], TRUTH, ast.UnaryOp(ast.Invert(), condition.node), None, "mask"
        )
        mask = writer.settled(mask)
        _copy_where(writer, place, writer.settled(other), mask)
    else:
        if other is not place:
            writer.emit(assigned("copyto", [place.node, other.node], None), [other], place)
        _copy_where(writer, place, writer.settled(chosen), writer.settled(condition))
    if into is not None and place is not into:
        writer.emit(assigned("copyto", [into.node, place.node], None), [place], into)
        return into
    return place


def _guarded(writer: Writer, node: ast.Call) -> Operand | None:
    """where(E > 0, E * F, 0) in the memory of the product; None where E is no factor of what is chosen."""
    test, chosen, other = node.args
    if (
        not isinstance(test, ast.Compare)
        or ast.unparse(other) != "0"
        or ast.unparse(test.comparators[0]) != "0"
    ):
        return None
    if not isinstance(test.ops[0], ast.Gt) or ast.dump(test.left) not in map(ast.dump, _factors(chosen)):
        return None
    tried = writer.tried(chosen)
    if not tried.fresh or tried.kind != REAL or tried.repeats:
        return None
    place = writer.visit(chosen)
    opposite = ast.Compare(test.left, [ast.LtE()], test.comparators)
    _copy_where(writer, place, Operand(ast.Constant(0)), writer.settled(writer.visit(opposite)))
    return place


def _factors(node: ast.expr) -> list[ast.expr]:
    """The factors of a product or of a dividend."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*_factors(node.left), *_factors(node.right)]
    return _factors(node.left) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) else [node]


def _kept_where(writer: Writer, condition: Operand, chosen: Operand, into: Operand | None) -> Operand:
    """X where the condition holds, else 0."""
    place = into if into is not None else writer.array(chosen.axes, REAL, condition, "kept")
    parts = [chosen, condition, place]
    nodes = [part.node for part in parts]
    if chosen.repeats:
        nodes = [writer.in_blocks(part, chosen.repeats) for part in parts]
    writer.functions.add("kept_where")
    writer.emit(ast.Expr(ast.Call(ast.Name("kept_where"), nodes, [])), [chosen, condition], place)
    return place


def _one_or(writer: Writer, condition: Operand, other: Operand, into: Operand | None) -> Operand:
    """1 where the condition holds, else the other: the other where it does not hold, plus the mask."""
    place = into if into is not None else writer.array(other.axes, REAL, other, "choice")
    opposite = writer.elementwise(
        "logical_not", [condition], TRUTH, ast.UnaryOp(ast.Invert(), condition.node), None, "mask"
    )
    place = _kept_where(writer, opposite, other, place)
    if opposite is condition:  # it was overwritten; the sum wants it as it was
        turned = assigned("logical_not", [opposite.node], opposite.node)
        writer.emit(turned, [opposite], opposite)
    writer.emit(assigned("add", [place.node, condition.node], place.node), [place, condition], place)
    return place


def _is(operand: Operand, value: int) -> bool:
    return isinstance(operand.node, ast.Constant) and operand.node.value == value


def _like(writer: Writer, axes: Axes, chosen: Operand) -> Operand:
    if chosen.fresh and same(chosen.axes, axes):
        return chosen
    return writer.array(axes, REAL, chosen if same(chosen.axes, axes) else None, "choice")


def _copy_where(writer: Writer, place: Operand, value: Operand, mask: Operand) -> None:
    statement = assigned("copyto", [place.node, value.node], None)
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Call)
    statement.value.keywords.append(ast.keyword("where", mask.node))
    writer.emit(statement, [value, mask, place], place)

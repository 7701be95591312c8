"""What each kind of Python expression means in instructions: arithmetic, comparisons, calls, subscripts."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sympy import Integer

from codegen.buffers import views
from codegen.buffers.calls import call
from codegen.buffers.contractions import matmul
from codegen.buffers.expressions import UnplannedError, Writer, assigned, unread
from codegen.buffers.indexing import gathered
from codegen.buffers.values import REAL, TRUTH, WHOLE, Instruction, Operand, broadcast, contiguous

BINARY = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.FloorDiv: "floor_divide",
    ast.Mod: "remainder",
    ast.BitAnd: "logical_and",
    ast.BitOr: "logical_or",
}
COMPARED = {
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}
SUFFIXES = {"add": "sum", "subtract": "difference", "multiply": "product", "divide": "quotient"}


def _constant(_: Writer, node: ast.Constant, __: Operand | None) -> Operand:
    return Operand(node, kind=WHOLE if isinstance(node.value, int) else REAL)


def _name(writer: Writer, node: ast.Name, _: Operand | None) -> Operand:
    if node.id not in writer.names:
        raise UnplannedError(node.id)
    return writer.names[node.id]


def _attribute(writer: Writer, node: ast.Attribute, _: Operand | None) -> Operand:
    text = ast.unparse(node)
    if text in writer.names:
        return writer.names[text]
    if text in ("np.inf", "np.pi", "np.e"):
        return Operand(node)
    inner = writer.visit(node.value)
    if node.attr != "T":
        raise UnplannedError(text)
    return views.transposed(inner, tuple(reversed(range(inner.rank))))


def _binary(writer: Writer, node: ast.BinOp, into: Operand | None) -> Operand:
    if isinstance(node.op, ast.MatMult):
        return matmul(writer, writer.visit(node.left), writer.visit(node.right), into)
    left = writer.visit(node.left, unread(into, node.right))
    right = writer.visit(node.right)
    plain = ast.BinOp(left.node, node.op, right.node)
    if isinstance(node.op, ast.Pow):
        return _power(writer, left, right, plain, into)
    function = BINARY[type(node.op)]
    kinds = {left.kind, right.kind}
    kind = REAL if REAL in kinds or function == "divide" else WHOLE if WHOLE in kinds else TRUTH
    return writer.elementwise(function, [left, right], kind, plain, into, SUFFIXES.get(function, "part"))


def _power(
    writer: Writer, base: Operand, exponent: Operand, plain: ast.expr, into: Operand | None
) -> Operand:
    """x**2 is np.square(x), x**0.5 np.sqrt(x): the loops that NumPy takes for these exponents."""
    value = exponent.node.value if isinstance(exponent.node, ast.Constant) else None
    if value == 2:
        return writer.elementwise("square", [base], base.kind, plain, into, "square")
    if value == 0.5:
        return writer.elementwise("sqrt", [base], REAL, plain, into, "root")
    return writer.elementwise("power", [base, exponent], REAL, plain, into, "power")


def _unary(writer: Writer, node: ast.UnaryOp, into: Operand | None) -> Operand:
    inner = writer.visit(node.operand, into)
    plain = ast.UnaryOp(node.op, inner.node)
    if isinstance(node.op, ast.Invert):
        return writer.elementwise("logical_not", [inner], TRUTH, plain, into, "mask")
    if isinstance(node.op, ast.USub):
        return writer.elementwise("negative", [inner], inner.kind, plain, into, "negative")
    return writer.expression(plain, (), TRUTH, [inner])


def _compare(writer: Writer, node: ast.Compare, into: Operand | None) -> Operand:
    left, right = writer.visit(node.left), writer.visit(node.comparators[0])
    plain = ast.Compare(left.node, node.ops, [right.node])
    function = COMPARED[type(node.ops[0])]
    return writer.elementwise(function, [left, right], TRUTH, plain, into, "mask")


def _bool(writer: Writer, node: ast.BoolOp, _: Operand | None) -> Operand:
    parts = [writer.visit(value) for value in node.values]
    if broadcast(*(part.axes for part in parts)):
        raise UnplannedError(ast.unparse(node))
    return writer.expression(ast.BoolOp(node.op, [part.node for part in parts]), (), TRUTH, parts)


def _subscript(writer: Writer, node: ast.Subscript, _: Operand | None) -> Operand:
    operand = writer.visit(node.value)
    view = views.subscripted(operand, node, writer.sized)
    if view is not None:
        return replace(view, node=ast.Subscript(operand.node, node.slice))
    return gathered(writer, operand, node)


def _tuple(writer: Writer, node: ast.Tuple, _: Operand | None) -> Operand:
    parts = [writer.visit(item) for item in node.elts]
    axes = (Integer(len(parts)),)
    return Operand(ast.Tuple([part.node for part in parts]), axes, contiguous(axes))


def _branch(writer: Writer, node: ast.IfExp, _: Operand | None) -> Operand:
    """A choice by a condition on sizes and steps: only the branch taken is computed."""
    test = writer.visit(node.test)
    head = ast.If(test.node, [ast.Pass()], [])
    writer.draft.instructions.append(Instruction(head, test.reads, depth=writer.depth))
    writer.depth += 1
    body = writer.settled(writer.visit(node.body))
    place = body if body.fresh else writer.array(body.axes, REAL, body, "branch")
    if body is not place:
        writer.emit(assigned("copyto", [place.node, body.node], None), [body], place)
    writer.depth -= 1
    otherwise = ast.Expr(ast.Name("else:"))  # ast has no statement for the second half of an `if`
    writer.draft.instructions.append(Instruction(otherwise, depth=writer.depth))
    writer.depth += 1
    other = writer.visit(node.orelse)
    writer.emit(assigned("copyto", [place.node, other.node], None), [other], place)
    writer.depth -= 1
    return place


OPERATIONS: Mapping[type[ast.expr], Callable[[Writer, Any, Operand | None], Operand]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.BoolOp: _bool,
    ast.Subscript: _subscript,
    ast.Call: call,
    ast.IfExp: _branch,
}

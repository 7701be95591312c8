"""Sums along the last axis, of elements or of products, in one pass: no array holds the products.

    (X * Y).sum(axis=2)         np.einsum("ijk,ijk->ij", X, Y, out=place)
    (X**2).mean(axis=1)         np.einsum("ij,ij->i", X, X, out=place)
                                place /= d
    X.mean(axis=1)              np.einsum("ij->i", X, out=place)
                                place /= d

NumPy adds short rows by halves, number by number; einsum with whole vectors.
"""

from __future__ import annotations

import ast

from codegen.buffers import views
from codegen.buffers.expressions import Writer, assigned
from codegen.buffers.operands import LETTERS, sum_spelled
from codegen.buffers.values import REAL, Operand, evaluated, same

SHORTEST, LONGEST = 16, 4096  # terms: with more of them halves have fewer roundings


def row_sum(writer: Writer, function: ast.Attribute, node: ast.Call) -> Operand | None:
    """The sum, or mean, along the last axis; None of anything else."""
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    if function.attr not in ("sum", "mean") or "axis" not in given or set(given) - {"axis", "keepdims"}:
        return None
    axis, factors = ast.literal_eval(given["axis"]), _factors(function.value)
    if not isinstance(axis, int) or not _is_one_pass(writer, [writer.tried(each) for each in factors], axis):
        return None
    parts = [writer.visit(each) for each in factors]
    place = writer.array(parts[0].axes[:-1], REAL, None, function.attr)
    arguments = [ast.Constant(sum_spelled(parts[0].rank, len(parts))), *(part.node for part in parts)]
    options = [ast.keyword("out", place.node)]
    function_node = ast.Attribute(ast.Name("np"), "einsum")
    writer.emit(ast.Expr(ast.Call(function_node, arguments, options)), parts, place)
    if function.attr == "mean":
        count = writer.size_node(parts[0].axes[-1])
        writer.emit(assigned("divide", [place.node, count], place.node), [place], place)
    return _with_an_axis(writer, place) if "keepdims" in given else place


def _factors(value: ast.expr) -> list[ast.expr]:
    """X and Y of X * Y, X and X of X**2, else the value itself."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult):
        return [value.left, value.right]
    square = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Pow)
    if isinstance(value, ast.BinOp) and square and ast.unparse(value.right) == "2" and _is_plain(value.left):
        return [value.left, value.left]
    return [value]


def _is_plain(node: ast.expr) -> bool:
    """Whether nothing is computed: twice is as good as once."""
    return isinstance(node, ast.Name | ast.Attribute) or (
        isinstance(node, ast.Subscript) and _is_plain(node.value)
    )


def _is_one_pass(writer: Writer, parts: list[Operand], axis: int) -> bool:
    """Whether all have all axes, the last one without gaps in memory, neither short nor very long."""
    first = parts[0]
    if not 1 < first.rank <= len(LETTERS) or axis != first.rank - 1 or writer.small(first.axes[:-1]):
        return False
    alike = all(same(part.axes, first.axes) and part.kind == REAL and not part.repeats for part in parts)
    straight = all(part.strides[-1] == 1 for part in parts)
    return alike and straight and SHORTEST <= evaluated(first.axes[-1], writer.sizes) <= LONGEST


def _with_an_axis(writer: Writer, place: Operand) -> Operand:
    """S[:, :, None]."""
    marks: list[ast.expr] = [*(ast.Slice() for _ in place.axes), ast.Constant(None)]
    view = views.subscripted(place, ast.Subscript(place.node, ast.Tuple(marks)), writer.sized)
    assert view is not None
    return view

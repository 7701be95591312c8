"""A line by its operands: what a function is called on, and where its result is put.

R[l] /= c                               divide   R[l], c       in R[l]
np.matmul(A, B.transpose(0, 2, 1), out=R)        A, B..        in R
E.sum(axis=2, keepdims=True, out=S)     sum      E             in S
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from codegen.buffers.values import ONE, Axes, Operand

LETTERS = ascii_lowercase[8:]
IN_PLACE: Mapping[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
}


@dataclass(frozen=True)
class Line:
    """A call with a place for its result; `where` limits what is written, a reduction runs over `axis`."""

    function: str
    parts: tuple[ast.expr, ...]
    place: ast.expr
    where: ast.expr | None = None
    axis: int | None = None

    @property
    def operands(self) -> tuple[ast.expr, ...]:
        return (*self.parts, self.place, *([] if self.where is None else [self.where]))


def line_of(node: ast.stmt) -> Line | None:
    """The line that a statement is; None where it is none of a function with a place."""
    if isinstance(node, ast.AugAssign):
        function = IN_PLACE.get(type(node.op))
        return None if function is None else Line(function, (node.target, node.value), node.target)
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return None
    call, text = node.value, ast.unparse(node.value.func)
    options = {keyword.arg or "": keyword.value for keyword in call.keywords}
    if text == "np.copyto":
        return Line("copyto", (call.args[1],), call.args[0], options.get("where"))
    if text == "kept_where":
        return Line(text, tuple(call.args[:2]), call.args[2])
    return _line_into(call, text, options) if "out" in options else None


def _line_into(call: ast.Call, text: str, options: Mapping[str, ast.expr]) -> Line | None:
    """The line of a call with `out`."""
    if text == "np.einsum":
        rank = rank_of_sum(call)
        return Line(text[3:], tuple(call.args[1:]), options["out"], axis=rank - 1) if rank else None
    if text.startswith("np."):
        return Line(text[3:], tuple(call.args), options["out"]) if len(options) == 1 else None
    if not isinstance(call.func, ast.Attribute) or "axis" not in options:
        return None
    axis = ast.literal_eval(options["axis"])
    whole = axis if isinstance(axis, int) else None
    return Line(call.func.attr, (call.func.value,), options["out"], axis=whole)


def sum_spelled(rank: int, factors: int) -> str:
    """ijk->ij, ijk,ijk->ij: a sum along the last axis, of elements or of products."""
    letters = LETTERS[:rank]
    return f"{','.join([letters] * factors)}->{letters[:-1]}"


def rank_of_sum(call: ast.Call) -> int:
    """The axes of what such a sum reads, 0 of another np.einsum."""
    spelled, factors = str(ast.literal_eval(call.args[0])), len(call.args) - 1
    rank = len(spelled.partition("->")[2]) + 1
    return rank if spelled == sum_spelled(rank, factors) else 0


def replaced(node: ast.stmt, before: Sequence[ast.expr], after: Sequence[ast.expr]) -> ast.stmt:
    """The statement with other operands."""
    found = _Replaced(dict(zip(map(id, before), after, strict=True))).visit(node)
    assert isinstance(found, ast.stmt)
    return found


class _Replaced(ast.NodeTransformer):
    def __init__(self, others: Mapping[int, ast.expr]) -> None:
        self.others = others

    def visit(self, node: ast.AST) -> ast.AST:
        other = self.others.get(id(node))
        return self.generic_visit(node) if other is None else other


def items_of(node: ast.Subscript) -> list[ast.expr]:
    """The indices of a subscript."""
    return node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]


def is_mark(item: ast.expr) -> bool:
    """Whether an index is a slice or a new axis."""
    return isinstance(item, ast.Slice) or (isinstance(item, ast.Constant) and item.value is None)


def order_of_transpose(node: ast.expr) -> list[int] | None:
    """The order of X.transpose(0, 2, 1)."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    return [ast.literal_eval(k) for k in node.args] if node.func.attr == "transpose" else None


def axes_of(node: ast.expr, names: Mapping[str, Operand]) -> Axes | None:
    """The axes of an operand: an array, a part of one, one in another order; None of anything else."""
    if isinstance(node, ast.Constant) or ast.unparse(node) in ("np.inf", "-np.inf"):
        return ()
    if isinstance(node, ast.Name | ast.Attribute):
        held = names.get(ast.unparse(node))
        return None if held is None else held.axes
    if isinstance(node, ast.BinOp):
        both = axes_of(node.left, names), axes_of(node.right, names)
        return () if both == ((), ()) else None
    order = order_of_transpose(node)
    if order is not None and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        inner = axes_of(node.func.value, names)
        return None if inner is None else tuple(inner[k] for k in order)
    return _axes_of_part(node, names) if isinstance(node, ast.Subscript) else None


def _axes_of_part(node: ast.Subscript, names: Mapping[str, Operand]) -> Axes | None:
    inner = axes_of(node.value, names)
    items = items_of(node)
    if len(set(map(is_mark, items))) > 1:
        return None
    if inner is None or any(axes_of(item, names) != () for item in items if not is_mark(item)):
        return None
    rest, axes = list(inner), []
    for item in items:
        if isinstance(item, ast.Constant) and item.value is None:
            axes.append(ONE)
        elif not isinstance(item, ast.Slice):
            rest.pop(0)
        elif ast.unparse(ast.Subscript(ast.Name("X"), item)) == "X[:]":
            axes.append(rest.pop(0))
        else:
            return None
    return (*axes, *rest)

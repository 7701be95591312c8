"""Calls: functions of elements, reductions, branches, copies, windows."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product as iterated

from sympy import Expr, Integer

from codegen.buffers import views
from codegen.buffers.branches import where
from codegen.buffers.contractions import einsum, product_of
from codegen.buffers.expressions import UnplannedError, Writer, assigned, unread
from codegen.buffers.overlaps import overlapped
from codegen.buffers.sums import row_sum
from codegen.buffers.values import (
    ONE,
    REAL,
    TRUTH,
    WHOLE,
    Axes,
    Operand,
    Value,
    contiguous,
    elements,
    order_of,
    same,
)
from codegen.buffers.windows import copied, windows
from codegen.printers.to_numpy import INTO

ELEMENTWISE = frozenset(
    {"exp", "log", "tanh", "sinh", "cosh", "sin", "cos", "tan", "sign", "expm1"}
    | {"arctan", "arcsin", "arccos", "sqrt", "maximum", "minimum", "clip"}
)
REDUCTIONS = frozenset({"sum", "max", "min", "mean"})


def call(writer: Writer, node: ast.Call, into: Operand | None) -> Operand:
    """A call by what is called: np.f(...), x.f(...), f(...)."""
    text = ast.unparse(node.func)
    if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "np":
        return _numpy(writer, text[3:], node, into)
    if isinstance(node.func, ast.Attribute):
        return _method(writer, node.func, node, into)
    if text == "dot":
        left, right = (writer.visit(argument) for argument in node.args)
        return product_of(writer, left, right, into)
    if text in INTO:
        return _elementwise(writer, text, node, into)
    if text == "windows":
        return windows(writer, node)
    if text == "float":
        part = writer.visit(node.args[0])
        return writer.expression(ast.Call(node.func, [part.node], []), (), REAL, [part])
    raise UnplannedError(ast.unparse(node))


def _numpy(writer: Writer, name: str, node: ast.Call, into: Operand | None) -> Operand:
    if name in ELEMENTWISE or name in ("abs", "isfinite"):
        return _elementwise(writer, name, node, into)
    found = _NAMED.get(name)
    if found is None:
        raise UnplannedError(ast.unparse(node))
    return found(writer, node, into)


def _elementwise(writer: Writer, name: str, node: ast.Call, into: Operand | None) -> Operand:
    first, *others = node.args
    parts = [writer.visit(first, unread(into, *others)), *map(writer.visit, others)]
    plain = ast.Call(node.func, [part.node for part in parts], [])
    kind = TRUTH if name == "isfinite" else REAL
    return writer.elementwise(name, parts, kind, plain, into, name)


def _of_sizes(writer: Writer, node: ast.Call, _: Operand | None) -> Operand:
    """np.arange(n), np.tri(n, dtype=bool)."""
    size = writer.sized(node.args[0])
    if size is None or len(node.args) > 1:
        raise UnplannedError(ast.unparse(node))
    tri = ast.unparse(node.func) == "np.tri"
    axes = (size, size) if tri else (size,)
    return Operand(node, axes, contiguous(axes), TRUTH if tri else WHOLE)


def _einsum(writer: Writer, node: ast.Call, into: Operand | None) -> Operand:
    spelled = node.args[0]
    assert isinstance(spelled, ast.Constant)
    added = overlapped(writer, str(spelled.value), node.args[1:])
    if added is not None:
        return added
    return einsum(writer, str(spelled.value), [_factor(writer, part) for part in node.args[1:]], into)


def _factor(writer: Writer, node: ast.expr) -> Operand:
    """A factor of a contraction; windows are copied side by side, as a product of matrices reads them."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "windows":
        return copied(writer, node)
    return writer.visit(node)


def _broadcast_to(writer: Writer, node: ast.Call, _: Operand | None) -> Operand:
    part, axes = writer.visit(node.args[0]), _shape(writer, node.args[1])
    lead = len(axes) - part.rank
    strides = tuple(
        Integer(0) if k < lead or part.axes[k - lead] != n else part.strides[k - lead]
        for k, n in enumerate(axes)
    )
    return replace(
        part,
        node=ast.Call(node.func, [part.node, node.args[1]], []),
        axes=axes,
        strides=strides,
        fresh=False,
    )


def _concatenate(writer: Writer, node: ast.Call, _: Operand | None) -> Operand:
    """np.concatenate((A, B), axis=1, out=place)."""
    options = {keyword.arg: keyword.value for keyword in node.keywords}
    if not isinstance(node.args[0], ast.Tuple) or set(options) - {"axis"}:
        raise UnplannedError(ast.unparse(node))
    parts = [writer.settled(writer.visit(item)) for item in node.args[0].elts]
    axis = int(ast.literal_eval(options["axis"])) if "axis" in options else 0
    if axis < 0 or any(part.kind != REAL for part in parts):
        raise UnplannedError(ast.unparse(node))
    axes = list(parts[0].axes)
    axes[axis] = sum((part.axes[axis] for part in parts), Integer(0))
    place = writer.array(tuple(axes), REAL, None, "joined")
    joined = ast.Tuple([part.node for part in parts])
    keywords = [*node.keywords, ast.keyword("out", place.node)]
    writer.emit(ast.Expr(ast.Call(node.func, [joined], keywords)), parts, place)
    return place


def _full(writer: Writer, node: ast.Call, _: Operand | None) -> Operand:
    axes = _shape(writer, node.args[0])
    value = writer.visit(node.args[1]) if ast.unparse(node.func) == "np.full" else Operand(ast.Constant(0))
    place = writer.array(axes, REAL)
    writer.emit(ast.Expr(views.method(place.node, "fill", value.node)), [value], place)
    return place


def _shape(writer: Writer, node: ast.expr) -> Axes:
    items = node.elts if isinstance(node, ast.Tuple) else [node]
    sizes = [writer.sized(item) for item in items]
    if any(size is None for size in sizes):
        raise UnplannedError(ast.unparse(node))
    return tuple(size for size in sizes if size is not None)


def _method(writer: Writer, function: ast.Attribute, node: ast.Call, into: Operand | None) -> Operand:
    summed = row_sum(writer, function, node) if into is None and function.attr in REDUCTIONS else None
    if summed is not None:
        return summed
    operand = writer.visit(function.value)
    if function.attr in REDUCTIONS:
        return reduction(writer, operand, function.attr, node, into)
    if function.attr == "transpose":
        return views.transposed(operand, [int(ast.literal_eval(item)) for item in node.args])
    if function.attr == "reshape":
        return _reshaped(writer, operand, node)
    if function.attr == "repeat":
        return _repeated(operand, node)
    if function.attr in ("copy", "astype"):
        if writer.stays(operand.axes, [operand]):
            plain = ast.Call(ast.Attribute(operand.node, function.attr), node.args, [])
            return writer.expression(plain, operand.axes, REAL, [operand])
        place = into or writer.array(operand.axes, REAL, operand, "copy")
        writer.emit(
            assigned("copyto", [place.node, operand.node], None),
            [operand],
            place,
            [operand] if writer.alike(operand, place) else [],
        )
        return place
    raise UnplannedError(ast.unparse(node))


def _reshaped(writer: Writer, operand: Operand, node: ast.Call) -> Operand:
    """An array in another shape: a view where memory lies so for every stride in use, else of a copy."""
    axes = _shape(writer, ast.Tuple(node.args))
    split = views.split(operand, axes) or views.grouped(operand, axes)
    if split is None and not same(operand.strides, contiguous(operand.axes)):
        operand = writer.copied(operand, "rows")
    plain = views.method(operand.node, "reshape", *node.args)
    strides = contiguous(axes) if split is None else split
    return replace(operand, node=plain, axes=axes, strides=strides, fresh=False)


def _repeated(operand: Operand, node: ast.Call) -> Operand:
    """X.repeat(2, axis=1): each place along the axis twice in turn, in a view."""
    count, axis = ast.literal_eval(node.args[0]), ast.literal_eval(node.keywords[0].value)
    counts = list(operand.repeats or [1] * operand.rank)
    counts[axis] *= count
    once = operand.node if operand.once is None else operand.once
    axes = tuple(n * count if k == axis else n for k, n in enumerate(operand.axes))
    plain = ast.Call(ast.Attribute(operand.node, "repeat"), node.args, node.keywords)
    return replace(operand, node=plain, axes=axes, fresh=False, repeats=tuple(counts), once=once)


def reduction(writer: Writer, operand: Operand, name: str, node: ast.Call, into: Operand | None) -> Operand:
    """A.sum(axis=1, out=place)."""
    options = {keyword.arg or "": keyword.value for keyword in node.keywords}
    given = ast.literal_eval(options["axis"]) if "axis" in options else tuple(range(operand.rank))
    over = (given,) if isinstance(given, int) else tuple(given)
    keep = "keepdims" in options
    axes: tuple[Expr, ...] = tuple(
        ONE if k in over else n for k, n in enumerate(operand.axes) if keep or k not in over
    )
    plain = ast.Call(ast.Attribute(operand.node, name), [], list(node.keywords))
    if into is None and writer.stays(axes, [operand]):
        return writer.expression(plain, axes, REAL, [operand])
    if into is not None and same(into.axes, axes):
        place = into
    else:
        value = Value("", axes, _order_left(writer, operand, over, keep), REAL)
        place = writer.array(axes, REAL, value.operand(), name)
    few = isinstance(elements(tuple(operand.axes[k] for k in over)), Integer)
    exact = name in ("max", "min") or (name == "sum" and operand.kind == TRUTH)
    if few and exact and not keep and len(over) > 1 and into is None:
        return _unrolled(writer, operand, name, over, place)
    plain.keywords.append(ast.keyword("out", place.node))
    writer.emit(ast.Expr(plain), [operand], place)
    return place


def _unrolled(writer: Writer, operand: Operand, name: str, over: tuple[int, ...], place: Operand) -> Operand:
    """A reduction over a few places, place by place: a loop over long axes instead of one over short ones."""
    first: ast.expr | None = None
    for number, places in enumerate(iterated(*(range(int(operand.axes[k])) for k in over))):
        fixed = dict(zip(over, places, strict=True))
        items: list[ast.expr] = [
            ast.Constant(fixed[k]) if k in fixed else ast.Slice() for k in range(operand.rank)
        ]
        part = ast.Subscript(operand.node, ast.Tuple(items))
        if name == "sum":
            statement = assigned(
                "add" if number else "copyto", [place.node, part], place.node if number else None
            )
        elif number == 0:
            first = part
            continue
        else:
            before = first if number == 1 and first is not None else place.node
            statement = assigned({"max": "maximum", "min": "minimum"}[name], [before, part], place.node)
        writer.emit(statement, [operand, *([place] if number > 1 else [])], place)
    return place


def _order_left(writer: Writer, operand: Operand, over: tuple[int, ...], keep: bool) -> tuple[int, ...]:
    """The order in memory of the axes that a reduction leaves."""
    order = order_of(operand, writer.sizes)
    left = [k for k in range(operand.rank) if keep or k not in over]
    return tuple(left.index(k) for k in order if k in left)


_NAMED: Mapping[str, Callable[[Writer, ast.Call, Operand | None], Operand]] = {
    "arange": _of_sizes,
    "tri": _of_sizes,
    "where": where,
    "einsum": _einsum,
    "broadcast_to": _broadcast_to,
    "concatenate": _concatenate,
    "full": _full,
    "zeros": _full,
}

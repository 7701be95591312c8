"""Windows as views: the array, padded with what lies outside where a window reaches beyond, and strides.

windows(windows(X, 3, W, 5, start=-2), 2, H, 5, start=-2)

padded.fill(0)
padded[:, :, 2:H + 2, 2:W + 2] = X
window_view(window_view(padded, 3, W, 5), 2, H, 5)
"""

from __future__ import annotations

import ast
from dataclasses import replace

from sympy import Expr, Integer, Max, Min, expand

from codegen.buffers import views
from codegen.buffers.expressions import UnplannedError, Writer, assigned
from codegen.buffers.values import REAL, Axes, Operand


def windows(writer: Writer, node: ast.Call) -> Operand:
    """The nested calls at once: one copy for all padded axes, then views."""
    return _viewed(writer, *read(writer, node))


def read(writer: Writer, node: ast.Call) -> tuple[Operand, list[Window]]:
    """The array whose windows nested calls read, and the axes, the innermost call first."""
    calls = []
    inner: ast.expr = node
    while isinstance(inner, ast.Call) and ast.unparse(inner.func) == "windows":
        calls.append(inner)
        inner = inner.args[0]
    operand = writer.visit(inner)
    return operand, [Window.of(writer, call) for call in reversed(calls)]


def _viewed(writer: Writer, operand: Operand, specs: list[Window]) -> Operand:
    operand, specs = _padded(writer, operand, specs)
    for spec in specs:
        operand = _view(writer, operand, spec)
    writer.functions.add("window_view")
    return operand


def copied(writer: Writer, node: ast.Call) -> Operand:
    """The windows side by side: offsets outside of places, examples innermost, so that long runs are copied.

    Two contractions that read the same windows share the copy.
    """
    source, specs = read(writer, node)
    order = _order(writer, source, specs)
    key = _key(writer, source, specs)
    known = writer.copies.get(key)
    if known is not None and not any(
        line.writes & source.reads for line in writer.draft.instructions[known[0] :]
    ):
        return views.transposed(known[1], [order.index(k) for k in range(len(order))])
    view = views.transposed(_viewed(writer, source, specs), order)
    place = writer.array(view.axes, REAL, None, "windows")
    writer.emit(assigned("copyto", [place.node, view.node], None), [view], place)
    place = replace(place, fresh=False)
    if writer.depth == 0:
        writer.copies[key] = len(writer.draft.instructions), place
    return views.transposed(place, [order.index(k) for k in range(len(order))])


def _order(writer: Writer, source: Operand, specs: list[Window]) -> list[int]:
    """Which axis of the view stands where in the copy."""
    windowed = {spec.axis: spec for spec in specs}
    others: list[int] = []
    offsets: list[int] = []
    places: list[int] = []
    examples: list[int] = []
    at = 0
    for axis, size in enumerate(source.axes):
        if axis in windowed:
            near, far = _nearer(writer, windowed[axis])
            offsets.append(at + near)
            places.append(at + far)
        else:
            (examples if size == writer.batch else others).append(at)
        at += 2 if axis in windowed else 1
    return [*others, *offsets, *places, *examples]


def _nearer(writer: Writer, spec: Window) -> tuple[int, int]:
    """Which of a window's two axes is the shorter one: the offsets."""
    shorter = writer.count((spec.size,)) <= writer.count((spec.count,))
    return (1, 0) if shorter else (0, 1)


def _key(writer: Writer, source: Operand, specs: list[Window]) -> tuple[object, ...]:
    """What two copies have in common that are the same."""
    parts = []
    for spec in sorted(specs, key=lambda spec: spec.axis):
        pairs = ((spec.step, spec.count), (spec.reach, spec.size))
        near, far = _nearer(writer, spec)
        outside = ast.dump(spec.outside)
        parts.append((spec.axis, pairs[near], pairs[far], spec.start, spec.spread, outside))
    return (ast.dump(source.node), *parts)


class Window:
    """One axis: step i + reach j + start, for i < count, j < size."""

    def __init__(self, axis: int, sizes: list[Expr], options: dict[str, Expr], outside: ast.expr) -> None:
        self.axis, (self.count, self.size) = axis, sizes
        self.step, self.reach = options["step"], options["reach"]
        self.start, self.spread = options["start"], options["spread"]
        self.outside = outside

    @classmethod
    def of(cls, writer: Writer, call: ast.Call) -> Window:
        given = {keyword.arg or "": keyword.value for keyword in call.keywords}
        outside = given.pop("outside", ast.Constant(0))
        options = {"step": Integer(1), "reach": Integer(1), "start": Integer(0), "spread": Integer(1)}
        sized = {name: writer.sized(value) for name, value in given.items()}
        sizes = [writer.sized(argument) for argument in call.args[2:4]]
        if any(size is None for size in [*sizes, *sized.values()]):
            raise UnplannedError(ast.unparse(call))
        options |= {name: value for name, value in sized.items() if value is not None}
        axis = ast.literal_eval(call.args[1])
        return cls(int(axis), [size for size in sizes if size is not None], options, outside)

    @property
    def lowest(self) -> Expr:
        return expand(self.start + _least(self.step, self.count) + _least(self.reach, self.size))

    @property
    def highest(self) -> Expr:
        return expand(self.start + _most(self.step, self.count) + _most(self.reach, self.size))


def _least(slope: Expr, count: Expr) -> Expr:
    return slope * (count - 1) if slope.is_negative else Integer(0)


def _most(slope: Expr, count: Expr) -> Expr:
    return slope * (count - 1) if slope.is_positive else Integer(0)


def _padded(writer: Writer, operand: Operand, specs: list[Window]) -> tuple[Operand, list[Window]]:
    """The array with room for every place that a window reads."""
    if any(spec.spread != 1 for spec in specs):
        raise UnplannedError("windows with a spread")
    low = {spec.axis: expand(Max(0, -spec.lowest)) for spec in specs}
    high = {spec.axis: expand(Max(0, spec.highest - operand.axes[spec.axis] + 1)) for spec in specs}
    if any(part.has(Max, Min) for part in (*low.values(), *high.values())):
        raise UnplannedError("windows that may reach outside")
    if not any(low.values()) and not any(high.values()):
        return operand, specs
    axes = tuple(n + low.get(k, 0) + high.get(k, 0) for k, n in enumerate(operand.axes))
    place = writer.laid(axes, _examples_last(writer, axes), "padded")
    fill = ast.Expr(views.method(place.node, "fill", specs[0].outside))
    writer.emit(fill, [], place)
    inside: list[ast.expr] = []
    for k, n in enumerate(operand.axes):
        begin = low.get(k, Integer(0))
        whole = begin == 0 and high.get(k, 0) == 0
        inside.append(
            ast.Slice() if whole else ast.Slice(writer.size_node(begin), writer.size_node(begin + n))
        )
    target = ast.Subscript(place.node, ast.Tuple(inside))
    writer.emit(ast.Assign([target], operand.node), [operand, place], place)
    for spec in specs:
        spec.start = expand(spec.start + low[spec.axis])
    return replace(place, fresh=False), specs


def _examples_last(writer: Writer, axes: Axes) -> tuple[int, ...]:
    """The axes as they are, that of the examples innermost: windows next to each other are one run then."""
    return tuple(sorted(range(len(axes)), key=lambda k: (axes[k] == writer.batch, k)))


def _view(writer: Writer, operand: Operand, spec: Window) -> Operand:
    """window_view(X, axis, count, size, step, reach, start)."""
    numbers = [spec.count, spec.size, spec.step, spec.reach, spec.start]
    node = ast.Call(
        ast.Name("window_view"),
        [operand.node, ast.Constant(spec.axis), *(writer.size_node(number) for number in numbers)],
        [],
    )
    stride = operand.strides[spec.axis]
    before, after = slice(None, spec.axis), slice(spec.axis + 1, None)
    axes = (*operand.axes[before], spec.count, spec.size, *operand.axes[after])
    steps = (stride * spec.step, stride * spec.reach)
    strides = (*operand.strides[before], *map(expand, steps), *operand.strides[after])
    return replace(operand, node=node, axes=axes, strides=strides, fresh=False)

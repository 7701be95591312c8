"""The value of each symbolic size, found from the shapes of the inputs.

X (m, n) of shape (5, 20) gives m = 5, n = 20; a composite axis is solved for its one unknown:
2*c of length 6 gives c = 3. Every axis is then compared; the error names tensor, axis and both sizes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sympy import Expr, Integer

from derive.calculus.expressions.nodes import FloorDiv, Remainder
from derive.calculus.expressions.tensor import Axis, Size, Tensor, refs
from derive.calculus.program.program import Program
from derive.errors import DeriveError

Shapes = Mapping[str, tuple[int, ...]]


def infer_sizes(program: Program, shapes: Shapes, given: Mapping[str, int] | None = None) -> dict[str, int]:
    """The sizes of a program from its inputs' shapes; `given` adds those that no axis shows."""
    sizes = dict(given or {})
    origin = dict.fromkeys(sizes, "the sizes given")
    pending = [
        (tensor, axis, length) for tensor, axis, length in _axes(program, shapes) if not refs(axis.size)
    ]
    while True:
        solved = [entry for entry in pending if _solve(entry, sizes, origin)]
        if not solved:
            break
    for tensor, axis, length in pending:
        _compare(program, (tensor, axis, length), sizes, origin)
    return sizes


def whole(expression: Expr, sizes: Mapping[str, int]) -> int | None:
    """The value of a size without data, None where a size is unknown."""
    known = {Size(name): Integer(value) for name, value in sizes.items()}
    value = _computed(expression.xreplace(known))
    return int(value) if value.is_Integer else None


def _computed(expression: Expr) -> Expr:
    """xreplace does not reach the constructors of unevaluated nodes: rebuild them."""
    if not expression.has(FloorDiv, Remainder):
        return expression
    return expression.func(*(_computed(argument) for argument in expression.args))


def _axes(program: Program, shapes: Shapes) -> Iterator[tuple[Tensor, Axis, int]]:
    for tensor in program.inputs:
        if tensor.name not in shapes:
            raise DeriveError(f"{program.name} needs the input {tensor}, which is missing")
        shape = shapes[tensor.name]
        if len(shape) != len(tensor.axes):
            raise DeriveError(
                f"{program.name}: {tensor} has {len(tensor.axes)} axes but the array given has shape {shape}"
            )
        yield from ((tensor, axis, length) for axis, length in zip(tensor.axes, shape, strict=True))


def _solve(entry: tuple[Tensor, Axis, int], sizes: dict[str, int], origin: dict[str, str]) -> bool:
    """Find the one unknown of an axis whose size is linear in it."""
    tensor, axis, length = entry
    unknown = [size for size in axis.size.atoms(Size) if size.name not in sizes]
    if len(unknown) != 1:
        return False
    symbol = unknown[0]
    values = [whole(axis.size, {**sizes, symbol.name: trial}) for trial in (0, 1, 2)]
    if None in values:
        return False
    start, step = values[0], values[1] - values[0]  # type: ignore[operator]
    if values[2] - values[1] != step or step == 0 or (length - start) % step:  # type: ignore[operator]
        return False
    sizes[symbol.name] = (length - start) // step  # type: ignore[operator]
    origin[symbol.name] = str(tensor)
    return True


def _compare(
    program: Program, entry: tuple[Tensor, Axis, int], sizes: Mapping[str, int], origin: Mapping[str, str]
) -> None:
    tensor, axis, length = entry
    expected = whole(axis.size, sizes)
    if expected is None:
        missing = sorted(size.name for size in axis.size.atoms(Size) if size.name not in sizes)
        raise DeriveError(f"{program.name}: no input shows the size {', '.join(missing)}; give it in sizes")
    if expected != length:
        sources = ", ".join(sorted({origin[size.name] for size in axis.size.atoms(Size)}))
        raise DeriveError(
            f"{program.name}: axis {axis} is {length} in {tensor} but {expected} "
            f"in {sources or 'the definition'}; make the two equal"
        )

"""A plain function's body rewritten: instructions in order, rooms of arrays, what depends on sizes alone."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sympy import Expr

from codegen.buffers.blocks import in_blocks
from codegen.buffers.expressions import Writer
from codegen.buffers.rooms import Room, rooms
from codegen.buffers.statements import write
from codegen.buffers.values import REAL, TRUTH, WHOLE, Draft, Operand, Value, contiguous
from codegen.printers.numpy_numbers import Scalars
from codegen.printers.numpy_text import Code
from codegen.printers.to_numpy import NumpyPrinter
from codegen.statements.function import laid_out, size_lines
from codegen.statements.lines import Line
from derive.calculus.expressions.tensor import Kind, Size, Tensor

LOOPS = ("parts", "triangle_rows", "triangle_columns")


@dataclass(frozen=True)
class Planned:
    """The lines of the body after `require_labels`; the rooms; constants by name."""

    lines: tuple[str, ...]
    rooms: tuple[Room, ...]
    constants: Mapping[str, str]
    functions: frozenset[str] = frozenset()

    @property
    def arrays(self) -> tuple[Value, ...]:
        """Every array, room after room."""
        return tuple(life.value for room in self.rooms for life in room.lives)

    @property
    def names(self) -> tuple[str, ...]:
        return (*(value.name for value in self.arrays), *self.constants)


def planned(
    lines: Sequence[str],
    tensors: Mapping[str, Tensor],
    names: Mapping[str, str],
    arguments: Sequence[Tensor],
    sizes: Mapping[str, int],
    batch: str,
    scalars: Sequence[str] = (),
) -> Planned:
    """The body with a place for every array. `arguments` are what the caller owns."""
    body = ast.parse("if True:\n" + "\n".join(lines)).body[0]
    assert isinstance(body, ast.If)
    given = {names.get(tensor.name, tensor.name): _given(tensor, names) for tensor in arguments}
    given |= {name: Operand(ast.Name(name)) for name in scalars}
    numbers: dict[Expr, int] = {Size(name): value for name, value in sizes.items()}
    writer = Writer(Draft(), given, numbers, Size(batch))
    write(writer, body.body, tensors)
    draft = writer.draft
    kept = draft.instructions[-1].reads if draft.instructions else frozenset()
    in_blocks(draft, writer.names, Size(batch), numbers, kept)
    found = rooms(draft, kept, numbers)
    constants = {name: ast.unparse(node) for name, node in draft.constants.items()}
    sized = _sizes(draft, arguments, names)
    return Planned((*sized, *_text(draft)), tuple(found), constants, frozenset({*writer.functions, *LOOPS}))


def _sizes(draft: Draft, arguments: Sequence[Tensor], names: Mapping[str, str]) -> list[str]:
    """Sizes that only the rewritten lines name."""
    stored = {
        node.id
        for line in draft.instructions
        if isinstance(line.node, ast.Assign)
        for target in line.node.targets
        for node in ([target, *target.elts] if isinstance(target, ast.Tuple) else [target])
        if isinstance(node, ast.Name)
    }
    letters = {
        symbol.name
        for tensor in arguments
        for extent in tensor.shape
        for symbol in extent.free_symbols
        if isinstance(symbol, Size)
    }
    missing = (letters & _loaded(draft)) - stored
    return [f"    {line}" for line in size_lines(missing, arguments, NumpyPrinter(names))[0]]


def _given(tensor: Tensor, names: Mapping[str, str]) -> Operand:
    node = ast.parse(names.get(tensor.name, tensor.name), mode="eval").body
    kind = {Kind.INTEGER: WHOLE, Kind.MASK: TRUTH}.get(tensor.kind, REAL)
    return Operand(node, tensor.shape, contiguous(tensor.shape), kind)


def _text(draft: Draft) -> list[str]:
    """The lines, the shape of an array beside the line that writes it first."""
    written: set[str] = set()
    lines = []
    loaded = _loaded(draft)
    for instruction in draft.instructions:
        node = instruction.node
        if _is_idle(node, loaded):
            continue
        text = ast.unparse(ast.fix_missing_locations(node))
        if isinstance(node, ast.For | ast.If):
            text = text.split("\n")[0]
        new = [name for name in instruction.writes if name in draft.values and name not in written]
        written |= set(new)
        comment = shape_text(draft.values[new[0]].axes) if new else ""
        lines.append(Line(text, comment, instruction.depth))
    return list(laid_out(lines))


def _loaded(draft: Draft) -> set[str]:
    """The names that instructions read."""
    stored = {
        id(target)
        for line in draft.instructions
        if isinstance(line.node, ast.Assign)
        for item in line.node.targets
        for target in (item.elts if isinstance(item, ast.Tuple) else [item])
    }
    return {
        node.id
        for line in draft.instructions
        for node in ast.walk(line.node)
        if isinstance(node, ast.Name) and id(node) not in stored
    }


def _is_idle(node: ast.stmt, loaded: set[str]) -> bool:
    """Whether a line names a size, or a view, that nothing reads any more."""
    if not isinstance(node, ast.Assign):
        return False
    items = [
        t for target in node.targets for t in (target.elts if isinstance(target, ast.Tuple) else [target])
    ]
    return all(isinstance(item, ast.Name) and item.id not in loaded for item in items)


def shape_text(axes: Sequence[Expr]) -> str:
    """(m, d)."""
    scalars = Scalars(lambda ref: Code(str(ref)))
    listed = ", ".join(scalars.code(extent).text for extent in axes)
    return f"({listed},)" if len(axes) == 1 else f"({listed})"

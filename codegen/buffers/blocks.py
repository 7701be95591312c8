"""Runs of elementwise lines, example by example, so that what one line writes is in cache for the next.

    np.multiply(F[l], F[l], out=A2)            for i in range(m):
    A2 *= F[l]                                     np.multiply(F[l, i], F[l, i], out=A2)
    np.exp(A2, out=E[l])                           A2 *= F[l, i]
                                                   np.exp(A2, out=E[l, i])

Where an example is larger than a cache too, slices of its next axis are taken:

    for i in range(m):
        for rows, part in parts(T, 65536 // f):
            np.multiply(F[l, i, rows], F[l, i, rows], out=A2[part])

On a triangle of places (`triangles`) bands of its rows, or of its columns, are taken:

        for rows, columns in triangle_rows(T, 64):
            np.exp(E[:, rows, columns], out=E[:, rows, columns])

An array that only the lines of one loop use holds one example.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sympy import Expr

from codegen.buffers.runs import BAND, Finder, Run
from codegen.buffers.slices import HELD, ROWS
from codegen.buffers.triangles import COLUMNS
from codegen.buffers.values import Draft, Instruction, Loop, Operand, Value, elements, evaluated
from codegen.printers.numpy_numbers import Scalars
from codegen.printers.numpy_text import Code

SLICE = 65_536  # elements of a slice
TRIANGLES = {ROWS: ((ROWS, COLUMNS), "triangle_rows"), COLUMNS: ((COLUMNS, ROWS), "triangle_columns")}


def in_blocks(
    draft: Draft, names: Mapping[str, Operand], batch: Expr, sizes: Mapping[Expr, int], kept: frozenset[str]
) -> None:
    """Put the runs of a draft into loops over the examples."""
    names = {**names, **{name: value.operand() for name, value in draft.values.items()}}
    index = next(letter for letter in ("i", "j", "i_example") if letter not in names)
    runs = Finder(draft, names, batch, sizes, kept, index).runs()
    groups = list(_groups(runs))
    own = {name for group in groups for name in _own(group, draft, kept)}
    inside = {number: run for run in runs for number in run.numbers}
    ends = {group[0].first: group[-1].last for group in groups}
    instructions: list[Instruction] = []
    starts: dict[int, int] = {}
    moved: dict[int, int] = {}
    opened: list[tuple[int, int]] = []
    for number, line in enumerate(draft.instructions):
        run = inside.get(number)
        starts[number] = len(instructions)
        if run is not None and number == run.first:
            for depth, head in _heads(run, index, batch, sizes):
                instructions.append(Instruction(head, depth=line.depth + depth))
                opened.append((len(instructions), run.last if depth else ends[number]))
        moved[number] = len(instructions)
        instructions.append(line if run is None else _inside(line, run, number, own))
    outer = [Loop(starts[loop.first], moved[loop.last]) for loop in draft.loops]
    draft.loops[:] = [*outer, *(Loop(first, moved[last]) for first, last in opened)]
    draft.instructions[:] = instructions
    for name in own & set(draft.values):
        value = draft.values[name]
        order = tuple(k - 1 for k in value.order if k > 0)
        draft.values[name] = Value(name, value.axes[1:], order, value.kind)


def _groups(runs: Sequence[Run]) -> Iterator[list[Run]]:
    """The runs in one loop over the examples."""
    group: list[Run] = []
    for run in runs:
        if group and not run.joined:
            yield group
            group = []
        group.append(run)
    if group:
        yield group


def _heads(run: Run, index: str, batch: Expr, sizes: Mapping[Expr, int]) -> Iterator[tuple[int, ast.stmt]]:
    """for i in range(m); for rows, part in parts(T, 65536 // f); each with its depth."""
    if not run.joined:
        yield 0, _head(index, f"range({size_text(batch)})")
    second = run.lines[0].second
    if run.cut is not None:
        names, function = TRIANGLES[run.cut[0]]
        yield 1, _head(", ".join(names), f"{function}({size_text(run.cut[1])}, {BAND})")
    elif second is not None:
        places = (elements(axes[2:]) for line in run.lines for axes in line.axes)
        place = size_text(max(places, key=lambda size: evaluated(size, sizes)))
        yield 1, _head(f"{ROWS}, {HELD}", f"parts({size_text(second)}, {SLICE} // ({place}))")


def _head(target: str, over: str) -> ast.stmt:
    return ast.parse(f"for {target} in {over}: pass").body[0]


def size_text(size: Expr) -> str:
    """A size as NumPy has it."""
    return Scalars(lambda ref: Code(str(ref))).code(size).text


def _inside(line: Instruction, run: Run, number: int, own: set[str]) -> Instruction:
    """The line in the loop of its run."""
    node = run.lines[number - run.first].node(own)
    return replace(line, node=node, depth=line.depth + 1 + run.inner)


def _own(group: Sequence[Run], draft: Draft, kept: frozenset[str]) -> set[str]:
    """The arrays that nothing outside of a loop over the examples reads or writes."""
    lines = [line for run in group for line in run.lines]
    inside = {number for run in group for number in run.numbers}
    touched = [(number, line.reads | line.writes) for number, line in enumerate(draft.instructions)]
    names = {name for number, found in touched if number in inside for name in found}
    names -= {name for number, found in touched if number not in inside for name in found}
    aliases: dict[str, str] = {}
    for name, source in (line.alias for line in lines if line.alias is not None):
        aliases[name] = aliases.get(source, source)
    sliced = {name for line in lines for name in line.arrays}
    sliced |= {aliases[name] for name in sliced & set(aliases)}
    own = {name for name in names & sliced - kept if name in draft.values}
    return own | {name for name, source in aliases.items() if source in own}

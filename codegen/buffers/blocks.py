"""Runs of elementwise lines, example by example, so that what one line writes is in cache for the next.

    np.multiply(F[l], F[l], out=A2)            for i in range(m):
    A2 *= F[l]                                     np.multiply(F[l, i], F[l, i], out=A2)
    np.exp(A2, out=E[l])                           A2 *= F[l, i]
                                                   np.exp(A2, out=E[l, i])

Where an example is larger than a cache too, slices of its next axis are taken:

    for i in range(m):
        for rows, part in parts(T, 16384 // f):
            np.multiply(F[l, i, rows], F[l, i, rows], out=A2[part])

An array that only such a run uses holds one example. A run is worth a loop where its arrays are larger than a
cache and one example's part is large enough for a call of NumPy.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sympy import Expr

from codegen.buffers.slices import HELD, ROWS, Sliced, sliced_statement
from codegen.buffers.values import Draft, Instruction, Loop, Operand, Value, elements, evaluated
from codegen.printers.numpy_numbers import Scalars
from codegen.printers.numpy_text import Code

SHORTEST = 3  # lines
WHOLE = 120_000  # elements of an array that a core's cache does not hold beside its neighbours
LARGEST = 70_000  # elements of one example
SLICE = 16_384  # elements of a slice
PART = 8_000  # elements, as many as NumPy computes in the time of several calls


@dataclass(frozen=True)
class Run:
    """The lines first..last, each for one example."""

    first: int
    last: int
    lines: tuple[Sliced, ...]

    @property
    def heads(self) -> int:
        return 1 if self.lines[0].second is None else 2


def in_blocks(
    draft: Draft, names: Mapping[str, Operand], batch: Expr, sizes: Mapping[Expr, int], kept: frozenset[str]
) -> None:
    """Put the runs of a draft into loops over the examples."""
    names = {**names, **{name: value.operand() for name, value in draft.values.items()}}
    index = next(letter for letter in ("i", "j", "i_example") if letter not in names)
    whole = [run for run in _runs(draft, names, batch, index) if _is_worth_it(run, batch, sizes)]
    runs = [part for run in whole for part in _split(run, draft, names, batch, sizes)]
    own = {name for run in runs for name in _own(run, draft, kept)}
    instructions: list[Instruction] = []
    moved: dict[int, int] = {}
    loops: list[Loop] = []
    starts = {run.first: run for run in runs}
    inside = {number: run for run in runs for number in range(run.first, run.last + 1)}
    for number, line in enumerate(draft.instructions):
        run = starts.get(number)
        if run is not None:
            heads = _heads(run, index, batch, sizes)
            last = len(instructions) + len(heads) + run.last - run.first
            loops += [Loop(len(instructions) + k + 1, last) for k in range(len(heads))]
            instructions += [Instruction(head, depth=line.depth + k) for k, head in enumerate(heads)]
        moved[number] = len(instructions)
        instructions.append(line if number not in inside else _inside(line, inside[number], number, own))
    outer = [Loop(_start(moved, loop.first, starts), moved[loop.last]) for loop in draft.loops]
    draft.loops[:] = [*outer, *loops]
    draft.instructions[:] = instructions
    for name in own:
        value = draft.values[name]
        order = tuple(k - 1 for k in value.order if k > 0)
        draft.values[name] = Value(name, value.axes[1:], order, value.kind)


def _heads(run: Run, index: str, batch: Expr, sizes: Mapping[Expr, int]) -> list[ast.stmt]:
    """for i in range(m); for rows, part in parts(T, 16384 // f)."""
    second = run.lines[0].second
    over: list[tuple[ast.expr, str]] = [(ast.Name(index), f"range({size_text(batch)})")]
    if second is not None:
        places = (elements(axes[2:]) for line in run.lines for axes in line.axes)
        place = size_text(max(places, key=lambda size: evaluated(size, sizes)))
        names = ast.Tuple([ast.Name(ROWS), ast.Name(HELD)])
        over.append((names, f"parts({size_text(second)}, {SLICE} // ({place}))"))
    return [ast.For(target, ast.parse(text, mode="eval").body, [ast.Pass()], []) for target, text in over]


def size_text(size: Expr) -> str:
    """A size as NumPy has it."""
    return Scalars(lambda ref: Code(str(ref))).code(size).text


def _split(
    run: Run, draft: Draft, names: Mapping[str, Operand], batch: Expr, sizes: Mapping[Expr, int]
) -> Iterator[Run]:
    """The run itself, or where an example is too large the runs that can be taken in slices of one."""
    examples = evaluated(batch, sizes)
    small = max(_largest(line, sizes) for line in run.lines) / examples <= LARGEST
    if small or ROWS in names or HELD in names:
        yield run
        return
    first = run.first
    while first <= run.last:
        found = max((_slices(run, first, second, draft, names, batch) for second in _seconds(run)), key=len)
        part = Run(first, first + len(found) - 1, tuple(found))
        if found and _is_worth_it(part, batch, sizes):
            yield part
        first += max(len(found), 1)


def _slices(
    run: Run, first: int, second: Expr, draft: Draft, names: Mapping[str, Operand], batch: Expr
) -> list[Sliced]:
    """The lines from the first on that can be taken in slices of this axis."""
    found: list[Sliced] = []
    for number in range(first, run.last + 1):
        node = draft.instructions[number].node
        one = sliced_statement(node, names, draft.values, batch, run.lines[0].index, second)
        if one is None:
            break
        found.append(one)
    return found


def _seconds(run: Run) -> list[Expr]:
    """The axes after that of the examples."""
    return list(dict.fromkeys(axes[1] for line in run.lines for axes in line.axes if len(axes) > 1))


def _largest(line: Sliced, sizes: Mapping[Expr, int]) -> float:
    return max(evaluated(elements(axes), sizes) for axes in line.axes)


def _inside(line: Instruction, run: Run, number: int, own: set[str]) -> Instruction:
    """The line in the loop of its run."""
    node = run.lines[number - run.first].node(own)
    return replace(line, node=node, depth=line.depth + run.heads, yields=frozenset())


def _start(moved: Mapping[int, int], number: int, starts: Mapping[int, Run]) -> int:
    """Where a line is now; the first head of its run, if it opens one."""
    return moved[number] - (starts[number].heads if number in starts else 0)


def _runs(draft: Draft, names: Mapping[str, Operand], batch: Expr, index: str) -> Iterator[Run]:
    """Neighbouring lines of one depth that can be taken example by example."""
    found: list[Sliced] = []
    ends = {loop.last + 1 for loop in draft.loops} | {loop.first for loop in draft.loops}
    for number, line in enumerate(draft.instructions):
        one = sliced_statement(line.node, names, draft.values, batch, index)
        closed = number in ends or (found and draft.instructions[number - 1].depth != line.depth)
        if found and (one is None or closed):
            yield Run(number - len(found), number - 1, tuple(found))
            found = []
        if one is not None:
            found.append(one)
    if found:
        yield Run(len(draft.instructions) - len(found), len(draft.instructions) - 1, tuple(found))


def _is_worth_it(run: Run, batch: Expr, sizes: Mapping[Expr, int]) -> bool:
    """Whether most of a run's work is on arrays too large for a cache, in parts that are not too small."""
    largest = [_largest(line, sizes) for line in run.lines]
    examples = evaluated(batch, sizes)
    large = [size for size in largest if size >= WHOLE and size / examples >= PART]
    return len(large) >= SHORTEST and 2 * len(large) >= len(largest)


def _own(run: Run, draft: Draft, kept: frozenset[str]) -> set[str]:
    """The arrays that nothing outside of the run reads or writes."""
    inside = set(range(run.first, run.last + 1))
    touched = [(number, line.reads | line.writes) for number, line in enumerate(draft.instructions)]
    names = {name for number, found in touched if number in inside for name in found}
    names -= {name for number, found in touched if number not in inside for name in found}
    sliced = {name for line in run.lines for name in line.arrays}
    return {name for name in names & sliced - kept if name in draft.values}

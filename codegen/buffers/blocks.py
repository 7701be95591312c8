"""Runs of elementwise lines, example by example, so that what one line writes is in cache for the next.

    np.multiply(F[l], F[l], out=A2)            for i in range(m):
    A2 *= F[l]                                     np.multiply(F[l, i], F[l, i], out=A2)
    np.exp(A2, out=E[l])                           A2 *= F[l, i]
                                                   np.exp(A2, out=E[l, i])

An array that only such a run uses holds one example. A run is worth a loop where its arrays are larger than a
cache and one example's part is large enough for a call of NumPy.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sympy import Expr

from codegen.buffers.slices import Sliced, sliced_statement
from codegen.buffers.values import Draft, Instruction, Loop, Operand, Value, elements, evaluated

SHORTEST = 3  # lines
WHOLE = 120_000  # elements of an array that a core's cache does not hold beside its neighbours
PART = 8_000  # elements, as many as NumPy computes in the time of several calls


@dataclass(frozen=True)
class Run:
    """The lines first..last, each for one example."""

    first: int
    last: int
    lines: tuple[Sliced, ...]


def in_blocks(
    draft: Draft, names: Mapping[str, Operand], batch: Expr, sizes: Mapping[Expr, int], kept: frozenset[str]
) -> None:
    """Put the runs of a draft into loops over the examples."""
    names = {**names, **{name: value.operand() for name, value in draft.values.items()}}
    index = next(letter for letter in ("i", "j", "i_example") if letter not in names)
    runs = [run for run in _runs(draft, names, batch, index) if _is_worth_it(run, batch, sizes)]
    own = {name for run in runs for name in _own(run, draft, kept)}
    instructions: list[Instruction] = []
    moved: dict[int, int] = {}
    loops: list[Loop] = []
    starts = {run.first: run for run in runs}
    inside = {number: run for run in runs for number in range(run.first, run.last + 1)}
    for number, line in enumerate(draft.instructions):
        run = starts.get(number)
        if run is not None:
            over = ast.parse(f"range({batch})", mode="eval").body
            instructions.append(
                Instruction(ast.For(ast.Name(index), over, [ast.Pass()], []), depth=line.depth)
            )
            loops.append(Loop(len(instructions), len(instructions) + run.last - run.first))
        moved[number] = len(instructions)
        instructions.append(line if number not in inside else _inside(line, inside[number], number, own))
    draft.loops[:] = [
        Loop(_start(moved, loop.first, starts), moved[loop.last]) for loop in draft.loops
    ] + loops
    draft.instructions[:] = instructions
    for name in own:
        value = draft.values[name]
        order = tuple(k - 1 for k in value.order if k > 0)
        draft.values[name] = Value(name, value.axes[1:], order, value.kind)


def _head(index: str, batch: Expr) -> ast.For:
    """for i in range(m)."""
    return ast.For(ast.Name(index), ast.parse(f"range({batch})", mode="eval").body, [ast.Pass()], [])


def _inside(line: Instruction, run: Run, number: int, own: set[str]) -> Instruction:
    """The line in the loop of its run."""
    node = run.lines[number - run.first].node(own)
    return replace(line, node=node, depth=line.depth + 1, yields=frozenset())


def _start(moved: Mapping[int, int], number: int, starts: Mapping[int, Run]) -> int:
    """Where a line is now; the head of its run, if it opens one."""
    return moved[number] - (number in starts)


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
    largest = [max(evaluated(elements(axes), sizes) for axes in line.axes) for line in run.lines]
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

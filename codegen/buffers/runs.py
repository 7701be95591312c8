"""Which neighbouring lines are computed example by example, in slices of an example, or on its triangle.

A run is worth a loop where its arrays are larger than a cache and one example's part is large enough for a
call of NumPy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from sympy import Expr

from codegen.buffers.cutting import cut_statement
from codegen.buffers.operands import axes_of, line_of
from codegen.buffers.slices import HELD, ROWS, Sliced, sliced_statement
from codegen.buffers.triangles import COLUMNS, Cut, cuts
from codegen.buffers.values import Draft, Operand, elements, evaluated

SHORTEST = 3  # lines
WHOLE = 120_000  # elements of an array that a core's cache does not hold beside its neighbours
LARGEST = 70_000  # elements of one example
PART = 8_000  # elements, as many as NumPy computes in the time of several calls
BAND = 64  # rows of a triangle, as many as a product of matrices needs to be fast


@dataclass(frozen=True)
class Run:
    """The lines first..last, each for one example: in the loop of the run before, if `joined`, or in its own.

    `cut` is what the inner loop runs over in a triangle, with its size.
    """

    first: int
    last: int
    lines: tuple[Sliced, ...]
    cut: tuple[str, Expr] | None = None
    joined: bool = False

    @property
    def numbers(self) -> range:
        return range(self.first, self.last + 1)

    @property
    def inner(self) -> bool:
        return self.cut is not None or self.lines[0].second is not None

    def part(self, first: int, last: int) -> Run:
        """Some of the lines."""
        return Run(first, last, self.lines[first - self.first : last - self.first + 1])


@dataclass
class Finder:
    """Finds the runs of a draft; `sizes` decide what is by cost."""

    draft: Draft
    names: Mapping[str, Operand]
    batch: Expr
    sizes: Mapping[Expr, int]
    kept: Collection[str]
    index: str

    def runs(self) -> list[Run]:
        whole = [run for run in self.whole() if self.is_worth_it(run)]
        eligible = [number for run in whole if self.may_be_cut(run) for number in run.numbers]
        found = cuts(self.draft, self.names, eligible, self.kept)
        found = {number: cut for number, cut in found.items() if self.number(cut.size) >= 2 * BAND}
        return [part for run in whole for part in self.split(run, found)]

    def whole(self) -> Iterator[Run]:
        """Neighbouring lines of one depth that can be taken example by example."""
        lines, found = self.draft.instructions, list[Sliced]()
        ends = {loop.last + 1 for loop in self.draft.loops} | {loop.first for loop in self.draft.loops}
        for number, line in enumerate(lines):
            one = sliced_statement(line.node, self.names, self.batch, self.index)
            closed = number in ends or (found and lines[number - 1].depth != line.depth)
            if found and (one is None or closed):
                yield Run(number - len(found), number - 1, tuple(found))
                found = []
            if one is not None:
                found.append(one)
        if found:
            yield Run(len(lines) - len(found), len(lines) - 1, tuple(found))

    def number(self, size: Expr) -> float:
        return evaluated(size, self.sizes)

    def largest(self, line: Sliced) -> float:
        return max((self.number(elements(axes)) for axes in line.axes), default=0)

    def is_worth_it(self, run: Run) -> bool:
        """Whether most of its work is on arrays too large for a cache, in parts that are not too small."""
        largest = [self.largest(line) for line in run.lines if line.axes]
        examples = self.number(self.batch)
        large = [size for size in largest if size >= WHOLE and size / examples >= PART]
        return len(large) >= SHORTEST and 2 * len(large) >= len(largest)

    def is_large(self, run: Run) -> bool:
        """Whether one example is larger than a cache."""
        return max(map(self.largest, run.lines)) / self.number(self.batch) > LARGEST

    def may_be_cut(self, run: Run) -> bool:
        return self.is_large(run) and ROWS not in self.names and COLUMNS not in self.names

    def split(self, run: Run, found: Mapping[int, Cut]) -> Iterator[Run]:
        """The run itself, or where an example is too large its parts that can be taken in parts of one."""
        numbers = [number for number in run.numbers if number in found and found[number].loop]
        if numbers:
            last = numbers[-1]
            while last < run.last and last + 1 in found:
                last += 1
            first = run.first if numbers[0] - run.first < SHORTEST else numbers[0]
            yield from self.slices(run, run.first, first - 1)
            yield from self.bands(run.part(first, last), found)
            yield from self.slices(run, last + 1, run.last)
        elif not self.is_large(run) or ROWS in self.names or HELD in self.names:
            yield run
        else:
            yield from self.slices(run, run.first, run.last)

    def slices(self, run: Run, first: int, last: int) -> Iterator[Run]:
        """The runs in first..last that can be taken in slices of one axis."""
        while first <= last:
            found = max((self.sliced(run, first, last, second) for second in _seconds(run)), key=len)
            part = Run(first, first + len(found) - 1, tuple(found))
            if found and self.is_worth_it(part):
                yield part
            first += max(len(found), 1)

    def sliced(self, run: Run, first: int, last: int, second: Expr) -> list[Sliced]:
        """The lines from the first on that can be taken in slices of this axis."""
        found: list[Sliced] = []
        for number in range(first, last + 1):
            node = self.draft.instructions[number].node
            one = sliced_statement(node, self.names, self.batch, run.lines[0].index, second)
            if one is None:
                break
            found.append(one)
        return found

    def bands(self, run: Run, found: Mapping[int, Cut]) -> Iterator[Run]:
        """The run as loops over bands of rows, or of columns, in one loop over the examples."""
        first = run.first
        while first <= run.last:
            loop, last = self.band(run, first, found)
            lines = run.part(first, last).lines
            if loop:
                pairs = zip(range(first, last + 1), lines, strict=True)
                lines = tuple(self.cut(number, line, found[number].within(loop)) for number, line in pairs)
            size = found[first].size if loop else None
            cut = None if size is None else (loop, size)
            yield Run(first, last, lines, cut, joined=first > run.first)
            first = last + 1

    def band(self, run: Run, first: int, found: Mapping[int, Cut]) -> tuple[str, int]:
        """What the loop from this line on runs over, and its last line."""
        lines = self.draft.instructions
        if first not in found:
            end = next((n for n in range(first, run.last + 1) if n in found and found[n].loop), run.last + 1)
            return "", end - 1
        loop = next((found[n].loop for n in range(first, run.last + 1) if n in found and found[n].loop), None)
        writes, whole, number = set[str](), set[str](), first
        while number <= run.last and number in found:
            cut = found[number]
            apart = cut.loop not in (None, loop) or cut.size != found[first].size
            if apart or cut.whole & (writes | lines[number].writes) or whole & lines[number].writes:
                break
            writes |= lines[number].writes
            whole |= cut.whole
            number += 1
        return loop or "", number - 1

    def cut(self, number: int, line: Sliced, cut: Cut) -> Sliced:
        """The line for a band."""
        known = line_of(self.draft.instructions[number].node)
        assert known is not None
        axes = [axes_of(operand, self.names) or () for operand in known.operands]
        statement = cut_statement(line.statement, cut, [each[:1] == (self.batch,) for each in axes])
        return replace(line, statement=statement)


def _seconds(run: Run) -> list[Expr]:
    """The axes after that of the examples."""
    return list(dict.fromkeys(axes[1] for line in run.lines for axes in line.axes if len(axes) > 1))

"""The tiles of a file, chosen for all its contractions together: each takes bytes and a compiler's time.

    784-100-10: 9 x 3, 8 x 3 for the first weights; 10 columns have 13 x 1, and 100 rows go in 8 of them, not
    in four of 13 and four of 12, nor do 100 columns of ten terms have tiles of two vectors

A shape is worth a thousandth of all cycles; a contraction has the tiles for which what it takes, and what its
shapes are worth that no other has, are least. Of one height the last tile goes back over rows that are done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from codegen.tuned.phase import Phase
from codegen.tuned.products.rest import rest_columns
from codegen.tuned.products.tiles import (
    FAR_LINE,
    GUARDED_VECTORS,
    LINE,
    MOST_VECTORS,
    REAL,
    SMALL_ROWS,
    SMALL_VECTORS,
    most_rows,
    parts,
    tile_cycles,
    vectors_at_once,
)
from codegen.tuned.sizes import Sized
from codegen.vector_math.kernel_sets import KernelSet

SHAPE = 0.001
"""What a shape is worth, of all cycles of a file's contractions."""
FORBIDDEN = float("inf")
PACKED = 16
"""Half cycles to pack a vector beforehand that a tile would pack as it passes by."""

Shape = tuple[str, int, int]
"""What kind of tile, of so many rows, of so many vectors."""


@dataclass(frozen=True)
class Cut:
    """So many panels of one width, rows in pieces of `high` and `low`; `passing`: the first tile packs."""

    panels: int
    vectors: int
    high: int
    low: int
    passing: bool = False


@dataclass(frozen=True)
class Choice:
    """One contraction for one kernel set and size of real: rows, vectors, columns beside those, and steps."""

    phase: Phase
    kernels: KernelSet
    lanes: int
    rows: int
    vectors: int
    rest: int
    steps: int
    varying: bool

    @property
    def kind(self) -> str:
        """The macro of its tiles."""
        one, small = self.phase, self.kernels.small
        kind = "tile" if one.sums == 1 or (one.packs_rows and not small) else "tile_3"
        return "tile_far" if one.far and not small else kind

    @property
    def passing(self) -> bool:
        """Whether its tiles may pack as they pass by."""
        return self.phase.passing and not self.kernels.small

    def shapes(self, cut: Cut) -> set[Shape]:
        """The tiles of a cut."""
        found = {(self.kind, rows, cut.vectors) for rows in (cut.high, cut.low)}
        if self.varying:
            found.add((self.kind, 1, cut.vectors))
        return found | ({("tile_packs", cut.low, cut.vectors)} if cut.passing else set())

    def cycles(self, cut: Cut) -> float:
        """Half cycles of all its steps; rows that come from afar come once for each panel."""
        packed = PACKED * cut.vectors if self.passing and not cut.passing else 0
        afar = FAR_LINE * REAL * self.rows / LINE if self.phase.far else 0
        return self.steps * cut.panels * (_rows_cycles(self.kernels, self.rows, cut) + packed + afar)

    def work(self, found: Mapping[str, tuple[Cut, ...]]) -> float:
        """Half cycles of all its panels."""
        return sum(map(self.cycles, found[self.phase.name]))


Cuts = Mapping[str, tuple[Cut, ...]]


def cuts(phases: Sequence[Phase], sizes: Sized, kernels: KernelSet, item: int) -> Cuts:
    """How each contraction is cut."""
    choices = [choice(one, sizes, kernels, item) for one in phases if not one.dots]
    found: Cuts = {one.phase.name: alone(one) for one in choices}
    worth = SHAPE * sum(one.cycles(cut) for one in choices for cut in found[one.phase.name])
    free = [one for one in choices if _is_free(one)]
    found = _settled(free, choices, found, worth)
    for shape in sorted(_shapes(free, found)):
        without = _settled(free, choices, found, worth, shape)
        if _price(choices, without, worth) < _price(choices, found, worth):
            found = without
    return found


def _settled(
    free: Sequence[Choice], choices: Sequence[Choice], found: Cuts, worth: float, but: Shape | None = None
) -> Cuts:
    """Each contraction cut as is best beside the shapes of the others, `but` for one shape."""
    now = dict(found)
    for one in sorted(free, key=lambda c: c.work(now), reverse=True):
        others = _shapes([c for c in choices if c is not one], now)
        now[one.phase.name] = _least(one, others, worth, but)
    return now


def _price(choices: Sequence[Choice], found: Cuts, worth: float) -> float:
    """All cycles, and what all shapes are worth."""
    return sum(one.work(found) for one in choices) + worth * len(_shapes(choices, found))


def choice(one: Phase, sizes: Sized, kernels: KernelSet, item: int) -> Choice:
    """The sizes of a contraction in numbers; the columns beside whole vectors are not among its vectors."""
    assert one.shape is not None
    rows, columns = (sizes.size(extent) for extent in one.shape)
    terms = sizes.size(one.terms)
    rest = rest_columns(kernels, item, one.rest, rows, columns, terms) if one.rest else 0
    varying = kernels.small or sizes.batch_size in one.shape[0].free_symbols
    lanes = kernels.lanes(item)
    steps = terms * sizes.size(one.times)
    return Choice(one, kernels, lanes, rows, -(-(columns - rest) // lanes), rest, steps, varying)


def alone(one: Choice) -> tuple[Cut, ...]:
    """The cut of the fewest cycles; along a diagonal all have the same rows, or one tile would read beside it
    what no tile of another has written.
    """
    kernels, phase = one.kernels, one.phase
    if kernels.small:
        split = _equal(one.vectors, min(SMALL_VECTORS, one.vectors))
        return tuple(Cut(count, width, SMALL_ROWS, SMALL_ROWS) for count, width in split)
    at_once = vectors_at_once(kernels, one.rows, one.vectors, phase.packs_rows)
    at_once = min(at_once, GUARDED_VECTORS) if phase.guarded else at_once
    found = []
    for count, width in _equal(one.vectors, at_once):
        alike = GUARDED_VECTORS if phase.guarded else 2 if phase.packs_rows else width
        most = min(most_rows(kernels, width), most_rows(kernels, alike))
        heights = parts(one.rows, most)
        found.append(Cut(count, width, heights[0], heights[-1], one.passing))
    return tuple(found)


def _is_free(one: Choice) -> bool:
    """Whether its rows may be cut otherwise: guards follow them, and packed rows lie as they are cut."""
    return not (one.kernels.small or one.phase.guarded or one.phase.packs_rows)


def _shapes(choices: Sequence[Choice], found: Cuts) -> set[Shape]:
    return {shape for one in choices for cut in found[one.phase.name] for shape in one.shapes(cut)}


def _least(one: Choice, others: set[Shape], worth: float, but: Shape | None) -> tuple[Cut, ...]:
    """The cut that costs least beside the shapes of the others, `but` for one shape."""

    def cost(cut: Cut) -> float:
        found = one.shapes(cut)
        return FORBIDDEN if but in found else one.cycles(cut) + worth * len(found - others)

    each = [
        [min(_cuts(one, count, width), key=cost) for count, width in split] for split in _splits(one.vectors)
    ]
    return tuple(min(each, key=lambda found: sum(map(cost, found))))


def _splits(vectors: int) -> Iterator[list[tuple[int, int]]]:
    """Panels of nearly equal widths, or of one width and the rest."""
    for most in range(min(MOST_VECTORS, vectors), 0, -1):
        yield _equal(vectors, most)
        count, rest = divmod(vectors, most)
        if rest:
            yield [(count, most), (1, rest)]


def _equal(vectors: int, most: int) -> list[tuple[int, int]]:
    panels = -(-vectors // most)
    base, wider = divmod(vectors, panels)
    return [(count, width) for count, width in ((wider, base + 1), (panels - wider, base)) if count]


def _cuts(one: Choice, count: int, width: int) -> Iterator[Cut]:
    """Rows in nearly equal pieces, or in pieces of one height."""
    for most in range(min(one.rows, most_rows(one.kernels, width)), 0, -1):
        heights = parts(one.rows, most)
        for high, low in dict.fromkeys(((heights[0], heights[-1]), (most, most))):
            for passing in dict.fromkeys((one.passing, False)):
                yield Cut(count, width, high, low, passing)


@cache
def _rows_cycles(kernels: KernelSet, rows: int, cut: Cut) -> float:
    """Half cycles of a step for the rows of a panel."""
    pieces = -(-rows // cut.high)
    higher = pieces if cut.high == cut.low else rows - pieces * cut.low
    high, low = (tile_cycles(kernels, height, cut.vectors) for height in (cut.high, cut.low))
    return higher * high + (pieces - higher) * low

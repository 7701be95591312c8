"""Which register tiles the contractions of a file are made of, for one kernel set and one size of real.

    TILE(6, 4)                                     one function a shape: the way through memory is `product`'s
    KERNELS(1, {1, 4, 6, 5, FN(tile_6x4), ..})     panels of so many vectors, and the tiles of their rows
    #define KERNELS_Z2 FN(kernels_1)

Contractions of one shape share a table. A set that counts for its bytes has two heights of tile alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Protocol

from sympy import Expr

from codegen.tuned.phase import Phase
from codegen.tuned.rest import rest_columns, rest_heights
from codegen.tuned.tiles import (
    SMALL_ROWS,
    SMALL_VECTORS,
    all_across,
    columns_at_once,
    dot_rows,
    most_rows,
    parts,
    rows_at_once,
    vectors_at_once,
)
from codegen.vector_math.kernel_sets import KERNEL_SETS, KernelSet

GUARDED_VECTORS = 2
"""Narrow panels follow a guard along the diagonal more closely."""


class Sized(Protocol):
    """Sizes in numbers, the one that varies by call at its most."""

    def size(self, expression: Expr) -> int:
        """A size in numbers."""
        ...

    @property
    def batch_size(self) -> Expr:
        """The size that varies by call."""
        ...


def kernel_lines(phases: Sequence[Phase], sizes: Sized, kernels: KernelSet, item: int) -> list[str]:
    """The tiles and the tables of some contractions."""
    tiles: dict[str, None] = {}
    tables: dict[str, int] = {}
    used = {}
    resting = any(one.rest for one in phases)
    for one in phases:
        text = (
            _dots(one, sizes, kernels, tiles)
            if one.dots
            else f"KERNELS({{0}}, {_table(one, sizes, kernels, item, tiles, resting)})"
        )
        used[one.name] = tables.setdefault(text, len(tables) + 1)
    return [
        *tiles,
        *(text.format(number) for text, number in tables.items()),
        *(
            line
            for name, number in used.items()
            for line in (f"#undef KERNELS_{name}", f"#define KERNELS_{name} FN(kernels_{number})")
        ),
    ]


def _table(
    one: Phase, sizes: Sized, kernels: KernelSet, item: int, tiles: dict[str, None], resting: bool
) -> str:
    assert one.shape is not None
    varying = kernels.small or sizes.batch_size in one.shape[0].free_symbols
    entries = []
    for count, width, heights in _panels(one, sizes, kernels, item):
        small = [h if varying and h <= most_rows(kernels, width) else 0 for h in SMALL_ROWS]
        kind = "tile" if one.sums == 1 or (one.packs_rows and not kernels.small) else "tile_3"
        kind = "tile_far" if one.far and not kernels.small else kind
        names = [_tile(kind, h, width, tiles) for h in (heights[0], heights[-1], *small)]
        packs = one.passing and not kernels.small
        names.append(_tile("tile_packs", heights[-1], width, tiles) if packs else "0")
        entries.append(f"{{{{{count}, {width}, {heights[0]}, {heights[-1]}, {', '.join(names)}}}}}")
    rest = [_rest(one, sizes, kernels, item, tiles)] if resting else []
    return ", ".join([*[*entries, "{{0}}"][:2], *rest])


def _rest(one: Phase, sizes: Sized, kernels: KernelSet, item: int, tiles: dict[str, None]) -> str:
    """The tiles of the columns beside whole vectors."""
    columns = _left(one, sizes, kernels, item)
    if not columns:
        return "{{0}}"
    assert one.shape is not None
    heights = rest_heights(kernels, item, one.rest, sizes.size(one.shape[0]), columns)
    shortest = 1 if one.rest == "across" and sizes.batch_size in one.shape[0].free_symbols else 0
    names = [_tile(one.rest, high, columns, tiles) for high in (heights[0], heights[-1], 0, shortest)]
    return (
        f"{{{{{int(one.rest == 'across')}, {columns}, {heights[0]}, {heights[-1]}, {', '.join(names)}, 0}}}}"
    )


def _left(one: Phase, sizes: Sized, kernels: KernelSet, item: int) -> int:
    """How many columns are beside whole vectors and have tiles of their own."""
    assert one.shape is not None
    rows, columns = (sizes.size(extent) for extent in one.shape)
    return rest_columns(kernels, item, one.rest, rows, columns, sizes.size(one.terms)) if one.rest else 0


def _panels(
    one: Phase, sizes: Sized, kernels: KernelSet, item: int
) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """How many panels of how many vectors, and the rows of their pieces."""
    assert one.shape is not None
    rows, columns = (sizes.size(extent) for extent in one.shape)
    vectors = -(-(columns - _left(one, sizes, kernels, item)) // kernels.lanes(item))
    equal = one.packs_rows
    at_once = min(SMALL_VECTORS, vectors) if kernels.small else vectors_at_once(kernels, rows, vectors, equal)
    panels = -(-vectors // (min(at_once, GUARDED_VECTORS) if one.guarded else at_once))
    base, wider = divmod(vectors, panels)
    for width, count in ((base + 1, wider), (base, panels - wider)):
        most = most_rows(kernels, width)
        if count and kernels.small:
            yield count, width, SMALL_ROWS[:1]
        elif count:
            yield count, width, parts(rows, min(most, most_rows(kernels, 2)) if one.packs_rows else most)


def panel_reals(one: Phase, sizes: Sized, item: int) -> int:
    """The room of packed panels for the widest vectors."""
    if not one.panels:
        return 0
    *others, columns = (
        sizes.size(extent)
        for extent in (*one.panels[: one.sums], *one.panels[one.sums + 1 :], one.panels[one.sums])
    )
    step = 64 // item
    count = -(-columns // step) * step
    for other in others:
        count *= other
    return count + line_reals(one, sizes, item)


def line_reals(one: Phase, sizes: Sized, item: int) -> int:
    """The room of packed rows: of all where panels stay near, else of as many as stay near together."""
    if not one.packs_rows:
        return 0
    assert one.shape is not None
    rows, terms = sizes.size(one.shape[0]), prod(sizes.size(extent) for extent in one.panels[: one.sums])
    room = 0
    for kernels in KERNEL_SETS:
        lanes = kernels.lanes(item)
        pitch = -(-most_rows(kernels, 2) // lanes) * lanes
        for _, _, heights in _panels(one, sizes, kernels, item):
            pieces = -(-rows // heights[0])
            if not one.turned:
                pieces = min(pieces, rows_at_once(terms) // heights[0] + 2)
            room = max(room, pieces * terms * pitch)
    return room


def _dots(one: Phase, sizes: Sized, kernels: KernelSet, tiles: dict[str, None]) -> str:
    assert one.shape is not None
    rows, columns = (sizes.size(extent) for extent in one.shape)
    across = sizes.size(one.across)
    terms = sizes.size(one.terms)
    tall = across if across > 1 and all_across(kernels, rows, columns, across, terms) else 1
    wide = (columns,) if tall > 1 else parts(columns, columns_at_once(kernels, rows, columns))
    high = parts(rows, dot_rows(kernels, tall * wide[0]))
    names = []
    for h, w in ((h, w) for h in (high[0], high[-1]) for w in (wide[0], wide[-1])):
        tiles[f"DOTS({one.name}, {h}, {tall * w}, {', '.join(one.apart)})"] = None
        names.append(f"FN({one.name}_{h}x{tall * w})")
    shape = f"{high[0]}, {high[-1]}, {wide[0]}, {wide[-1]}, {tall}"
    return f"DOTS_KERNELS({{0}}, {{{{{shape}, {', '.join(names)}}}}})"


def _tile(kind: str, rows: int, width: int, tiles: dict[str, None]) -> str:
    """The name of a tile, which is written once; 0 for one of no rows."""
    if not rows:
        return "0"
    tiles[f"{kind.upper()}({rows}, {width})"] = None
    return f"FN({kind}_{rows}x{width})"

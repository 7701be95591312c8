"""Which register tiles the contractions of a file are made of, for one kernel set and one size of real.

    TILE(6, 4)                                      a function a shape: the way through memory is `product`'s
    enum { FN(nth_tile_6x4), .. };                  its number among the functions of its set
    KERNELS(1, {1, 4, 6, 5, FN(nth_tile_6x4), ..})  panels of so many vectors, and the tiles of their rows
    #define KERNELS_Z2 FN(kernels_1)

Contractions of one shape share a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from codegen.tuned.phase import Phase
from codegen.tuned.products.rest import rest_height
from codegen.tuned.products.shapes import Choice, Cut, alone, choice, cuts
from codegen.tuned.products.tiles import (
    GUARDED_VECTORS,
    all_across,
    columns_at_once,
    dot_rows,
    most_rows,
    parts,
    rows_at_once,
)
from codegen.tuned.sizes import Sized
from codegen.vector_math.kernel_sets import KERNEL_SETS, KernelSet

Tiles = dict[str, str]
"""The macro of each tile, and what its function is called."""


def kernel_lines(phases: Sequence[Phase], sizes: Sized, kernels: KernelSet, item: int) -> list[str]:
    """The tiles and the tables of some contractions."""
    tiles: Tiles = {}
    tables: dict[str, int] = {}
    used = {}
    resting = any(one.rest for one in phases)
    found = cuts(phases, sizes, kernels, item)
    for one in phases:
        if one.dots:
            text = _dots(one, sizes, kernels, tiles)
        else:
            own = choice(one, sizes, kernels, item)
            text = f"KERNELS({{0}}, {_table(own, found[one.name], tiles, resting)})"
        used[one.name] = tables.setdefault(text, len(tables) + 1)
    return [
        *tiles,
        *_numbered(tiles, tiled=len(found) > 0),
        *(text.format(number) for text, number in tables.items()),
        *(
            line
            for name, number in used.items()
            for line in (f"#undef KERNELS_{name}", f"#define KERNELS_{name} FN(kernels_{number})")
        ),
    ]


def _table(one: Choice, found: tuple[Cut, ...], tiles: Tiles, resting: bool) -> str:
    entries = []
    for cut in found:
        heights = (cut.high, cut.low, int(one.varying))
        names = [_tile(one.kind, height, cut.vectors, tiles) for height in heights]
        names.append(_tile("tile_packs", cut.low, cut.vectors, tiles) if cut.passing else "0")
        entries.append(f"{{{{{cut.panels}, {cut.vectors}, {cut.high}, {cut.low}, {', '.join(names)}}}}}")
    if one.phase.halved and len(found) == 1 and found[0].vectors == GUARDED_VECTORS and not one.kernels.small:
        entries.append(_half(one, found[0], tiles))
    rest = [_rest(one, tiles)] if resting else []
    return ", ".join([*[*entries, "{{0}}"][:2], *rest])


def _half(one: Choice, cut: Cut, tiles: Tiles) -> str:
    """The tiles of which a guard needs the first vector alone, in no panels of their own."""
    names = [_tile(one.kind, height, 1, tiles) for height in (cut.high, cut.low, int(one.varying))]
    return f"{{{{0, 1, {cut.high}, {cut.low}, {', '.join(names)}, 0}}}}"


def _rest(one: Choice, tiles: Tiles) -> str:
    """The tiles of the columns beside whole vectors."""
    if not one.rest:
        return "{{0}}"
    way = one.phase.rest
    high = rest_height(one.kernels, one.lanes, way, one.rows, one.rest)
    least = int(way == "across" and one.varying)
    names = [_tile(way, height, one.rest, tiles) for height in (high, high, least)]
    return f"{{{{{int(way == 'across')}, 1, {high}, {high}, {', '.join(names)}, 0}}}}"


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
        for cut in alone(choice(one, sizes, kernels, item)):
            pieces = -(-rows // cut.high)
            if not one.turned:
                pieces = min(pieces, rows_at_once(terms) // cut.high + 2)
            room = max(room, pieces * terms * pitch)
    return room


def _dots(one: Phase, sizes: Sized, kernels: KernelSet, tiles: Tiles) -> str:
    assert one.shape is not None
    rows, columns = (sizes.size(extent) for extent in one.shape)
    across = sizes.size(one.across)
    terms = sizes.size(one.terms)
    tall = across if across > 1 and all_across(kernels, rows, columns, across, terms) else 1
    wide = (columns,) if tall > 1 else parts(columns, columns_at_once(kernels, rows, columns))
    high = parts(rows, dot_rows(kernels, tall * wide[0]))
    names = []
    for h, w in ((h, w) for h in (high[0], high[-1]) for w in (wide[0], wide[-1])):
        name = f"{one.name}_{h}x{tall * w}"
        tiles[f"DOTS({one.name}, {h}, {tall * w}, {', '.join(one.apart)})"] = name
        names.append(f"FN(nth_{name})")
    shape = f"{high[0]}, {high[-1]}, {wide[0]}, {wide[-1]}, {tall}"
    return f"DOTS_KERNELS({{0}}, {{{{{shape}, {', '.join(names)}}}}})"


def _tile(kind: str, rows: int, width: int, tiles: Tiles) -> str:
    """The number of a tile, which is written once; 0 for one of no rows."""
    if not rows:
        return "0"
    name = f"{kind}_{rows}x{width}"
    tiles[f"{kind.upper()}({rows}, {width})"] = name
    return f"FN(nth_{name})"


def _numbered(tiles: Tiles, tiled: bool) -> list[str]:
    """The functions by number; of those that pack, 0 is none."""
    if not tiles:
        return []
    packing = [name for line, name in tiles.items() if line.startswith("TILE_PACKS")]
    others = [name for name in tiles.values() if name not in packing]
    numbers = [
        *(f"FN(nth_{name}) = {place}" for place, name in enumerate(others)),
        *(f"FN(nth_{name}) = {place + 1}" for place, name in enumerate(packing)),
    ]
    functions = ", ".join(f"FN({name})" for name in others)
    packs = ", ".join(["0", *(f"FN({name})" for name in packing)])
    return [
        f"enum {{ {', '.join(numbers)} }};",
        f"static ONE(tile) *const FN(tiles)[] = {{{functions}}};",
        *([f"static ONE(packing_tile) *const FN(packing)[] = {{{packs}}};"] if tiled else []),
    ]

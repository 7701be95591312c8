"""Which register tiles each contraction of a file is made of, for one kernel set and one size of real.

    TILE(Z2, 6, 4, N, 1, 4 * LANES)             one function a shape and a way through memory
    #define KERNELS_Z2 {{1, 4, 6, 5, FN(Z2_6x4), FN(Z2_5x4), ..}, {1, 3, 9, 8, ..}}

Contractions that walk through memory alike share their tiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod

from codegen.plan import Plan
from codegen.tuned.phase import Phase
from codegen.tuned.tiles import (
    SMALL_ROWS,
    all_across,
    dot_rows,
    most_columns,
    most_rows,
    parts,
    rows_at_once,
    vectors_at_once,
)
from codegen.vector_math.kernel_sets import KERNEL_SETS, KernelSet

GUARDED_VECTORS = 2
"""Narrow panels follow a guard along the diagonal more closely."""


def kernel_lines(phases: Iterable[Phase], plan: Plan, kernels: KernelSet, item: int) -> list[str]:
    """The tiles and the tables of some contractions."""
    owners: dict[tuple[str, ...], str] = {}
    tiles: dict[str, str] = {}
    tables: dict[str, str] = {}
    for one in phases:
        owner = owners.setdefault((*one.walk, *one.passing), one.name)
        if one.dots:
            tables[one.name] = _dots(one, owner, plan, kernels, tiles)
        else:
            tables[one.name] = _table(one, owner, plan, kernels, item, tiles)
    return [
        *tiles.values(),
        *(
            line
            for name, text in tables.items()
            for line in (f"#undef KERNELS_{name}", f"#define KERNELS_{name} {text}")
        ),
    ]


def _table(one: Phase, owner: str, plan: Plan, kernels: KernelSet, item: int, tiles: dict[str, str]) -> str:
    assert one.shape is not None
    varying = plan.batch_size in one.shape[0].free_symbols
    entries = []
    for count, width, heights in _panels(one, plan, kernels, item):
        small = [h if varying and h <= most_rows(kernels, width) else 0 for h in SMALL_ROWS]
        names = [_tile(one, owner, h, width, tiles) for h in (heights[0], heights[-1], *small)]
        names.append(_packing(one, owner, heights[-1], width, tiles) if one.passing else "0")
        entries.append(f"{{{count}, {width}, {heights[0]}, {heights[-1]}, {', '.join(names)}}}")
    return f"{{{', '.join([*entries, '{0}'][:2])}}}"


def _panels(
    one: Phase, plan: Plan, kernels: KernelSet, item: int
) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """How many panels of how many vectors, and the rows of their pieces."""
    assert one.shape is not None
    rows, columns = (plan.size(extent) for extent in one.shape)
    vectors = -(-columns // kernels.lanes(item))
    at_once = vectors_at_once(kernels, rows, vectors)
    panels = -(-vectors // (min(at_once, GUARDED_VECTORS) if one.guarded else at_once))
    base, wider = divmod(vectors, panels)
    for width, count in ((base + 1, wider), (base, panels - wider)):
        most = most_rows(kernels, width)
        if count:
            yield count, width, parts(rows, min(most, most_rows(kernels, 2)) if one.packs_rows else most)


def line_reals(one: Phase, plan: Plan, item: int) -> int:
    """The room of packed rows: of all where panels stay near, else of as many as stay near together."""
    if not one.packs_rows:
        return 0
    assert one.shape is not None
    rows, terms = plan.size(one.shape[0]), prod(plan.size(extent) for extent in one.panels[: one.sums])
    room = 0
    for kernels in KERNEL_SETS:
        lanes = kernels.lanes(item)
        pitch = -(-most_rows(kernels, 2) // lanes) * lanes
        for _, _, heights in _panels(one, plan, kernels, item):
            pieces = -(-rows // heights[0])
            if not one.turned:
                pieces = min(pieces, rows_at_once(terms) // heights[0] + 2)
            room = max(room, pieces * terms * pitch)
    return room


def _dots(one: Phase, owner: str, plan: Plan, kernels: KernelSet, tiles: dict[str, str]) -> str:
    assert one.shape is not None
    rows, columns = (plan.size(extent) for extent in one.shape)
    across = plan.size(one.across)
    terms = plan.size(one.terms)
    tall = across if across > 1 and all_across(kernels, rows, columns, across, terms) else 1
    wide = (columns,) if tall > 1 else parts(columns, most_columns(kernels))
    high = parts(rows, dot_rows(kernels, tall * wide[0]))
    names = [_tile(one, owner, h, tall * w, tiles) for h in (high[0], high[-1]) for w in (wide[0], wide[-1])]
    return f"{{{{{high[0]}, {high[-1]}, {wide[0]}, {wide[-1]}, {tall}, {', '.join(names)}}}}}"


def _tile(one: Phase, owner: str, rows: int, width: int, tiles: dict[str, str]) -> str:
    """The name of a tile, written when it is first asked for; 0 for one of no rows."""
    if not rows:
        return "0"
    name = f"{owner}_{rows}x{width}"
    row, *strides = one.walk
    filled = [stride.replace("WIDTH_", str(width)) for stride in strides]
    kind = "DOTS" if one.dots else "TILE" if len(filled) == 2 else "TILE_3"
    tiles.setdefault(name, f"{kind}({owner}, {rows}, {width}, {row}, {', '.join(filled)})")
    return f"FN({name})"


def _packing(one: Phase, owner: str, rows: int, width: int, tiles: dict[str, str]) -> str:
    """The name of a tile that packs what passes by."""
    name = f"{owner}_packs_{rows}x{width}"
    tiles.setdefault(name, f"TILE_PACKS({owner}, {rows}, {width}, {', '.join(one.passing)})")
    return f"FN({name})"

"""Which register tiles each contraction of a file is made of, for one kernel set and one size of real.

    TILE(Z2, 6, 4, N, 1, 4 * LANES)             one function a shape and a way through memory
    #define KERNELS_Z2 {{1, 4, 6, 5, FN(Z2_6x4), FN(Z2_5x4), ..}, {1, 3, 9, 8, ..}}

Contractions that walk through memory alike share their tiles.
"""

from __future__ import annotations

from collections.abc import Iterable

from codegen.plan import Plan
from codegen.tuned.phase import Phase
from codegen.tuned.tiles import SMALL_ROWS, dot_rows, most_columns, most_rows, parts, vectors_at_once
from codegen.vector_math.kernel_sets import KernelSet

GUARDED_VECTORS = 2
"""Narrow panels follow a guard along the diagonal more closely."""


def kernel_lines(phases: Iterable[Phase], plan: Plan, kernels: KernelSet, item: int) -> list[str]:
    """The tiles and the tables of some contractions."""
    owners: dict[tuple[str, ...], str] = {}
    tiles: dict[str, str] = {}
    tables: dict[str, str] = {}
    for one in phases:
        owner = owners.setdefault(one.walk, one.name)
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
    rows, columns = (plan.size(extent) for extent in one.shape)
    varying = plan.batch_size in one.shape[0].free_symbols
    vectors = -(-columns // kernels.lanes(item))
    at_once = vectors_at_once(kernels, rows, vectors)
    if one.guarded:
        at_once = min(at_once, GUARDED_VECTORS)
    panels = -(-vectors // at_once)
    base, wider = divmod(vectors, panels)
    entries = []
    for width, count in ((base + 1, wider), (base, panels - wider)):
        if not count:
            entries.append("{0}")
            continue
        most = most_rows(kernels, width)
        heights = parts(rows, most)
        small = [h if varying and h <= most else 0 for h in SMALL_ROWS]
        names = [_tile(one, owner, h, width, tiles) for h in (heights[0], heights[-1], *small)]
        entries.append(f"{{{count}, {width}, {heights[0]}, {heights[-1]}, {', '.join(names)}}}")
    return f"{{{', '.join(entries)}}}"


def _dots(one: Phase, owner: str, plan: Plan, kernels: KernelSet, tiles: dict[str, str]) -> str:
    assert one.shape is not None
    rows, columns = (plan.size(extent) for extent in one.shape)
    wide = parts(columns, most_columns(kernels))
    high = parts(rows, dot_rows(kernels, wide[0]))
    names = [_tile(one, owner, h, w, tiles) for h in (high[0], high[-1]) for w in (wide[0], wide[-1])]
    return f"{{{{{high[0]}, {high[-1]}, {wide[0]}, {wide[-1]}, {', '.join(names)}}}}}"


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

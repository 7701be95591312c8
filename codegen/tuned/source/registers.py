"""The macros of tiles, by rows and by vectors, and the tiles of each kernel set."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Any

from codegen.tuned.functions import ITEMS, of_the_set
from codegen.tuned.phase import Phase
from codegen.tuned.products.kernels import kernel_lines
from codegen.tuned.products.rest import rest_macros
from codegen.tuned.products.straight import APART
from codegen.tuned.products.tiles import (
    AHEAD,
    ASK_EVERY,
    FAR_BYTES,
    FAR_TERMS,
    MOST_ROWS,
    MOST_VECTORS,
    NEAR_TERMS,
    REAL,
)
from codegen.tuned.sizes import Sized
from codegen.vector_math.kernel_sets import KERNEL_SETS

THIRD = 3
"""Rows that are reached from one pointer: where it is, and once and twice a register beyond."""


def row_macros() -> list[str]:
    """ROWS_3(DO) is DO(0) DO(1) DO(2); ROW_4 is one row from the third: one register for three rows."""
    lines = ["#define ROWS_1(DO) DO(0)"]
    lines += [f"#define ROWS_{r}(DO) ROWS_{r - 1}(DO) DO({r - 1})" for r in range(2, MOST_ROWS + 1)]
    for r in range(MOST_ROWS):
        third, rest = r // THIRD * THIRD, ("row_", "2 * row_")
        lines.append(f"#define ROW_{r} p{third}[{rest[r % THIRD - 1] if r % THIRD else '0'}]")
    apart = "const ptrdiff_t row_ = row;"
    for r in range(1, MOST_ROWS + 1):
        thirds = range(0, r, THIRD)
        begins = "".join(f", *p{t} = p{t - THIRD} + {THIRD} * row_" for t in thirds[1:])
        lines += [
            f"#define FROM_{r}(row) {apart if r > 1 else ''}{f' const real{begins[1:]};' if begins else ''}",
            f"#define ONWARD_{r}(step) {' '.join(f'p{t} += step;' for t in thirds)}",
        ]
    return lines


def vector_macros() -> list[str]:
    """What a tile does for one row, and once for its vectors, by how many vectors there are."""
    lines = []
    for v in range(1, MOST_VECTORS + 1):
        every = range(v)
        last = f"b{v - 1} = FN(part)(b + {v - 1} * LANES, left)"
        zero = ", ".join(f"c##r##_{k} = {{0}}" for k in every)
        loads = ", ".join(
            f"b{k} = load(b{f' + {k} * LANES' if k > 1 else ' + LANES' if k else ''})" for k in every
        )
        parts = ", ".join([*(f"b{k} = load(b + {k} * LANES)" for k in range(v - 1)), last])
        puts = " ".join(f"put(to + {k} * LANES, b{k});" for k in every)
        near = " ".join(f"NEAR(x, {k})" for k in every)
        adds = " ".join(f"c##r##_{k} = fma_(a_, b{k}, c##r##_{k});" for k in every)
        keeps = " ".join(f"c[(r) * {v} + {k}] = c##r##_{k};" for k in every)
        lines += [
            f"#define ZERO_{v}(r) vec {zero};",
            f"#define LOAD_{v} const vec {loads};",
            f"#define LOAD_PART_{v} const vec {parts};",
            f"#define PUT_{v} {puts}",
            f"#define NEAR_{v}(x) {near}",
            f"#define SOON_{v}(x) {near.replace('NEAR', 'SOON')}",
            f"#define ADD_{v}(r) {{ const vec a_ = all(ROW_##r); {adds} }}",
            f"#define KEEP_{v}(r) {keeps}",
        ]
    return lines


def dots_macros(tiles: Iterable[str]) -> list[str]:
    """What tiles of scalar products do for each column, and for all rows, by how many there are."""
    matches = [re.match(r"DOTS\(\w+, (\d+), (\d+)", line) for line in tiles]
    found = [(int(m[1]), int(m[2])) for m in matches if m]
    most = max((v for _, v in found), default=0)
    lines = [
        f"#define COLUMNS_{v}(DO) {f'COLUMNS_{v - 1}(DO) ' if v > 1 else ''}DO({v - 1})"
        for v in range(1, most + 1)
    ]
    for r in range(1, max((r for r, _ in found), default=0) + 1):
        begin = ", ".join(f"c{i}_##k = c[{i} * columns_ + (k)]" for i in range(r))
        adds = " ".join(f"c{i}_##k = fma_(a{i}, b_, c{i}_##k);" for i in range(r))
        keeps = " ".join(f"c[{i} * columns_ + (k)] = c{i}_##k;" for i in range(r))
        held = "HELD(b_) " if r > 1 else ""
        lines += [
            f"#define BEGIN_DOTS_{r}(k) vec {begin};",
            f"#define ADD_DOTS_{r}(k) {{ vec b_ = load(b + COLUMN(k)); {held}{adds} }}",
            f"#define KEEP_DOTS_{r}(k) {keeps}",
        ]
    return lines


def kernels_context(phases: list[Phase], sizes: Sized, name: str) -> dict[str, Any]:
    """Which kernels there are, and the tiles of the contractions."""
    tiles = tile_groups(phases, sizes, name)
    return {
        "row_macros": row_macros(),
        "vector_macros": vector_macros(),
        "tiles": tiles,
        "dots_macros": dots_macros(line for group in tiles for line in group["lines"]),
        "most_sums": 4 * MOST_ROWS,
        "ahead": AHEAD,
        "asks": any(map(partial(_asks, sizes=sizes), phases)),
        "ask_every": ASK_EVERY,
        "far_bytes": FAR_BYTES,
        "far_terms": FAR_TERMS,
        "near_terms": NEAR_TERMS,
        "apart": APART,
        "called": _called(phases),
        "tiled": any(one.shape and not one.dots for one in phases),
        "crossed": max((sizes.size(one.crossed) for one in phases), default=0),
        "turned": any(one.turned for one in phases),
        "dots": any(one.dots for one in phases),
        "guarded": any(one.guarded for one in phases),
        "far": any(one.far for one in phases),
        "below": any(one.below for one in phases),
        **_rest_context([line for group in tiles for line in group["lines"]]),
    }


def _asks(one: Phase, sizes: Sized) -> bool:
    """Whether panels of a contraction may ask for rows of A: where those are too many to stay near."""
    if one.shape is None or one.dots or not any("ONE(contract)(" in line for line in one.lines):
        return False
    return REAL * sizes.size(one.shape[0]) * sizes.size(one.terms) > FAR_BYTES


def _rest_context(tiles: Iterable[str]) -> dict[str, Any]:
    """Which tiles there are of columns beside whole vectors."""
    found = [m for m in (re.match(r"(ALONG|ACROSS)\((\d+), (\d+)\)", line) for line in tiles) if m]
    most = max((int(m[2]) for m in found if m[1] == "ALONG"), default=0)
    return {
        "rest": {m[1].lower() for m in found},
        "rest_macros": rest_macros({int(m[3]) for m in found}),
        "along_columns": sorted({int(m[3]) for m in found if m[1] == "ALONG"}),
        "across_columns": sorted({int(m[3]) for m in found if m[1] == "ACROSS"}),
        "most_along": most * max(kernels.lanes(min(ITEMS)) for kernels in KERNEL_SETS),
    }


def _called(phases: list[Phase]) -> set[str]:
    """The kernels that some phase calls."""
    return {
        name for one in phases for line in one.lines for name in re.findall(r"(?:FN|ONE)\((\w+)\)\(", line)
    }


def tile_groups(phases: list[Phase], sizes: Sized, name: str) -> list[dict[str, str | list[str]]]:
    """The tiles of each set, for float and double, and which of them each contraction uses."""
    groups: list[dict[str, str | list[str]]] = []
    for one in KERNEL_SETS:
        for item in ITEMS:
            test = of_the_set(one.name, name, item)
            lines = kernel_lines([p for p in phases if p.shape], sizes, one, item)
            groups.append({"directive": f"#{'elif' if groups else 'if'} {test}", "lines": lines})
    return groups

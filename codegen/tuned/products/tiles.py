"""Tiles: how many rows and vectors of a product are accumulated in registers at once.

A tile of r rows and v vectors does r v fused multiply-adds a step of its sum, with r broadcasts and v loads.
Two of each are done in a cycle, an accumulator is ready again after four, and four instructions begin in a
cycle: beside these v loads and v lines asked for ahead, r/3 pointers moved, and the loop itself. A step takes

    max(r v, r + v, 8, (r v + r + 2 v + r/3 + 3)/2 + 2) / 2 cycles.

Accumulators, the v vectors and one broadcast must fit the registers: r v + v + 1 <= registers, one more
where multiplying and adding are two instructions. A cache line that comes from the second level costs half
a cycle more: each step reads v vectors of a panel, and of the r rows what it will use up of their lines. Of
all v the best is the one with the fewest cycles for the whole product; rows and vectors are split into nearly
equal parts, so that no part is a remainder.
"""

from __future__ import annotations

from codegen.vector_math.kernel_sets import KernelSet

MOST_VECTORS = 4
MOST_ROWS = 14
MOST_COLUMNS = 6
SMALL_ROWS = 4
SMALL_VECTORS = 2
GUARDED_VECTORS = 2
"""Narrow panels follow a guard along the diagonal more closely."""
LOOP = 3
"""Instructions of a step that move the panel and end the loop."""
TURN = 2
"""Half cycles in which a loop begins again and little is begun."""
AHEAD = 8
"""Steps of a sum by which a panel is asked for before it is used: over 100 cycles."""
LINE = 64
REAL = 4
FAR_LINE = 4
"""Half cycles for a line that is not in the second level either."""
NEAR_BYTES = 1 << 20
"""What of the left factor stays near while all panels pass by: half of a second-level cache of 2 MB."""
FAR_BYTES = 1 << 20
"""Of more than a second-level cache of 1 MB the rows of a left factor are asked for ahead,"""
ASK_EVERY = 4
"""unless that is once in fewer steps than these, each a loop begun again."""

FAR_TERMS = 1 << 18
"""Bytes of a piece of the left factor of scalar products that no second level keeps beside the right one."""
NEAR_TERMS = 1 << 14
"""Bytes of it that stay in the first level, half of 32 KB, while all columns pass by."""


def most_rows(kernels: KernelSet, vectors: int) -> int:
    """The most rows of a tile of so many vectors."""
    spare = kernels.registers - vectors - (1 if kernels.fused else 2)
    return min(MOST_ROWS, spare // vectors)


def parts(whole: int, most: int) -> tuple[int, ...]:
    """The sizes, at most two, of nearly equal parts of at most so many: 100 by 14 is 13 and 12."""
    count = -(-whole // most)
    least, more = divmod(whole, count)
    return (least + 1, least) if more else (least,)


def vectors_at_once(kernels: KernelSet, rows: int, vectors: int, equal: bool = False) -> int:
    """The v of the fewest cycles for a product of so many rows and vectors; the widest of equals.

    `equal`: all panels are of one width, so that rows are packed for all of them alike.
    """
    allowed = [v for v in range(1, min(MOST_VECTORS, vectors) + 1) if not (equal and vectors % v)]
    return min(reversed(allowed), key=lambda v: _cycles(kernels, rows, vectors, v))


def fewest_cycles(kernels: KernelSet, rows: int, vectors: int) -> float:
    """Half cycles of one step of the sum over the whole product."""
    return _cycles(kernels, rows, vectors, vectors_at_once(kernels, rows, vectors))


def rows_at_once(terms: int, item: int = 4) -> int:
    """The rows of the left factor, of so many terms each, that stay near."""
    return max(MOST_ROWS, NEAR_BYTES // (terms * item))


def _cycles(kernels: KernelSet, rows: int, vectors: int, most: int) -> float:
    """Half cycles of one step of the sum over the whole product, in panels of at most so many."""
    panels = -(-vectors // most)
    least, more = divmod(vectors, panels)
    total = 0.0
    for width, count in ((least + 1, more), (least, panels - more)):
        high = most_rows(kernels, width)
        pieces = -(-rows // high)
        base, extra = divmod(rows, pieces)
        each = ((base + 1, extra), (base, pieces - extra))
        total += count * sum(n * tile_cycles(kernels, h, width) for h, n in each if n)
    return total


def tile_cycles(kernels: KernelSet, rows: int, vectors: int) -> float:
    """Half cycles of a tile's step: multiply-adds, loads, latency or instructions, and lines from afar."""
    lines = (vectors * kernels.width + rows * REAL) / LINE
    begun = (rows * vectors + rows + 2 * vectors + -(-rows // 3) + LOOP) / 2 + TURN
    return max(rows * vectors, rows + vectors, 8, begun) + lines


def columns_at_once(kernels: KernelSet, rows: int, columns: int) -> int:
    """The columns of a tile of scalar products: the fewest cycles a step, the widest of equals."""
    allowed = [c for c in range(1, min(MOST_COLUMNS, columns) + 1) if dot_rows(kernels, c)]

    def cycles(most: int) -> float:
        return sum(_dots_cycles(kernels, rows, c, 1) for c in _each(columns, most))

    return min(reversed(allowed), key=cycles)


def dot_rows(kernels: KernelSet, columns: int) -> int:
    """The most rows of a tile of scalar products, its sums, its rows and one column in registers; or 0."""
    spare = kernels.registers - (1 if kernels.fused else 2)
    return min(MOST_ROWS, spare // (columns + 1))


def all_across(kernels: KernelSet, rows: int, columns: int, across: int, terms: int) -> bool:
    """Whether scalar products take the columns of all of `across` at once: the fewest cycles a step."""
    if not dot_rows(kernels, columns * across):
        return False
    line = FAR_LINE if REAL * rows * terms > NEAR_BYTES else 1
    most = columns_at_once(kernels, rows, columns)
    apart = across * sum(_dots_cycles(kernels, rows, c, line) for c in _each(columns, most))
    return _dots_cycles(kernels, rows, columns * across, line) < apart


def _each(whole: int, most: int) -> list[int]:
    """The size of each nearly equal part."""
    count = -(-whole // most)
    return [(whole + place) // count for place in range(count)]


def _dots_cycles(kernels: KernelSet, rows: int, columns: int, line: int) -> float:
    """Half cycles of a step of all rows: multiply-adds, a quarter for each load beside them, and the lines of
    the left factor, which come from the second level or from farther; windows of the right one are near.
    """
    each = _each(rows, dot_rows(kernels, columns))
    loads = sum((r + columns) / 4 + line * r * kernels.width / LINE for r in each)
    return loads + sum(max(r * columns, r + columns, 8) for r in each)

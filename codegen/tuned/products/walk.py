"""Walks: how a contraction's tiles go through memory, as C spells it.

C[i,j] = sum_p X[i,p] W[p,j]     rows N apart; X moves by 1 and a packed W by the width of its panel for each
p
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd, prod

from sympy import Expr, Integer

from codegen.c.nest import Line, Node
from codegen.extents import evaluated
from codegen.tuned.products.contraction import Contraction, adjacent, has, steps, windowed
from codegen.tuned.products.tiles import FAR_BYTES, LINE, MOST_VECTORS, REAL
from codegen.tuned.spelling.scene import WIDEST, Scene
from derive.calculus.expressions.nodes import Range
from derive.calculus.expressions.tensor import Index, Ref

LONG_ROW = 256
"""Rows of more reals than this are packed: 1 KB apart, lines share a quarter of the sets of a cache."""
PAGE = 4096
NEAR_PAGES = 680
"""So many pages are a third of 2,048, which a processor keeps in mind: terms that lie in more are packed."""
MANY_TERMS = 256
WIDE = 64
"""Sums of so many terms, over so many columns for so many rows, are worth packing both factors."""
SETS, WAYS = 64, 8
"""Of a first-level cache of 32 KB: lines a multiple of 4 KB apart meet in one set, of so many lines."""
NEAR_PANELS = 1 << 19
"""Bytes of all panels that stay near, a quarter of a second-level cache of 2 MB, while rows pass by."""
NEAR_BLOCK = 1 << 18
"""Bytes of a block of terms of all panels; beside it lies what the sums are added to."""
LONG_SUM = 16
"""An innermost sum of fewer terms has no time to ask for anything."""
FEW_TERMS = 128
"""Fewer terms at a time are not worth adding sums up in memory: a tenth of a tile's time."""
AT_ONCE = 1 << 20
"""Bytes of panels that are there at once: more would come from afar again as rows pass by."""


@dataclass(frozen=True)
class Walk:
    """Strides of a contraction's factors, counts of its sums, where they start, and what is packed.

    Three of each, 0 and 1 where there are fewer sums; `around`: B differs by the outer loops; `passing`: its
    panels are packed one by one, by the tiles that first pass by; `lines`: A is packed too; `turned`: all
    panels stay near while rows pass by, packed or, `rows_first`, as they lie.
    """

    row: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    counts: tuple[str, ...]
    bounds: tuple[Node, ...]
    starts: Mapping[Index, Expr]
    packed: bool
    around: bool
    passing: bool = False
    lines: bool = False
    turned: bool = False
    rows_first: bool = False


def walk_of(found: Contraction, scene: Scene, limited: bool = False, away: bool = False) -> Walk:
    """How a contraction goes through memory; within limits no tile packs as it passes by.

    `away`: its sums are a gradient, which an update uses up in the order of memory.
    """
    none = 3 - len(found.sums)
    starts, bounds = _loop_bounds(found, scene)
    lines, turned, both = _lines(found, scene), _turned(found, scene), not limited and _both(found, scene)
    packed = not found.dots and (turned or both or not _direct(found, scene))
    return Walk(
        stride(found.left, found.rows[-1][0], scene),
        (*["0"] * none, *(stride(found.left, i, scene) for i, _ in found.sums)),
        (*["0"] * none, *(stride(found.right, i, scene) for i, _ in found.sums)),
        (*["1"] * none, *(_count(found, r, starts, scene) for r in found.sums)),
        tuple(bounds),
        starts,
        packed,
        bool(found.bounds) or (not both and any(has(found.right, index) for index, _ in found.outer)),
        not limited and packed and not turned and (both or _passing(found, scene)),
        not limited and packed and (both or (lines and (turned or _passing(found, scene)))),
        not limited and turned,
        away and not packed and _plain(found, scene) and _near(found, scene),
    )


def rows_far(found: Contraction, walk: Walk, scene: Scene) -> bool:
    """Whether rows that lie side by side are read from afar, each term in a page of its own."""
    beside = walk.row == "1" and len(found.sums) == 1 and not walk.lines
    return beside and _pages(found.left, found.sums[0], scene) > NEAR_PAGES


def terms_at_once(found: Contraction, scene: Scene) -> int:
    """The terms of a block for which all panels stay near; 0 where those are few."""
    terms = NEAR_BLOCK // (REAL * _number(found.lanes[1], scene))
    return terms if terms >= FEW_TERMS else 0


def asks_below(found: Contraction, scene: Scene) -> bool:
    """Whether tiles of several sums ask for rows below: A is large, and the innermost sum is long."""
    if found.dots or len(found.sums) == 1 or _number(found.sums[-1][1], scene) < LONG_SUM:
        return False
    ranges = (*found.rows, *found.sums, *(one for one in found.outer if has(found.left, one[0])))
    return REAL * prod(_number(extent, scene) for _, extent in ranges) > FAR_BYTES


def panels_at_once(found: Contraction, walk: Walk, scene: Scene) -> Expr:
    """The columns whose panels have room at once, where tiles pack them as they pass by."""
    columns, terms = found.lanes[1], prod(_number(extent, scene) for _, extent in found.sums)
    widest = MOST_VECTORS * WIDEST
    fewer = max(widest, AT_ONCE // (REAL * terms) // widest * widest)
    few = walk.passing and not walk.lines and fewer < _number(columns, scene)
    return Integer(fewer) if few else columns


def columns_apart(found: Contraction, walk: Walk, scene: Scene) -> tuple[str, ...]:
    """What tiles of scalar products are made for: steps of rows, columns, and both factors by each sum."""
    assert found.columns is not None
    index, extent = found.columns
    across = stride(found.right, found.across[0], scene) if found.across else "0"
    columns = (scene.size(extent), across, stride(found.right, index, scene))
    return (walk.row, *columns, *walk.left[:2], *walk.right[:2])


def stride(ref: Ref, index: Index, scene: Scene) -> str:
    """The reals from one value of an index to the next."""
    stored = scene.stored[ref.name]
    terms = []
    for axis, slope in (steps(ref, index) or {}).items():
        stride = stored.stride(axis, scene.size)
        if slope == 1:
            terms.append(stride)
        elif slope == -1:
            terms.append(f"-({stride})")
        else:
            terms.append(f"{slope} * ({stride})" if stride != "1" else str(slope))
    return " + ".join(terms) or "0"


def _loop_bounds(found: Contraction, scene: Scene) -> tuple[dict[Index, Expr], list[Node]]:
    """int u_from = max(0, 2 - h), u_to = min(U, H + 2 - h); where a summed index is bounded."""
    starts: dict[Index, Expr] = {}
    lines: list[Node] = []
    scalar = scene.scalar(dict(found.equation.ranges))
    for index, extent in found.sums:
        own = [b for b in found.bounds if b.index == index]
        if not own:
            continue
        least, stop = (
            [b.least for b in own if b.least is not None],
            [b.stop for b in own if b.stop is not None],
        )
        start, end = "0", scalar.integer(extent)
        for other in least:
            start = f"LARGER({start}, {scalar.integer(other)})"
        for other in stop:
            end = f"SMALLER({end}, {scalar.integer(other)})"
        lines.append(Line(f"const int {index.name}_from = {start}, {index.name}_to = {end};"))
        starts[index] = Index(f"{index.name}_from")
    return starts, lines


def _count(found: Contraction, summed: Range, starts: dict[Index, Expr], scene: Scene) -> str:
    index, extent = summed
    if index in starts:
        return f"{index.name}_to - {index.name}_from"
    text = scene.extent(extent)
    return f"VECTORS({text})" if found.dots and summed == found.lanes else text


def _direct(found: Contraction, scene: Scene) -> bool:
    """Whether the right factor lies as the tiles read it: along its rows, rows of whole vectors.

    Where rows are long a panel's lines meet in few sets of the cache, and packing them costs less.
    """
    if not adjacent(found.right, found.lanes[0], scene.stored):
        return False
    if windowed(found.right):
        return True
    stored = scene.stored[found.right.name]
    assert stored.last is not None
    row = evaluated(stored.tensor.shape[stored.last], scene.sizes.values)
    if not stored.padded and row % 16:
        return False
    if _plain(found, scene):
        return _pages(found.right, found.sums[0], scene) <= NEAR_PAGES
    return row <= LONG_ROW and not _crowded(found, scene)


def _crowded(found: Contraction, scene: Scene) -> bool:
    """Whether a panel's lines are more than the sets of a cache hold in which they lie, a few each."""
    apart = gcd(*(_apart(found.right, index, scene) // LINE for index, _ in found.sums))
    terms = prod(_number(extent, scene) for _, extent in found.sums)
    return terms > SETS // gcd(apart, SETS) * WAYS


def _plain(found: Contraction, scene: Scene) -> bool:
    """A sum over one index without loops around, with as many lanes at every call."""
    fixed = scene.sizes.batch not in map(str, found.lanes[1].free_symbols)
    return fixed and len(found.sums) == 1 and not found.outer and not found.bounds and not found.dots


def _passing(found: Contraction, scene: Scene) -> bool:
    """Whether panels may be packed one by one: vectors of a row follow each other, or terms of a lane."""
    index = found.sums[0][0]
    beside = any(adjacent(found.right, one, scene.stored) for one in (found.lanes[0], index))
    return beside and _plain(found, scene)


def _number(extent: Expr, scene: Scene) -> int:
    return evaluated(extent, scene.sizes.values)


def _pages(ref: Ref, summed: Range, scene: Scene) -> int:
    """The pages in which the terms of one row lie."""
    return _number(summed[1], scene) * min(PAGE, _apart(ref, summed[0], scene)) // PAGE


def _apart(ref: Ref, index: Index, scene: Scene) -> int:
    """The bytes from one value of an index to the next."""
    stored = scene.stored[ref.name]
    total = 0
    for axis, slope in (steps(ref, index) or {}).items():
        inner = stored.order[stored.order.index(axis) + 1 :]
        total += int(slope) * prod(_number(stored.extent(other), scene) for other in inner)
    return REAL * abs(total)


def _lines(found: Contraction, scene: Scene) -> bool:
    """Whether A is packed: its terms lie in many pages, or the rows of a tile in few sets of a cache."""
    if not _plain(found, scene) or len(found.rows) != 1:
        return False
    if _number(found.lanes[1], scene) < LONG_ROW:
        return False
    own = not scene.stored[found.left.name].padded
    few = own and _apart(found.left, found.rows[0][0], scene) % (16 * LINE) == 0
    return few or _pages(found.left, found.sums[0], scene) > NEAR_PAGES


def _both(found: Contraction, scene: Scene) -> bool:
    """Whether both factors are packed in each turn of the loops around: many terms far apart, long rows."""
    if found.dots or found.bounds or _plain(found, scene) or len(found.rows) != 1:
        return False
    if scene.sizes.batch in map(str, found.lanes[1].free_symbols):
        return False
    row, lane = found.rows[0][0], found.lanes[0]
    beside = adjacent(found.left, row, scene.stored) and adjacent(found.right, lane, scene.stored)
    if not beside or windowed(found.left) or windowed(found.right):
        return False
    terms = prod(_number(extent, scene) for _, extent in found.sums)
    last, extent = found.sums[-1]
    whole = terms // max(1, _number(extent, scene))
    far = any(whole * _pages(ref, (last, extent), scene) > NEAR_PAGES for ref in (found.left, found.right))
    large = min(_number(found.rows[0][1], scene), _number(found.lanes[1], scene)) >= WIDE
    return far and large and terms >= MANY_TERMS


def _turned(found: Contraction, scene: Scene) -> bool:
    """Whether rows pass by all panels: A is packed, and the panels stay near together."""
    return _lines(found, scene) and _near(found, scene)


def _near(found: Contraction, scene: Scene) -> bool:
    """Whether all panels stay near while rows pass by."""
    return REAL * _number(found.sums[0][1], scene) * _number(found.lanes[1], scene) <= NEAR_PANELS


def product(factors: list[str]) -> str:
    """Factors as one text, 1 left out."""
    kept = [f for f in factors if f != "1"]
    return (
        " * ".join(
            f if f.replace(">", "").replace("-", "").isidentifier() or f.isdigit() else f"({f})" for f in kept
        )
        or "1"
    )

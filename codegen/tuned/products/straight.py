"""Products too small for tiles: computed straight from where their factors lie.

    for (int j = 0; j < K; j += LANES)
        for (int i = 0; i < b->m; i++)
            sum = Z2[i,0] W2[0,j] + Z2[i,1] W2[1,j] + ..         four rows i at a time

A walk over tiles costs packing and four calls, one of them by a pointer, before it multiplies at all: some
WALK cycles. In return a multiply-add takes half a cycle in a tile, and one here, where each row's element is
loaded again for each vector. So the straight way is the shorter one for

    rows vectors terms / 2 <= WALK.

A factor whose columns lie apart is put side by side for as many terms as registers and the first level of
the cache hold anyway.
"""

from __future__ import annotations

from collections.abc import Iterable

from sympy import Expr, Mul

from codegen.extents import evaluated
from codegen.tuned.groups.groups import Nest, Rows
from codegen.tuned.products.contraction import Contraction, adjacent
from codegen.tuned.spelling.scene import Scene
from derive.calculus.expressions.nodes import Reduction
from derive.calculus.expressions.tensor import Index, Ref

WALK = 256
"""Cycles that packing and walking over tiles take beside the multiply-adds."""
LINE = 16
"""Columns are counted in vectors of the widest set."""
APART = 32
"""The most vectors of the right factor that are made beforehand."""
ROWS = 4
"""The rows that are computed at once."""


def is_straight(found: Contraction, scene: Scene) -> bool:
    """Whether a product is computed without tiles."""
    if found.dots or found.outer or found.bounds or len(found.sums) != 1:
        return False
    rows = _number(Mul(*(extent for _, extent in found.rows)), scene)
    terms = _number(found.sums[0][1], scene)
    vectors = -(-_number(found.lanes[1], scene) // LINE)
    together = adjacent(found.right, found.lanes[0], scene.stored)
    return rows * vectors * terms <= 2 * WALK and (together or terms <= APART)


def is_whole(right: Ref, lane: Index, scene: Scene) -> bool:
    """Whether vectors of a factor may be loaded whole: its rows are padded."""
    return scene.stored[right.name].padded and adjacent(right, lane, scene.stored)


def aside(found: Contraction, scene: Scene, whole: bool) -> bool:
    """Whether vectors of the right factor are made before any row: where one costs more than a load, and
    more rows than are computed at once take it.
    """
    if not adjacent(found.right, found.lanes[0], scene.stored):
        return True
    rows = _number(Mul(*(extent for _, extent in found.rows)), scene)
    return not whole and rows > ROWS and _number(found.sums[0][1], scene) <= APART


def is_small(group: Nest, scene: Scene) -> bool:
    """Whether a nest does so little that a call of it would be felt: as many vectors as WALK has cycles."""
    return _elements(group, scene) <= WALK * LINE


def are_small(groups: Iterable[Nest], scene: Scene) -> bool:
    """The same for all nests of a step together, twice as much: whether calls between them would be felt."""
    return sum(_elements(group, scene) for group in groups) <= 2 * WALK * LINE


def _elements(group: Nest, scene: Scene) -> int:
    """How often the innermost line of a nest is computed; rows are of whole vectors."""
    if isinstance(group, Rows):
        rows = _number(Mul(*(extent for _, extent in group.outer)), scene)
        return rows * -(-_number(group.lane[1], scene) // LINE) * LINE * len(group.passes)
    first = group.first
    inner = [r for term in first.value.atoms(Reduction) for r in term.ranges]
    return _number(Mul(*(extent for _, extent in (*first.ranges, *inner))), scene)


def _number(extent: Expr, scene: Scene) -> int:
    return evaluated(extent, scene.sizes.values)

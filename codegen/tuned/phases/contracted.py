"""A contraction as a function: what is packed, what is called, and the loops around.

const ONE(product) s = {1, 1, N, N, 0, 0, 1, 0, 0, D};
ONE(pack)(x, &s, kernels, W1, 1, D, 1, panels);
ONE(contract)(&s, kernels, b->m, D, 1, 1, X, panels, finish, x);
"""

from __future__ import annotations

from math import prod

from sympy import Integer, Mul

from codegen.accumulation import ACCUMULATED
from codegen.c.nest import Guard, Line, Loop, Node, render
from codegen.extents import evaluated
from codegen.tuned.groups.groups import Group
from codegen.tuned.phase import NONE, ONE, Phase
from codegen.tuned.phases.finishes import finish_lines
from codegen.tuned.products.contraction import Contraction, has
from codegen.tuned.products.limits import Limits
from codegen.tuned.products.rest import rest_way
from codegen.tuned.products.straight import aside, is_straight, is_whole
from codegen.tuned.products.tiles import rows_at_once
from codegen.tuned.products.walk import (
    Walk,
    asks_below,
    columns_apart,
    panels_at_once,
    product,
    rows_far,
    stride,
    terms_at_once,
    walk_of,
)
from codegen.tuned.spelling.around import block_indices, needed
from codegen.tuned.spelling.scene import Scene
from codegen.tuned.storage import at
from derive.calculus.expressions.nodes import Range
from derive.calculus.expressions.tensor import Ref

FEEDS = 4
"""So many values of the loops around are enough for the threads to share."""


def contracted(
    found: Contraction,
    group: Group,
    scene: Scene,
    texts: tuple[str, ...],
    gradients: frozenset[str],
    limits: Limits,
) -> Phase:
    """The phase of a group whose first equation is a contraction."""
    away = _given_away(found, group, gradients)
    name, walk = group.equations[-1].name, walk_of(found, scene, limits.some, away)
    if is_straight(found, scene):
        return _straight(found, group, scene, texts, name, walk)
    far = not found.dots and rows_far(found, walk, scene)
    blocks = far and not (away or walk.packed or limits.some) and _alone(found, group)
    most = terms_at_once(found, scene) if blocks else 0
    sums, lane = tuple(n for _, n in found.sums), found.columns or found.lanes
    around = tuple(n for _, n in _apart(found, group) if walk.around)
    return Phase(
        name,
        texts,
        needed(render(_nodes(found, group, walk, scene, away, limits, most))),
        () if away else finish_lines(found, group, scene, added=most > 0),
        found.equation.name if away else "",
        (Mul(*(n for _, n in found.rows)), lane[1]),
        (*sums, panels_at_once(found, walk, scene), *around) if walk.packed else (),
        (found.left.name, found.right.name) if away else None,
        Mul(*sums),
        len(sums),
        columns_apart(found, walk, scene) if found.dots else (),
        found.dots,
        found.across[1] if found.across else ONE,
        passing=walk.passing and stride(found.right, found.lanes[0], scene) == "1",
        packs_rows=walk.lines,
        turned=walk.turned,
        guarded=limits.some,
        halved=limits.lanes.sign > 0,
        lasting=bool(scene.once) and _packs(walk),
        rest=rest_way(found, walk, scene),
        far=far and not most,
        below=asks_below(found, scene),
        crossed=found.sums[-1][1] if _crosses(found, walk, scene) else NONE,
        times=Mul(*(n for _, n in found.outer), *scene.extents.values()),
    )


def _crosses(found: Contraction, walk: Walk, scene: Scene) -> bool:
    """Whether what is packed has its terms side by side, and rows or columns apart."""
    right = walk.packed and walk.right[-1] == "1" and stride(found.right, found.lanes[0], scene) != "1"
    return right or (walk.lines and walk.left[-1] == "1" and walk.row != "1")


def _straight(
    found: Contraction, group: Group, scene: Scene, texts: tuple[str, ...], name: str, walk: Walk
) -> Phase:
    """The phase of a product too small for tiles."""
    scalar = scene.scalar(dict(found.equation.ranges))
    rows = product([scalar.integer(n) for _, n in found.rows])
    whole = is_whole(found.right, found.lanes[0], scene)
    arguments = (
        "&s",
        stride(found.right, found.lanes[0], scene),
        *(str(int(flag)) for flag in (whole, aside(found, scene, whole))),
        rows,
        scalar.integer(found.lanes[1]),
        *(scene.address(_start(found, ref, walk)) for ref in (found.left, found.right)),
        f"FN({name}_finish)",
        "x",
    )
    nodes: list[Node] = [
        Line(f"const ONE(product) s = {{{', '.join([*walk.counts, walk.row, *walk.left, *walk.right])}}};"),
        Line(f"FN(straight)({', '.join(arguments)});"),
    ]
    return Phase(name, texts, tuple(render(nodes)), finish_lines(found, group, scene), small=True)


def _apart(found: Contraction, group: Group) -> tuple[Range, ...]:
    """The outer loops whose values have panels of their own: in a block those that threads share."""
    return found.outer[:1] if group.block and group.block.loops else found.outer


def _nodes(
    found: Contraction, group: Group, walk: Walk, scene: Scene, away: bool, limits: Limits, most: int
) -> list[Node]:
    """Packing, the call of `contract`, and the loops around; `most` terms at a time, where it is not 0."""
    scalar = scene.scalar(dict(found.equation.ranges))
    columns = scalar.integer((found.columns or found.lanes)[1])
    head = _head(walk)
    panels = _panels(found, _apart(found, group), walk, scene, columns)
    body: list[Node] = []
    if _packs(walk):
        packs = Line(_pack(found, walk, scene, columns, panels))
        body.append(Guard(scene.once, (packs,)) if scene.once else packs)
    before = [*head, *body] if walk.packed and not walk.around else []
    body = [] if before else [*head, *body]
    if away:
        body.append(Line(f"x->ld = x->columns = {columns};"))
    loops = group.block.loops if group.block else 0
    inner = list(enumerate(found.outer))[loops:]
    body += [Line(f"x->outer[{place}] = {index.name};") for place, (index, _) in inner]
    if limits.some:
        lanes, terms = limits.lanes, limits.terms
        guard = f"{lanes.sign}, {lanes.shift}, {terms.sign}, {terms.shift}"
        body.append(Line(f"const ONE(guard) guard = {{{guard}}};"))
    body.append(Line(_call(found, walk, scene, columns, panels, limits, most)))
    feeds = _feeds(found, scene)
    for place, (index, extent) in reversed(inner):
        shared = "" if place or walk.passing or not feeds else f"SHARED_{min(2, len(found.outer))}"
        body = [Loop(str(index.name), scalar.integer(extent), tuple(body), before=shared)]
    return [*block_indices(found.outer[:loops]), *before, *body]


def _packs(walk: Walk) -> bool:
    """Whether a factor is packed as a whole before the tiles pass by."""
    return walk.packed and not walk.passing and not walk.turned


def _head(walk: Walk) -> list[Node]:
    return [
        *walk.bounds,
        Line(f"const ONE(product) s = {{{', '.join([*walk.counts, walk.row, *walk.left, *walk.right])}}};"),
    ]


def _panels(found: Contraction, apart: tuple[Range, ...], walk: Walk, scene: Scene, columns: str) -> str:
    """Where packed panels lie: each value of the outer loops has its own where B differs by them."""
    if not walk.around:
        return "panels"
    room = product([scene.size(n) for _, n in found.sums])
    return f"panels + (ptrdiff_t)({_flat(apart, scene)}) * ({room}) * VECTORS({columns}) * LANES"


def _pack(found: Contraction, walk: Walk, scene: Scene, columns: str, panels: str) -> str:
    right, once = _start(found, found.right, walk), "0" if walk.around else "1"
    column = stride(found.right, found.lanes[0], scene)
    return f"ONE(pack)(x, &s, kernels, {scene.address(right)}, {column}, {columns}, {once}, {panels});"


def _call(
    found: Contraction, walk: Walk, scene: Scene, columns: str, panels: str, limits: Limits, most: int
) -> str:
    scalar = scene.scalar(dict(found.equation.ranges))
    rows = product([scalar.integer(n) for _, n in found.rows])
    left, right = (scene.address(_start(found, ref, walk)) for ref in (found.left, found.right))
    column = stride(found.right, found.lanes[0], scene)
    operand = panels if walk.packed else right
    if limits.some:
        size = f"&s, kernels, &guard, {rows}, {columns}, {int(walk.packed)}"
        return f"ONE(contract_guarded)({size}, {left}, {operand}, finish, x);"
    if most:
        return f"ONE(contract_blocks)(&s, kernels, {rows}, {most}, {left}, {right}, finish, x);"
    shared = str(int(not _feeds(found, scene)))
    kernel = "contract"
    between: tuple[str, ...] = (str(int(walk.packed)), shared, left, operand)
    if walk.turned or walk.rows_first:
        room = "panels" if walk.turned else "0"
        kernel, between = "contract_rows", (left, right, column, room)
    elif walk.passing:
        most = rows_at_once(prod(evaluated(n, scene.sizes.values) for _, n in found.sums))
        factors = (left, right, column, "panels")
        at_once = f"VECTORS({scalar.integer(panels_at_once(found, walk, scene))}) * LANES"
        rows_and_panels = (str(most), at_once, _lines_packed(found, walk))
        kernel, between = "contract_passing", (*rows_and_panels, *factors)
    elif found.columns is not None:
        way = stride(found.right, found.columns[0], scene)
        kernel, between = "scalar_products", (way, *_across(found, scene), shared, left, right)
    arguments = ("&s", "kernels", rows, columns, *between, "finish", "x")
    return f"ONE({kernel})({', '.join(arguments)});"


def _feeds(found: Contraction, scene: Scene) -> bool:
    """Whether the loops around feed the threads; rows of scalar products do where there are few values."""
    values = prod(evaluated(extent, scene.sizes.values) for _, extent in found.outer[:2])
    return bool(found.outer) and not (found.dots and values < FEEDS)


def _lines_packed(found: Contraction, walk: Walk) -> str:
    """Whether A is packed: 1; 2 where the turn of the loops around before this one has done it."""
    around = [index for index, _ in found.outer]
    if not walk.lines or not around or any(has(found.left, index) for index in around):
        return str(int(walk.lines))
    return f"{' + '.join(str(index.name) for index in around)} ? 2 : 1"


def _across(found: Contraction, scene: Scene) -> tuple[str, str]:
    """How many times as many columns there are, and how far apart."""
    if found.across is None:
        return "1", "0"
    index, extent = found.across
    return scene.scalar(dict(found.equation.ranges)).integer(extent), stride(found.right, index, scene)


def _start(found: Contraction, ref: Ref, walk: Walk) -> Ref:
    """The first element of a factor for the loops around: rows, lanes and sums at 0, or where they start."""
    inside = (
        *found.rows,
        found.columns or found.lanes,
        *((found.across,) if found.across else ()),
        *found.sums,
    )
    first = [*(index for index, _ in inside), *found.folded]
    return at(ref, {**{index: Integer(0) for index in first}, **walk.starts})


def _flat(outer: tuple[Range, ...], scene: Scene) -> str:
    text = str(outer[0][0].name)
    for index, extent in outer[1:]:
        text = f"({text}) * {scene.size(extent)} + {index.name}"
    return text


def _given_away(found: Contraction, group: Group, gradients: frozenset[str]) -> bool:
    """Whether the sums are a gradient as they are, so that whoever asked for it may use them up at once."""
    matrix = len(found.equation.target.indices) == 2
    return matrix and found.equation.name in gradients and _alone(found, group)


def _alone(found: Contraction, group: Group) -> bool:
    """Whether the sums are all that there is, as they are, of rows of one index."""
    plain = found.form.start == 0 and found.form.finish == ACCUMULATED and found.coefficient == 1
    simple = not found.outer and not found.dots and not found.bounds
    return plain and simple and len(group.equations) == 1 and len(found.rows) == 1

"""Finishes: what becomes of the sums of a tile, the equations of its group one after the other.

for (int r = 0; r < rows; r++) {
    const int i = first + r;
    for (int v = 0; v < vectors; v++) {
        const int j = lane + v * LANES;
        const vec sum = c[r * vectors + v];
        const vec Z2_ = FN(select)(sum < all(0), all(0), sum);
        put(Z2 + i * PAD(D) + j, Z2_);

What vectors cannot compute, as V[j,i] or cos(j) for lanes along j, is computed number by number:

        for (int j = lane + v * LANES; j < lane + (v + 1) * LANES && j < D; j++) {
            const real sum = c[r * vectors + v][j - lane - v * LANES];
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from sympy import Expr, Mul, Pow, Symbol, preorder_traversal
from sympy.core.basic import Basic

from codegen.accumulation import ACCUMULATED
from codegen.c.nest import Line, Loop, Node, render
from codegen.extents import evaluated
from codegen.printers.to_c import Used
from codegen.tuned.groups.groups import Group
from codegen.tuned.groups.portions import in_portions
from codegen.tuned.products.contraction import Contraction, adjacent, steps
from codegen.tuned.products.tiles import MOST_ROWS
from codegen.tuned.products.walk import stride
from codegen.tuned.spelling.around import needed
from codegen.tuned.spelling.nests import numbers, store
from codegen.tuned.spelling.scene import Scene, value
from codegen.tuned.spelling.vector_text import Unvectorised
from derive.calculus.expressions.nodes import free_indices
from derive.calculus.expressions.tensor import Index, IntegerRef, Ref, refs


def finish_lines(found: Contraction, group: Group, scene: Scene, added: bool = False) -> tuple[str, ...]:
    """The lines of the finish of a contraction's tiles; `added`: after the first, sums are added up."""
    if found.dots:
        return needed(_dots_finish(found, group, scene))
    try:
        _in_vectors(found, group, replace(scene, used=Used(), called=Used()))
    except Unvectorised:
        inner = _in_numbers(found, group, scene, added)
    else:
        inner = _in_vectors(found, group, scene, added)
    body = [*_outer_indices(found), *_row_indices(found, scene), Loop("v", "vectors", tuple(inner))]
    return needed(render([Loop("r", "rows", tuple(body))]))


def _row_indices(found: Contraction, scene: Scene) -> list[Node]:
    """The indices of a row of a tile."""
    scalar = scene.scalar(dict(found.equation.ranges))
    nodes: list[Node] = []
    rest = "first + r"
    for index, extent in reversed(found.rows[1:]):
        size = scalar.integer(extent, 9)
        nodes.append(Line(f"const int {index.name} = ({rest}) % {size};"))
        rest = f"({rest}) / {size}"
    return [*nodes, Line(f"const int {found.rows[0][0].name} = {rest};")]


def _finished(found: Contraction) -> Expr:
    """What the first equation makes of its sum."""
    scaled = Symbol("sum") if found.coefficient == 1 else found.coefficient * Symbol("sum")
    whole = scaled if found.form.start == 0 else found.form.start + scaled
    return found.form.finish.xreplace({ACCUMULATED: whole})


def _in_numbers(found: Contraction, group: Group, scene: Scene, added: bool) -> list[Node]:
    """What becomes of a vector of sums, one number after the other."""
    extents = dict(found.equation.ranges)
    lane, extent = found.lanes
    size = scene.scalar(extents).integer(extent, 9)
    goes_on = _goes_on(found, group, scene)
    before = _before(scene.scalar(extents).real(found.equation.target), "0", added, goes_on)
    body = [
        Line(f"const real sum = c[r * vectors + v][{lane.name} - lane - v * LANES]{before};"),
        *numbers(group, _finished(found), scene, extents),
    ]
    stop = f"lane + (v + 1) * LANES && {lane.name} < {size}"
    return [Loop(lane.name, stop, tuple(body), start="lane + v * LANES")]


def _in_vectors(found: Contraction, group: Group, scene: Scene, added: bool = False) -> list[Node]:
    """What becomes of a vector of sums."""
    lane = found.lanes[0]
    extents = dict(found.equation.ranges)
    names = frozenset({"sum"})
    inner: list[Node] = [Line(f"const int {lane.name} = lane + v * LANES;")]
    text = scene.vectors(lane, extents)
    before = _before(text.vec(found.equation.target), "all(0)", added, _goes_on(found, group, scene))
    inner.append(Line(f"const vec sum = c[r * vectors + v]{before};"))
    values = (_finished(found), *(equation.value for equation in group.equations[1:]))
    loads = repeated(values, group, lane)
    inner += [Line(f"const vec {value(ref.name)} = {text.vec(ref)};") for ref in loads]
    loaded = frozenset(ref.name for ref in loads)
    for place, (equation, expression) in enumerate(zip(group.equations, values, strict=True)):
        made = frozenset(one.name for one in group.equations[:place]) | loaded
        text = scene.with_locals(made).vectors(lane, extents, names)
        inner.append(Line(f"const vec {value(equation.name)} = {text.vec(expression)};"))
        if equation.name in group.stored:
            inner.append(Line(store(equation.target, value(equation.name), scene)))
    return inner + [Line(line) for line in _ahead(found, group, scene)]


def _before(target: str, nothing: str, added: bool, goes_on: bool) -> str:
    """What blocks of terms, or portions of the examples, before this one have added up."""
    later = [*(["x->added"] if added else []), *(["x->first"] if goes_on else [])]
    return f" + ({' || '.join(later)} ? {target} : {nothing})" if later else ""


def _goes_on(found: Contraction, group: Group, scene: Scene) -> bool:
    """Whether the sum is one over the examples, of which the portions before have left theirs."""
    extents = (extent for _, extent in found.equation.ranges)
    return in_portions(group) and not any(scene.sizes.batch in map(str, n.free_symbols) for n in extents)


def repeated(values: Iterable[Basic], group: Group, lane: Index) -> list[Ref]:
    """The elements of other tensors that are read more than once, of each at one place: loaded once."""
    counts: Counter[Ref] = Counter()
    for one in values:
        for node in preorder_traversal(one):
            if isinstance(node, Ref) and not isinstance(node, IntegerRef) and lane in free_indices(node):
                counts[node] += 1
            elif isinstance(node, Pow) and isinstance(node.base, Ref):
                counts[node.base] += 1
    places = Counter(ref.name for ref in counts)
    return [
        ref
        for ref in sorted(counts, key=str)
        if counts[ref] > 1 and places[ref.name] == 1 and ref.name not in group.names
    ]


def _ahead(found: Contraction, group: Group, scene: Scene) -> list[str]:
    """The lines that the next tile of the panel will need, asked for while that tile is computed.

    Where a tile has most of the rows there is no next one below it: what is asked for would be of no use.
    """
    if evaluated(Mul(*(extent for _, extent in found.rows)), scene.sizes.values) < 2 * MOST_ROWS:
        return []
    own = {e.name for e in group.equations}
    read = {ref for e in group.equations[1:] for ref in e.references if ref.name not in own}
    read |= {ref for ref in refs(found.form.start) if not isinstance(ref, IntegerRef)}
    written = {e.target for e in group.equations if e.name in group.stored}
    lines = []
    for ref in sorted(read | written, key=str):
        if _evenly(ref, found, scene):
            apart = stride(ref, found.rows[-1][0], scene)
            write = ", 1" if ref in written else ""
            lines.append(f"__builtin_prefetch({scene.address(ref)} + rows * ({apart}){write});")
    return lines


def _evenly(ref: Ref, found: Contraction, scene: Scene) -> bool:
    """Whether an element moves with the lanes, and by one stride from row to row."""
    stored = scene.stored[ref.name]
    if isinstance(ref, IntegerRef) or not adjacent(ref, found.lanes[0], scene.stored):
        return False
    places = []
    for index, extent in found.rows:
        moves = steps(ref, index)
        if moves is None or list(moves.values()) != [1]:
            return False
        (axis,) = moves
        places.append((stored.order.index(axis), extent == stored.tensor.shape[axis]))
    return all(below == above + 1 and whole for (above, _), (below, whole) in pairwise(places))


def _outer_indices(found: Contraction) -> list[Node]:
    return [
        Line(f"const int {index.name} = x->outer[{place}];") for place, (index, _) in enumerate(found.outer)
    ]


def _dots_finish(found: Contraction, group: Group, scene: Scene) -> list[str]:
    """What becomes of the scalar products of rows and columns."""
    assert found.columns is not None
    extents = dict(found.equation.ranges)
    index, extent = found.columns
    size = scene.scalar(extents).integer(extent, 9)
    place = [Line(f"const int {index.name} = lane + v;")]
    if found.across is not None:
        place = [
            Line(f"const int {found.across[0].name} = (lane + v) / {size};"),
            Line(f"const int {index.name} = (lane + v) % {size};"),
        ]
    inner: list[Node] = [
        *place,
        Line("const real sum = FN(total)(c[r * vectors + v], LANES);"),
    ]
    inner += numbers(group, _finished(found), scene, extents)
    body: list[Node] = [*_outer_indices(found), Line(f"const int {found.rows[0][0].name} = first + r;")]
    body.append(Loop("v", "vectors", tuple(inner)))
    return render([Loop("r", "rows", tuple(body))])

"""Phases: each group of equations as one function of the kernel part, a contraction with its finish.

/* A1[i,j] = sum_{q<n} X[i,q] W1[q,j]; Z2[i,j] = where(A1[i,j] > 0, A1[i,j], 0) */
static void FN(Z2)(FN(task) *x)
{
    FN(pack)(W1, D, 1, N, D, 4, panels);
    FN(contract)((FN(product)){1, 1, N, N, 0, 0, 1, 0, 0, 0}, b->m, M, D, 4, 1, X, panels, FN(Z2_finish), x);
}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sympy import Expr, Integer, Mul, Symbol
from sympy.core.basic import Basic

from codegen.accumulation import ACCUMULATED
from codegen.c_letters import lettered
from codegen.nest import Line, Loop, Node, render
from codegen.printers.to_text import equation_text
from codegen.tuned.contraction import Contraction, Zeros, adjacent, contraction, has, steps
from codegen.tuned.fusion import Group
from codegen.tuned.nests import group_nest, numbers, store
from codegen.tuned.scene import TAKEN, Scene, pointer, value
from derive.calculus.nodes import Range
from derive.calculus.tensor import Index, Ref


@dataclass(frozen=True)
class Phase:
    """A function: its name, what it computes, its lines; `finish` are those of its tiles' finish.

    A gradient's tiles are given to the finish of whoever calls; `shape` is (rows, columns, varying) of a contraction,
    `panels` the reals that its packed factor takes, `operands` what bounds the size of its sums.
    """

    name: str
    equations: tuple[str, ...]
    lines: tuple[str, ...]
    finish: tuple[str, ...] = ()
    gradient: str = ""
    shape: tuple[Expr, Expr] | None = None
    panels: tuple[Expr, ...] = ()
    operands: tuple[str, str] | None = None
    terms: Expr = Integer(1)
    sums: int = 0
    walk: tuple[str, ...] = ()
    dots: bool = False
    turn: str = ""


def phase(group: Group, scene: Scene, gradients: frozenset[str], zeros: Zeros) -> Phase:
    """The function of a group."""
    group = _lettered(group, scene)
    turns = sorted(str(index.name) for index in frozenset().union(*(e.open_indices for e in group.equations)))
    made = _phase(group, scene, gradients, zeros)
    return replace(made, turn=turns[0] if turns else "")


def _phase(group: Group, scene: Scene, gradients: frozenset[str], zeros: Zeros) -> Phase:
    texts = tuple(equation_text(equation) for equation in group.equations)
    name = group.equations[-1].name
    found = contraction(group.first, scene.stored, zeros)
    found = None if found is None else _ordered(found, scene)
    if found is None:
        return Phase(name, texts, tuple(render(group_nest(group, scene))))
    return _contracted(found, group, scene, name, texts, gradients)


def _lettered(group: Group, scene: Scene) -> Group:
    """The group with index letters that nothing else is called by."""
    free = {str(index.name) for equation in group.equations for index in equation.open_indices}
    taken = {*TAKEN, *map(pointer, scene.stored), *map(value, scene.stored), *free}
    first = lettered(group.first, taken)
    renamed: dict[Basic, Basic] = dict(zip(group.first.loops, first.loops, strict=True))
    others = []
    for equation in group.equations[1:]:
        moved = replace(
            equation,
            target=_at(equation.target, renamed),
            ranges=first.ranges,
            value=equation.value.xreplace(renamed),
        )
        others.append(lettered(moved, taken, dict(zip(first.loops, first.loops, strict=True))))
    return Group((first, *others), group.stored)


def _ordered(found: Contraction, scene: Scene) -> Contraction | None:
    """The contraction with rows that are evenly spaced in its left factor; the others are loops around."""
    if len(found.sums) > 3:
        return None
    if found.dots:
        return found
    stored = scene.stored[found.left.name]
    place = {
        index: stored.order.index(next(iter(steps(found.left, index) or {0: 0}))) for index, _ in found.rows
    }
    rows = sorted(found.rows, key=lambda r: place[r[0]])
    kept = [rows[-1]]
    for above in reversed(rows[:-1]):
        below = kept[0]
        whole = below[1] == stored.tensor.shape[stored.order[place[below[0]]]]
        padded = place[below[0]] == len(stored.order) - 1 and stored.padded
        if place[above[0]] + 1 != place[below[0]] or not whole or padded:
            break
        kept.insert(0, above)
    outer = tuple(r for r in found.equation.ranges if r in found.outer or (r in rows and r not in kept))
    right = scene.stored[found.right.name]
    depth = {
        index: right.order.index(next(iter(steps(found.right, index) or {0: 0}))) for index, _ in found.sums
    }
    return replace(
        found, rows=tuple(kept), outer=outer, sums=tuple(sorted(found.sums, key=lambda r: depth[r[0]]))
    )


def _stride(ref: Ref, index: Index, scene: Scene) -> str:
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


def _contracted(
    found: Contraction,
    group: Group,
    scene: Scene,
    name: str,
    texts: tuple[str, ...],
    gradients: frozenset[str],
) -> Phase:
    packed = not found.dots and not _direct(found, scene)
    away = _given_away(found, group, scene, gradients)
    finish = "finish" if away else f"FN({name}_finish)"
    scalar = scene.scalar(dict(found.equation.ranges))
    starts, bounds = _loop_bounds(found, scene)
    lane = found.columns or found.lanes
    fixed = {
        **{
            index: Integer(0) for index in (*(i for i, _ in found.rows), lane[0], *(i for i, _ in found.sums))
        },
        **starts,
    }
    left, right = (_at(ref, fixed) for ref in (found.left, found.right))
    columns, rows = scalar.integer(lane[1]), _product([scalar.integer(n) for _, n in found.rows])
    counts = ["1"] * (3 - len(found.sums)) + [_count(found, r, starts, scene) for r in found.sums]
    strides_a, strides_b = (
        ["0"] * (3 - len(found.sums)) + [_stride(ref, i, scene) for i, _ in found.sums]
        for ref in (found.left, found.right)
    )
    row = _stride(found.left, found.rows[-1][0], scene)
    body: list[Node] = list(bounds)
    body.append(Line(f"static const FN({'dots' if found.dots else 'kernel'}) kernels[] = KERNELS_{name};"))
    body.append(Line(f"const FN(product) s = {{{', '.join([*counts, row, *strides_b])}}};"))
    at = "panels"
    around = any(has(found.right, index) for index, _ in found.outer)
    if packed and around:
        room = _product([scene.size(n) for _, n in found.sums])
        at = f"panels + (ptrdiff_t)({_flat(found.outer, scene)}) * ({room}) * VECTORS({columns}) * LANES"
    shared = "0" if found.outer else "1"
    before: list[Node] = []
    if packed:
        column = _stride(found.right, found.lanes[0], scene)
        once = "0" if around else "1"
        pack = Line(f"FN(pack)(&s, kernels, {scene.address(right)}, {column}, {columns}, {once}, {at});")
        before = [] if around else [*body, pack]
        body = [*body, pack] if around else []
    operand = at if packed else scene.address(right)
    if away:
        body.append(Line(f"x->ld = x->columns = {columns};"))
    body += [Line(f"x->outer[{place}] = {index.name};") for place, (index, _) in enumerate(found.outer)]
    if found.dots:
        apart = _stride(found.right, lane[0], scene)
        call = f"FN(scalar_products)(&s, kernels, {rows}, {columns}, {apart}, {shared}, {scene.address(left)}, {operand}, {finish}, x);"
    else:
        call = f"FN(contract)(&s, kernels, {rows}, {columns}, {int(packed)}, {shared}, {scene.address(left)}, {operand}, {finish}, x);"
    body.append(Line(call))
    nodes: list[Node] = body
    for place, (index, extent) in reversed(list(enumerate(found.outer))):
        head = "" if place else f"SHARED_{min(2, len(found.outer))}"
        nodes = [Loop(str(index.name), scalar.integer(extent), tuple(nodes), before=head)]
    nodes = [*before, *nodes]
    own = (
        ()
        if away
        else tuple(_dots_finish(found, group, scene) if found.dots else _finish(found, group, scene))
    )
    panels = (
        (*(n for _, n in found.sums), found.lanes[1], *(n for _, n in found.outer if around))
        if packed
        else ()
    )
    return Phase(
        name,
        texts,
        tuple(render(nodes)),
        own,
        found.equation.name if away else "",
        (Mul(*(n for _, n in found.rows)), lane[1]),
        panels,
        (found.left.name, found.right.name) if away else None,
        Mul(*(n for _, n in found.sums)),
        len(found.sums),
        _walk(found, row, strides_a, strides_b, counts, packed, scene),
        found.dots,
    )


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


def _walk(
    found: Contraction,
    row: str,
    strides_a: list[str],
    strides_b: list[str],
    counts: list[str],
    packed: bool,
    scene: Scene,
) -> tuple[str, ...]:
    """How a tile goes through memory: rows of the left factor, then both factors by each summed index."""
    count = len(found.sums)
    if found.dots:
        assert found.columns is not None
        return (row, _stride(found.right, found.columns[0], scene), *strides_a[:2], *strides_b[:2])
    if packed:
        step = "WIDTH_ * LANES"
        extents = counts[3 - count :]
        inner = [" * ".join([*(f"({n})" for n in extents[k + 1 :]), step]) for k in range(count)]
        strides_b = ["0"] * (3 - count) + inner
    return (row, strides_a[2], strides_b[2]) if count == 1 else (row, *strides_a, *strides_b)


def _flat(outer: tuple[Range, ...], scene: Scene) -> str:
    text = str(outer[0][0].name)
    for index, extent in outer[1:]:
        text = f"({text}) * {scene.size(extent)} + {index.name}"
    return text


def _product(factors: list[str]) -> str:
    kept = [f for f in factors if f != "1"]
    return (
        " * ".join(
            f if f.replace(">", "").replace("-", "").isidentifier() or f.isdigit() else f"({f})" for f in kept
        )
        or "1"
    )


def _at(ref: Ref, fixed: Mapping[Index, Expr] | Mapping[Basic, Basic]) -> Ref:
    renamed: dict[Basic, Basic] = dict(fixed)
    return Ref(ref.args[0], *(index.xreplace(renamed) for index in ref.indices))


def _direct(found: Contraction, scene: Scene) -> bool:
    """Whether the right factor lies as the tiles read it: along its rows, rows of whole vectors."""
    whole = scene.sizes.values.get(str(found.lanes[1]), 1) % 16 == 0
    return adjacent(found.right, found.lanes[0], scene.stored) and (
        scene.stored[found.right.name].padded or whole
    )


def _given_away(found: Contraction, group: Group, scene: Scene, gradients: frozenset[str]) -> bool:
    """Whether the sums are a gradient as they are, so that whoever asked for it may use them up at once."""
    plain = found.form.start == 0 and found.form.finish == ACCUMULATED and found.coefficient == 1
    alone = (
        len(group.equations) == 1
        and len(found.rows) == 1
        and not found.outer
        and not found.dots
        and not found.bounds
    )
    return plain and alone and found.equation.name in gradients and len(found.equation.target.indices) == 2


def _finish(found: Contraction, group: Group, scene: Scene) -> list[str]:
    """What becomes of the sums of a tile."""
    lane = found.lanes[0]
    extents = dict(found.equation.ranges)
    names = frozenset({"sum"})
    scalar = scene.scalar(extents)
    body: list[Node] = []
    rows = found.rows
    rest = "first + r"
    for index, extent in reversed(rows[1:]):
        size = scalar.integer(extent, 9)
        body.append(Line(f"const int {index.name} = ({rest}) % {size};"))
        rest = f"({rest}) / {size}"
    body.append(Line(f"const int {rows[0][0].name} = {rest};"))
    inner: list[Node] = [Line(f"const int {lane.name} = lane + v * LANES;")]
    scaled = Symbol("sum") if found.coefficient == 1 else found.coefficient * Symbol("sum")
    whole = scaled if found.form.start == 0 else found.form.start + scaled
    value_text = found.form.finish.xreplace({ACCUMULATED: whole})
    inner.append(Line("const vec sum = c[r * vectors + v];"))
    for place, equation in enumerate(group.equations):
        text = scene.with_locals(group.names).vectors(lane, extents, names)
        expression = value_text if place == 0 else equation.value
        inner.append(Line(f"const vec {value(equation.name)} = {text.vec(expression)};"))
        if equation.name in group.stored:
            inner.append(Line(store(equation.target, value(equation.name), scene)))
    body = [*_outer_indices(found), *body]
    body.append(Loop("v", "vectors", tuple(inner)))
    return render([Loop("r", "rows", tuple(body))])


def _outer_indices(found: Contraction) -> list[Node]:
    return [
        Line(f"const int {index.name} = x->outer[{place}];") for place, (index, _) in enumerate(found.outer)
    ]


def _dots_finish(found: Contraction, group: Group, scene: Scene) -> list[str]:
    """What becomes of the scalar products of rows and columns."""
    assert found.columns is not None
    extents = dict(found.equation.ranges)
    inner: list[Node] = [
        Line(f"const int {found.columns[0].name} = lane + v;"),
        Line("const real sum = FN(total)(c[r * vectors + v]);"),
    ]
    scaled = Symbol("sum") if found.coefficient == 1 else found.coefficient * Symbol("sum")
    whole = scaled if found.form.start == 0 else found.form.start + scaled
    inner += numbers(group, found.form.finish.xreplace({ACCUMULATED: whole}), scene, extents)
    body: list[Node] = [*_outer_indices(found), Line(f"const int {found.rows[0][0].name} = first + r;")]
    body.append(Loop("v", "vectors", tuple(inner)))
    return render([Loop("r", "rows", tuple(body))])

"""Phases: each group of equations as one function of the kernel part, a contraction with its finish.

    /* A1[i,j] = sum_{q<n} X[i,q] W1[q,j]; Z2[i,j] = where(A1[i,j] > 0, A1[i,j], 0) */
    static void FN(Z2)(FN(task) *x)
    {
        FN(pack)(W1, D, 1, N, D, 4, panels);
        FN(contract)((FN(product)){1, 1, N, N, 0, 0, 1, 0, 0, 0}, b->m, M, D, 4, 1, X, panels, FN(Z2_finish), x);
    }
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Expr, Integer, Mul, Symbol
from sympy.core.basic import Basic

from codegen.accumulation import ACCUMULATED
from codegen.c_letters import lettered
from codegen.nest import Line, Loop, Node, render
from codegen.printers.to_text import equation_text
from codegen.tuned.contraction import Contraction, contraction
from codegen.tuned.fusion import Group
from codegen.tuned.nests import group_nest, store
from codegen.tuned.scene import Scene, value
from codegen.tuned.storage import Stored
from derive.calculus.nodes import Range
from derive.calculus.program import Equation
from derive.calculus.tensor import Index, Ref

TAKEN = frozenset({"x", "b", "p", "w", "c", "r", "v", "rows", "vectors", "first", "lane", "sum", "term", "whole", "largest", "best"})


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


def phase(group: Group, scene: Scene, gradients: frozenset[str]) -> Phase:
    """The function of a group."""
    group = _lettered(group, scene)
    texts = tuple(equation_text(equation) for equation in group.equations)
    name = group.equations[-1].name
    found = contraction(group.first, dict(scene.stored))
    found = None if found is None else _ordered(found, scene)
    if found is None:
        return Phase(name, texts, tuple(render(group_nest(group, scene))))
    return _contracted(found, group, scene, name, texts, gradients)


def _lettered(group: Group, scene: Scene) -> Group:
    """The group with index letters that nothing else is called by."""
    taken = set(TAKEN | set(scene.stored) | {value(n) for n in scene.stored})
    first = lettered(group.first, taken)
    renamed: dict[Basic, Basic] = dict(zip(group.first.loops, first.loops, strict=True))
    others = []
    for equation in group.equations[1:]:
        changed = equation.value.xreplace(renamed)
        others.append(lettered(replace(equation, target=equation.target.func(equation.target.args[0], *first.loops),
                                       ranges=first.ranges, value=changed), taken, dict(zip(first.loops, first.loops, strict=True))))
    return Group((first, *others), group.stored)


def _ordered(found: Contraction, scene: Scene) -> Contraction | None:
    """The contraction with rows that are evenly spaced in its left factor; the others are loops around."""
    stored = scene.stored[found.left.name]
    order = [found.left.indices[axis] for axis in stored.order]
    rows = sorted(found.rows, key=lambda r: order.index(r[0]))
    kept = [rows[-1]]
    for candidate in reversed(rows[:-1]):
        below = kept[0]
        follows = order.index(candidate[0]) + 1 == order.index(below[0])
        whole = below[1] == stored.tensor.shape[stored.order[order.index(below[0])]]
        last = order.index(below[0]) == len(order) - 1
        if follows and whole and not (last and stored.padded):
            kept.insert(0, candidate)
        else:
            break
    outer = tuple(r for r in found.equation.ranges if r in found.outer or (r in rows and r not in kept))
    if len(found.sums) > 3:
        return None
    right = scene.stored[found.right.name]
    places = {index: right.order.index(axis) for axis, index in enumerate(found.right.indices)}
    sums = tuple(sorted(found.sums, key=lambda s: places[s[0]]))
    return replace(found, rows=tuple(kept), outer=outer, sums=sums)


def _stride(ref: Ref, index: Index, scene: Scene) -> str:
    stored = scene.stored[ref.name]
    return stored.stride(ref.indices.index(index), scene.size) if index in ref.indices else "0"


def _contracted(
    found: Contraction, group: Group, scene: Scene, name: str, texts: tuple[str, ...], gradients: frozenset[str]
) -> Phase:
    packed = not _direct(found, scene)
    direct = _given_away(found, group, scene, gradients)
    finish = "finish" if direct else f"FN({name}_finish)"
    fixed = {index: Integer(0) for index in (*(i for i, _ in found.rows), *(i for i, _ in found.sums), found.lanes[0])}
    left, right = (_at(ref, fixed) for ref in (found.left, found.right))
    scalar = scene.scalar(dict(found.equation.ranges))
    columns, rows = scalar.integer(found.lanes[1]), _product([scalar.integer(n) for _, n in found.rows])
    extents = [scalar.integer(n) for _, n in found.sums]
    counts = ["1"] * (3 - len(extents)) + extents
    strides_a = ["0"] * (3 - len(extents)) + [_stride(found.left, i, scene) for i, _ in found.sums]
    strides_b = ["0"] * (3 - len(extents)) + [_stride(found.right, i, scene) for i, _ in found.sums]
    row = _stride(found.left, found.rows[-1][0], scene)
    body: list[Node] = [
        Line(f"static const FN(kernel) kernels[] = KERNELS_{name};"),
        Line(f"const FN(product) s = {{{', '.join([*counts, row, *strides_b])}}};"),
    ]
    at = "panels"
    if packed and found.outer:
        flat = _flat(found.outer, scene)
        at = f"panels + (ptrdiff_t)({flat}) * ({_product([scene.size(n) for _, n in found.sums])}) * VECTORS({columns}) * LANES"
    shared = "0" if found.outer else "1"
    if packed:
        column = _stride(found.right, found.lanes[0], scene)
        body.append(Line(f"FN(pack)(&s, kernels, {scene.address(right)}, {column}, {columns}, {shared}, {at});"))
    operand = at if packed else scene.address(right)
    if direct:
        body.append(Line(f"x->ld = {columns};"))
        body.append(Line(f"x->columns = {columns};"))
    if found.outer and not direct:
        for index, _ in found.outer:
            body.append(Line(f"x->outer[{_place(found, index)}] = {index};"))
    body.append(
        Line(f"FN(contract)(&s, kernels, {rows}, {int(packed)}, {shared}, {scene.address(left)}, {operand}, {finish}, x);")
    )
    nodes: list[Node] = body
    for place, (index, extent) in reversed(list(enumerate(found.outer))):
        nodes = [Loop(str(index.name), scalar.integer(extent), tuple(nodes), before="" if place else f"SHARED_{min(2, len(found.outer))}")]
    own = () if direct else tuple(_finish(found, group, scene))
    terms = Mul(*(n for _, n in found.sums))
    panels = (*(n for _, n in found.sums), found.lanes[1], *(n for _, n in found.outer)) if packed else ()
    operands = (found.left.name, found.right.name) if direct else None
    lines = tuple(render(nodes))
    return Phase(name, texts, lines, own, found.equation.name if direct else "",
                 (Mul(*(n for _, n in found.rows)), found.lanes[1]), panels, operands, terms, len(found.sums), _walk(found, row, strides_a, strides_b, extents, packed))


def _walk(
    found: Contraction, row: str, strides_a: list[str], strides_b: list[str], extents: list[str], packed: bool
) -> tuple[str, ...]:
    """How a tile goes through memory: rows of the left factor, then both factors by each summed index."""
    count = len(found.sums)
    if packed:
        step = "WIDTH_ * LANES"
        inner = [step, *(f"{' * '.join(reversed(extents[k:]))} * {step}" for k in range(count - 1, 0, -1))]
        strides_b = ["0"] * (3 - count) + list(reversed(inner))
    if count == 1:
        return (row, strides_a[2], strides_b[2])
    return (row, *strides_a, *strides_b)


def _place(found: Contraction, index: Index) -> int:
    return [i for i, _ in found.outer].index(index)


def _flat(outer: tuple[Range, ...], scene: Scene) -> str:
    text = str(outer[0][0].name)
    for index, extent in outer[1:]:
        text = f"({text}) * {scene.size(extent)} + {index.name}"
    return text


def _product(factors: list[str]) -> str:
    kept = [f for f in factors if f != "1"]
    return " * ".join(f if f.replace(">", "").replace("-", "").isidentifier() or f.isdigit() else f"({f})" for f in kept) or "1"


def _at(ref: Ref, fixed: dict[Index, Expr]) -> Ref:
    return Ref(ref.args[0], *(fixed.get(index, index) if isinstance(index, Index) else index for index in ref.indices))


def _direct(found: Contraction, scene: Scene) -> bool:
    """Whether the right factor lies as the tiles read it: along its rows, rows of whole vectors."""
    stored = scene.stored[found.right.name]
    along = stored.last is not None and found.right.indices[stored.last] == found.lanes[0]
    return along and stored.padded


def _given_away(found: Contraction, group: Group, scene: Scene, gradients: frozenset[str]) -> bool:
    """Whether the sums are a gradient as they are, so that whoever asked for it may use them up at once."""
    plain = found.form.start == 0 and found.form.finish == ACCUMULATED and found.coefficient == 1
    alone = len(group.equations) == 1 and len(found.rows) == 1 and not found.outer
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
    for index, _ in found.outer:
        body.insert(0, Line(f"const int {index.name} = x->outer[{_place(found, index)}];"))
    body.append(Loop("v", "vectors", tuple(inner)))
    return render([Loop("r", "rows", tuple(body))])


__all__ = ["Equation", "Phase", "Stored", "phase"]

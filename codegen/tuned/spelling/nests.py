"""Groups that are not contractions: vectors along one index, or single numbers where that cannot be.

Along the target's last index, a sum over the others, as the gradient of a bias:

    for (int j = 0; j < K; j += LANES) {
        vec b_bar = all(0);
        for (int i = 0; i < b->m; i++)
            b_bar += load(H_bar + i * PAD(K) + j);

along a summed index, the lanes put together in the end, as a row's maximum:

    vec M_ = all(-INFINITY);
    for (int q = 0; q < K; q += LANES)
        M_ = larger(FN(before)(load(H + i * PAD(K) + q), K - q, all(-INFINITY)), M_);
    M[i] = FN(largest)(M_);

The index is the one for which most elements follow each other in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Expr, Integer, Symbol, oo, true

from codegen.accumulation import ACCUMULATED, Accumulation, Term, accumulation
from codegen.c.loops import nested
from codegen.c.nest import Block, Line, Loop, Node
from codegen.c.nests import Nest, equation_loops
from codegen.printers.to_c import Used
from codegen.tuned.groups.groups import Group
from codegen.tuned.spelling.abreast import abreast
from codegen.tuned.spelling.scene import Scene, pointer
from codegen.tuned.spelling.scene import value as value_of
from codegen.tuned.spelling.spelled import Spelled, spelled
from codegen.tuned.spelling.vector_text import Unvectorised
from codegen.tuned.spelling.windows import Windows, windows
from derive.calculus.expressions.nodes import Largest, Range, Sum, Where, reduces
from derive.calculus.expressions.tensor import Index, IntegerRef, Ref, refs
from derive.calculus.program.compose import free_name
from derive.calculus.program.program import Equation


@dataclass(frozen=True)
class Lanes:
    """The index along which vectors run; whether it is summed over."""

    index: Index
    extent: Expr
    summed: bool


def group_nest(group: Group, scene: Scene) -> list[Node]:
    """The loops of a group."""
    first = group.first
    form = accumulation(first.value)
    if form is not None and not first.accumulates and form.kind in ("", Sum.operator, Largest.operator):
        for lanes in _candidates(first, form, scene):
            try:
                return _summed(group, form, lanes, scene) if lanes.summed else _along(group, lanes, scene)
            except Unvectorised:
                continue
    return _single(group, scene)


def _candidates(first: Equation, form: Accumulation, scene: Scene) -> list[Lanes]:
    """The indices that lanes may run along, the one with the fewest elements apart first."""
    found: list[Lanes] = []
    ranges = dict(first.ranges)
    last = scene.stored[first.name].last
    lane = first.target.indices[last] if last is not None else None
    if isinstance(lane, Index) and lane in ranges:
        found.append(Lanes(lane, ranges[lane], False))
    if len(form.terms) == 1:
        found += [Lanes(index, extent, True) for index, extent in reversed(form.terms[0].ranges)]
    elements = {ref for ref in first.references if not isinstance(ref, IntegerRef)}
    apart = {lanes: sum(scene.strided(ref, lanes.index) for ref in elements) for lanes in found}
    return sorted((lanes for lanes in found if not apart[lanes]), key=lambda lanes: lanes.summed)


def along(group: Group, scene: Scene) -> bool:
    """Whether a group can be written in vectors of its target."""
    form, aside = accumulation(group.first.value), replace(scene, used=Used(), called=Used())
    lanes = _candidates(group.first, form, scene) if form is not None else []
    try:
        return (
            form is not None and bool(lanes) and not lanes[0].summed and bool(_along(group, lanes[0], aside))
        )
    except Unvectorised:
        return False


def _outer(first: Equation, lanes: Lanes) -> tuple[Range, ...]:
    return tuple((index, extent) for index, extent in first.ranges if index != lanes.index)


def shared(nodes: list[Node]) -> list[Node]:
    """The first loop is shared out among the threads; anything else is done by one."""
    if len(nodes) == 1 and isinstance(nodes[0], Loop):
        return [replace(nodes[0], before="SHARED")]
    return [Block("SERIAL", tuple(nodes))]


def _along(group: Group, lanes: Lanes, scene: Scene) -> list[Node]:
    """Vectors of the target; sums run inside, and those of what the group leaves outside."""
    first, sums = group.first, group.sums
    outer = _outer(first, lanes)
    extents = dict(first.ranges)
    elements = [one for one in group.equations if one not in sums]
    apart = len(sums[0].ranges) if sums else 0
    if any(one.ranges != outer[:apart] for one in sums):
        raise Unvectorised(f"{sums[0].name} is summed across its loops")
    found = windows(elements, outer[apart:], lanes.index, scene)
    extents |= dict(found.outer)
    forms = [_form(found.within(one.value)) for one in elements]
    near = spelled(forms, group.names, lanes.index, set(scene.stored))
    body = near.lines(scene.vectors(lanes.index, extents))
    before: set[str] = set()
    stores: list[Node] = []
    for equation, own in zip(elements, forms, strict=True):
        inside = scene.with_locals(frozenset(before) | found.names | near.names)
        before.add(equation.name)
        body += _accumulated(equation, local(group, equation), own, lanes, inside, extents, near)
        stores += _stores(group, equation, scene)
    body += [*stores, *(_gathered(one, lanes, scene) for one in sums)]
    body = found.nodes(_once(found, first, lanes, scene, extents), body, scene)
    alone = Loop(lanes.index.name, scene.extent(lanes.extent), tuple(body), step="LANES")
    vector_loop = abreast(alone, (lanes.index, lanes.extent), [one.value for one in elements], scene)
    inner = nested(found.outer, [vector_loop], scene.scalar(), outer=outer[:apart])
    return shared(nested(outer[:apart], _with_sums(sums, inner, group, lanes, scene), scene.scalar()))


def _once(
    found: Windows, first: Equation, lanes: Lanes, scene: Scene, extents: dict[Index, Expr]
) -> list[Node]:
    """What is computed once for a window; elements of sums have names, for the window reads them too."""
    body: list[Node] = []
    loaded = {part: symbol for part, symbol in found.once.items() if isinstance(part, Ref)}
    for part, symbol in sorted(found.once.items(), key=lambda one: one[0] not in loaded):
        form = _form(part if part in loaded else part.xreplace(loaded))
        near = spelled([form, form], found.names, lanes.index, {*scene.stored, *found.names})
        body += near.lines(scene.vectors(lanes.index, extents))
        names = frozenset(one.name for one in loaded.values()) if part not in loaded else frozenset()
        inside = scene.with_locals(near.names | names)
        body += _accumulated(first, symbol.name, form, lanes, inside, extents, near)
    return body


def computes_once(group: Group, scene: Scene) -> bool:
    """Whether a group can be written in vectors, and all sums that it has for windows are computed once."""
    if not along(group, scene):
        return False
    form = accumulation(group.first.value)
    assert form is not None
    lanes, elements = (
        _candidates(group.first, form, scene)[0],
        group.equations[: len(group.equations) - len(group.sums)],
    )
    outer = _outer(group.first, lanes)[len(group.sums[0].ranges) if group.sums else 0 :]
    found = windows(elements, outer, lanes.index, scene)
    return not any(reduces(found.within(one.value)) for one in elements)


def _gathered(equation: Equation, lanes: Lanes, scene: Scene) -> Node:
    """The line that adds an element to a sum over the loops; lanes beyond the row are left out."""
    (term,) = _form(equation.value).terms
    value = value_of(next(iter(refs(term.body))).name)
    if not scene.whole(lanes.extent):
        value = f"FN(within)({value}, {scene.extent(lanes.extent)} - {lanes.index.name}, all(0))"
    return Line(f"{equation.name}_sum += {value};")


def _with_sums(
    sums: tuple[Equation, ...], inner: list[Node], group: Group, lanes: Lanes, scene: Scene
) -> list[Node]:
    """The loops over what is summed, between the first and the last of the sums."""
    ends: list[Node] = []
    for one in sums:
        alone, whole = replace(group, equations=(one,)), Symbol(f"{one.name}_whole")
        joined = f"FN(total)({one.name}_sum, {scene.extent(lanes.extent)})"
        ends.append(Line(f"const real {whole} = {joined};"))
        form = _form(one.value)
        found = form.finish.xreplace({ACCUMULATED: whole if form.start == 0 else whole + form.start})
        ends += numbers(alone, found, scene, dict(one.ranges))
    return [*(Line(f"vec {one.name}_sum = all(0);") for one in sums), *inner, *ends]


def _form(value: Expr) -> Accumulation:
    form = accumulation(value)
    assert form is not None
    return form


def local(group: Group, equation: Equation) -> str:
    """What a value is called while it is in a register; parts of one tensor by their fixed indices too."""
    if sum(one.name == equation.name for one in group.equations) == 1:
        return value_of(equation.name)
    fixed = [str(index) for index in equation.target.indices if index.is_Integer]
    return value_of("_".join((equation.name, *fixed)))


def _accumulated(
    first: Equation,
    known: str,
    form: Accumulation,
    lanes: Lanes,
    scene: Scene,
    extents: dict[Index, Expr],
    near: Spelled,
) -> list[Node]:
    """const vec T = ..; with the loops of its sums."""
    text = scene.vectors(lanes.index, extents)
    if not form.kind:
        return [Line(f"const vec {known} = {text.vec(form.start)};")]
    name = free_name(f"{first.name}_{form.kind}", set(scene.stored))
    start = "all(-(real)INFINITY)" if form.kind == Largest.operator else text.vec(form.start)
    body: list[Node] = [Line(f"vec {name} = {start};")]
    for term in (one for whole in form.terms for one in near.terms(whole)):
        line, bounds = _added(name, form, term, lanes, scene, extents)
        body += nested(term.ranges, [Line(line)], scene.scalar(), bounds, first.ranges)
    finish = form.finish.xreplace({ACCUMULATED: Symbol(name)})
    value = scene.vectors(lanes.index, extents, frozenset({name})).vec(finish)
    return [*body, Line(f"const vec {known} = {value};")]


def _added(
    name: str, form: Accumulation, term: Term, lanes: Lanes, scene: Scene, extents: dict[Index, Expr]
) -> tuple[str, Expr]:
    """The line that adds a term, and the part of its guard that does not vary by lane."""
    text = scene.vectors(lanes.index, {**extents, **dict(term.ranges)})
    neutral = -oo if form.kind == Largest.operator else Integer(0)
    local = {str(symbol) for symbol in term.condition.free_symbols} & scene.locals
    varies = lanes.index in _indices(term.condition) or bool(refs(term.condition) or local)
    body = Where(term.condition, term.body, neutral) if varies else term.body
    bounds = true if varies else term.condition
    value = text.vec(body)
    if form.kind == Largest.operator:
        scene.called.own.add("larger")
        return f"{name} = FN(larger)({value}, {name});", bounds
    return f"{name} += {value};", bounds


def _indices(condition: Expr) -> set[Index]:
    return {node for node in condition.free_symbols if isinstance(node, Index)}


def _stores(group: Group, equation: Equation, scene: Scene) -> list[Node]:
    if equation.name not in group.stored:
        return []
    return [Line(store(equation.target, local(group, equation), scene))]


def store(target: Ref, value: str, scene: Scene) -> str:
    """put, or the part of it that is inside of a row that is not padded."""
    stored = scene.stored[target.name]
    assert stored.last is not None
    extent, index = stored.tensor.shape[stored.last], target.indices[stored.last]
    left = extent - index
    if stored.padded and stored.last == 0 and len(stored.order) > 1:
        return f"FN(put_examples)({scene.address(target)}, {value}, {scene.scalar().integer(left)});"
    if stored.padded or (isinstance(index, Index) and scene.whole(extent)):
        return f"put({scene.address(target)}, {value});"
    return f"FN(put_part)({scene.address(target)}, {value}, {scene.scalar().integer(left)});"


def _summed(group: Group, form: Accumulation, lanes: Lanes, scene: Scene) -> list[Node]:
    """Vectors along a summed index; the target is a number for each value of the loops."""
    first = group.first
    if any(reduces(equation.value) for equation in group.equations[1:]):
        raise Unvectorised(f"{first.name} is a number when others sum")
    (term,) = form.terms
    extents = {**dict(first.ranges), **dict(term.ranges)}
    largest = form.kind == Largest.operator
    name = free_name(f"{first.name}_{form.kind}", set(scene.stored))
    inner = [r for r in term.ranges if r[0] != lanes.index]
    text = scene.vectors(lanes.index, extents)
    neutral = -oo if largest else Integer(0)
    varies = lanes.index in _indices(term.condition) or bool(refs(term.condition))
    value = text.vec(Where(term.condition, term.body, neutral) if varies else term.body)
    edge = "all(-(real)INFINITY)" if largest else "all(0)"
    extent = scene.extent(lanes.extent)
    left = f"{extent} - {lanes.index.name}"
    step: list[Node] = [Line(f"vec term = {value};")]
    if not scene.whole(lanes.extent):
        step.append(Line(f"term = {left} < LANES ? FN(before)(term, {left}, {edge}) : term;"))
    if largest:
        scene.called.own.add("larger")
        step.append(Line(f"{name} = FN(larger)(term, {name});"))
    else:
        step.append(Line(f"{name} += term;"))
    loop = Loop(lanes.index.name, extent, tuple(step), step="LANES")
    scalar = scene.scalar(dict(first.ranges))
    body: list[Node] = [Line(f"vec {name} = {edge};")]
    body += nested(tuple(inner), [loop], scalar, true if varies else term.condition, first.ranges)
    joined = f"FN({'largest' if largest else 'total'})({name}, {extent})"
    total = Symbol("whole")
    start = total if largest or form.start == 0 else total + form.start
    body.append(Line(f"const real whole = {joined};"))
    body += numbers(group, form.finish.xreplace({ACCUMULATED: start}), scene, extents)
    return shared(nested(first.ranges, body, scalar))


def numbers(group: Group, value: Expr, scene: Scene, extents: dict[Index, Expr]) -> list[Node]:
    """A group's numbers, one after the other."""
    found: list[Node] = []
    outside = scene.scalar(extents)
    for place, equation in enumerate(group.equations):
        before = frozenset(one.name for one in group.equations[:place])
        inside = scene.with_locals(before).scalar(extents)
        text = inside.real(value if place == 0 else equation.value)
        found.append(Line(f"const real {local(group, equation)} = {text};"))
        if equation.name in group.stored:
            found.append(Line(f"{outside.element(equation.target, outside)} = {local(group, equation)};"))
    return found


def _single(group: Group, scene: Scene) -> list[Node]:
    """Every equation by single numbers, all stored; one by one where nothing is reduced."""
    nodes: list[Node] = []
    first = group.first
    if len(group.equations) > 1 and not reduces(first.value) and not first.accumulates:
        extents = dict(first.ranges)
        return shared(nested(first.ranges, numbers(group, first.value, scene, extents), scene.scalar()))
    for equation in group.equations:
        to_c = scene.scalar()
        nest = equation_loops(Nest(equation, equation.ranges, to_c))
        if not equation.accumulates and len(nest) == 1 and isinstance(nest[0], Loop):
            nodes += shared(nest)
        else:
            zero = (
                [Line(f"memset({pointer(equation.name)}, 0, {scene.bytes(equation.name)});")]
                if equation.accumulates
                else []
            )
            nodes.append(Block("SERIAL", (*zero, *nest)))
    return nodes

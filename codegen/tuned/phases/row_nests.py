"""The loops of rows: passes along each row, numbers between them.

    for (int i = 0; i < b->m; i++) {
        vec v_sum = all(0);
        for (int j = 0; j < D; j += LANES) {
            const vec v_term = FN(square)(load(C + i * PAD(D) + j));
            v_sum += v_term;
        }
        const real v_ = FN(total)(v_sum, LANES) / D;
        for (int j = 0; j < D; j += LANES) {
            const vec N_ = load(C + i * PAD(D) + j) * all(v_);
            put(N + i * PAD(D) + j, N_);
        }
    }

A guard that bounds the lanes of all that a pass leaves, as j <= i, bounds the pass; zeros follow in what is
stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sympy import Expr, Integer, Symbol, oo
from sympy.core.basic import Basic

from codegen.accumulation import ACCUMULATED, Accumulation, accumulation
from codegen.c.loops import nested
from codegen.c.nest import Line, Loop, Node
from codegen.printers.factors import conjuncts
from codegen.printers.to_c import Used
from codegen.tuned.groups.groups import Pass, Rows
from codegen.tuned.products.contraction import Zeros, contraction, known
from codegen.tuned.spelling.abreast import abreast
from codegen.tuned.spelling.nests import shared, store
from codegen.tuned.spelling.rows_abreast import rows_abreast
from codegen.tuned.spelling.scene import Scene
from codegen.tuned.spelling.scene import value as value_of
from codegen.tuned.spelling.vector_text import Unvectorised
from derive.calculus.expressions.bounds import proved_nonnegative
from derive.calculus.expressions.nodes import Largest, Nonnegative, Range, Sum, Where, free_indices, reduces
from derive.calculus.expressions.tensor import Index, IntegerRef, refs
from derive.calculus.program.program import Equation


def lane(equation: Equation, scene: Scene, zeros: Zeros) -> Range | None:
    """The index along which an equation's elements follow each other; None for contractions and gathers."""
    form = accumulation(equation.value)
    if form is None or form.kind not in ("", Sum.operator, Largest.operator):
        return None
    if contraction(equation, scene.stored, zeros) is not None:
        return None
    found: Range | None = None
    if form.terms:
        found = form.terms[0].ranges[0]
    elif equation.loops:
        last = scene.stored[equation.name].last
        index = equation.target.indices[last] if last is not None else None
        found = next((pair for pair in equation.ranges if pair[0] == index), None)
    if found is None:
        return None
    elements = {ref for ref in equation.references if not isinstance(ref, IntegerRef)}
    return None if any(scene.strided(ref, found[0]) for ref in elements) else found


def vectorised(rows: Rows, scene: Scene, zeros: Zeros) -> bool:
    """Whether every pass of the rows can be written in vectors."""
    try:
        rows_nest(rows, replace(scene, used=Used(), called=Used()), zeros)
    except Unvectorised:
        return False
    return True


def rows_nest(rows: Rows, scene: Scene, zeros: Zeros) -> list[Node]:
    """The loops over rows, every pass in them."""
    body: list[Node] = []
    extents = dict((*rows.outer, rows.lane))
    singles: frozenset[str] = frozenset()
    for one in rows.passes:
        body += _pass(one, rows, scene.with_singles(singles), extents, zeros)
        singles |= one.results
    together = rows_abreast(body, rows.outer[-1], scene) if rows.outer else None
    if together is not None:
        return shared(nested(rows.outer[:-1], [together], scene.scalar()))
    return shared(nested(rows.outer, body, scene.scalar()))


def _pass(one: Pass, rows: Rows, scene: Scene, extents: Mapping[Index, Expr], zeros: Zeros) -> list[Node]:
    """One pass along a row, and the numbers after it."""
    lane, extent = rows.lane
    inside = scene.with_locals(frozenset(e.name for e in one.inside) - one.results)
    text = inside.vectors(lane, extents)
    stop = _stop(one, rows, extents, zeros)
    head: list[Node] = []
    loop: list[Node] = []
    stores: list[Node] = []
    tail: list[Node] = []
    for equation in one.inside:
        if reduces(equation.value):
            form = _form(equation)
            head.append(Line(f"vec {_sum(equation)} = {_edge(form)};"))
            loop += _term(equation, form, rows, inside, extents, stop is not None)
            continue
        loop.append(Line(f"const vec {value_of(equation.name)} = {text.vec(equation.value)};"))
        if equation.name in rows.stored:
            stores.append(Line(store(equation.target, value_of(equation.name), scene)))
            if stop is not None:
                tail.append(Line(store(equation.target, "all(0)", scene)))
    whole = scene.extent(extent)
    end = whole if stop is None else scene.scalar(extents).integer(stop)
    loop += stores
    nodes: list[Node] = [*head]
    if loop:
        alone = Loop(lane.name, end, tuple(loop), step="LANES")
        values = [equation.value for equation in one.inside]
        nodes.append(alone if stop is not None else abreast(alone, rows.lane, values, scene))
    if tail:
        nodes.append(Loop(lane.name, whole, tuple(tail), start=f"VECTORS({end}) * LANES", step="LANES"))
    return [*nodes, *_numbers(one, rows, scene, extents)]


def _form(equation: Equation) -> Accumulation:
    form = accumulation(equation.value)
    assert form is not None
    return form


def _sum(equation: Equation) -> str:
    return f"{equation.name}_{_form(equation).kind}"


def _edge(form: Accumulation) -> str:
    return "all(-(real)INFINITY)" if form.kind == Largest.operator else "all(0)"


def _term(
    equation: Equation,
    form: Accumulation,
    rows: Rows,
    scene: Scene,
    extents: Mapping[Index, Expr],
    bounded: bool,
) -> list[Node]:
    """A vector added to a sum, or compared with a maximum; lanes beyond the row are left out."""
    lane, extent = rows.lane
    (term,) = form.terms
    largest = form.kind == Largest.operator
    neutral = -oo if largest else Integer(0)
    guarded = term.condition == True  # noqa: E712
    value = scene.vectors(lane, dict(extents)).vec(
        term.body if guarded else Where(term.condition, term.body, neutral)
    )
    name = f"{equation.name}_term"
    left = f"{scene.extent(extent)} - {lane.name}"
    if not bounded and not scene.whole(extent):
        value = f"FN(within)({value}, {left}, {_edge(form)})"
    if largest:
        scene.called.own.add("larger")
        return [Line(f"{_sum(equation)} = FN(larger)({value}, {_sum(equation)});")]
    return [Line(f"const vec {name} = {value};"), Line(f"{_sum(equation)} += {name};")]


def _numbers(one: Pass, rows: Rows, scene: Scene, extents: Mapping[Index, Expr]) -> list[Node]:
    """What the sums of a pass come to, and what follows from that."""
    found: list[Node] = []
    known_now: frozenset[str] = frozenset()
    for equation in (*one.inside, *one.after):
        value = equation.value
        if equation in one.inside:
            if not reduces(value):
                continue
            form = _form(equation)
            name = "largest" if form.kind == Largest.operator else "total"
            joined = f"FN({name})({_sum(equation)}, {_lanes(rows, scene)})"
            found.append(Line(f"const real {equation.name}_whole = {joined};"))
            start = Symbol(f"{equation.name}_whole")
            whole = start if form.start == 0 else start + form.start
            value = form.finish.xreplace({ACCUMULATED: whole})
        text = scene.with_singles(known_now).scalar(dict(extents)).real(value)
        found.append(Line(f"const real {value_of(equation.name)} = {text};"))
        if equation.name in rows.stored:
            to_c = scene.scalar(dict(extents))
            found.append(Line(f"{to_c.element(equation.target, to_c)} = {value_of(equation.name)};"))
        known_now |= {equation.name}
    return found


def _lanes(rows: Rows, scene: Scene) -> str:
    """How many lanes of a sum count: no more than the row has columns, unless that varies by call."""
    extent = rows.lane[1]
    varies = scene.sizes.batch in map(str, extent.free_symbols)
    return "LANES" if varies else scene.extent(extent)


def _stop(one: Pass, rows: Rows, extents: Mapping[Index, Expr], zeros: Zeros) -> Expr | None:
    """Where a pass may end: beyond that all it leaves is 0, or does not count."""
    left = [e for e in one.inside if reduces(e.value) or e.name in rows.stored]
    common: set[Expr] | None = None
    for equation in left:
        stops = {stop for part in _guards(equation, zeros) for stop in _stops(part, rows, extents)}
        common = stops if common is None else common & stops
    return min(common, key=str) if common else None


def _guards(equation: Equation, zeros: Zeros) -> list[Basic]:
    """The conditions outside of which an equation leaves nothing."""
    value = equation.value
    if reduces(value):
        (term,) = _form(equation).terms
        found = [] if term.condition == True else list(conjuncts(term.condition))  # noqa: E712
        if _form(equation).kind == Largest.operator:
            return found
        factors = term.body.args if term.body.is_Mul else (term.body,)
        return found + [part for ref in factors if ref in refs(term.body) for part in known(ref, zeros)]
    return list(conjuncts(value.condition)) if isinstance(value, Where) and value.other == 0 else []


def _stops(part: Basic, rows: Rows, extents: Mapping[Index, Expr]) -> list[Expr]:
    """Where a guard ends the lanes, if it does and never beyond the row."""
    lane, extent = rows.lane
    if not isinstance(part, Nonnegative) or refs(part):
        return []
    slope = part.expression.coeff(lane, 1)
    rest = part.expression - slope * lane
    if slope != -1 or lane in free_indices(rest):
        return []
    stop = rest + 1
    return [stop] if proved_nonnegative(extent - stop, dict(extents)) else []

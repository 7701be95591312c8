"""Contractions: sums of products of two tensors, as register tiles compute them.

    C[i,j] = sum_k A[i,k] B[k,j]

j runs along the lanes: it is the last axis of the target in memory and an index of one factor, B. Rows i are
the target's indices that A alone has, evenly spaced there; all others are loops around. Indices may be
windows, as X[e,c,h+u-p,w+v-p]: a sum's step is then the step of its axis. Guards that bound one summed index
each are bounds of its loop.

    K_bar[o,c,u,v] = sum_{e,h,w} Y_bar[e,o,h,w] X[e,c,h+u,w+v]

has lanes along e, which both factors have next to each other and which is summed: `Dots` of rows o and
columns v, whose windows lie nearest to each other, and of all u side by side where registers hold so many
sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from sympy import And, Expr, Integer, Mul, true
from sympy.core.basic import Basic

from codegen.accumulation import ACCUMULATED, Accumulation, accumulation
from codegen.printers.factors import conjuncts
from codegen.tuned.storage import Stored
from derive.calculus.expressions.nodes import Nonnegative, Range, Sum, Where, free_indices
from derive.calculus.expressions.tensor import Index, IntegerRef, Ref, refs
from derive.calculus.program.program import Equation

Zeros = Mapping[str, tuple[tuple[Expr, ...], Basic]]
EMPTY: Zeros = MappingProxyType({})


@dataclass(frozen=True)
class Bound:
    """A summed index is at least `least`, or less than `stop`."""

    index: Index
    least: Expr | None = None
    stop: Expr | None = None


@dataclass(frozen=True)
class Contraction:
    """target = finish(start + coefficient sum_k A B), by rows and lanes; `outer` are loops around.

    `dots`: the lanes are the last of the sums, and `columns` of the target are computed side by side, for all
    of `across` where they fit. `folded` are summed indices that the next one goes on with, and counts for.
    """

    equation: Equation
    form: Accumulation
    rows: tuple[Range, ...]
    lanes: Range
    sums: tuple[Range, ...]
    outer: tuple[Range, ...]
    left: Ref
    right: Ref
    coefficient: Expr
    bounds: tuple[Bound, ...] = ()
    columns: Range | None = None
    across: Range | None = None
    folded: tuple[Index, ...] = ()

    @property
    def dots(self) -> bool:
        return self.lanes in self.sums


def contraction(equation: Equation, stored: Mapping[str, Stored], zeros: Zeros = EMPTY) -> Contraction | None:
    """The equation as a contraction; None for anything else.

    `zeros` tells where tensors are 0: a guard that only repeats that is none.
    """
    form = accumulation(equation.value)
    if form is None or form.kind != Sum.operator or len(form.terms) != 1 or equation.accumulates:
        return None
    if (
        equation.target.indices[len(equation.target.indices) - len(equation.loops) :] != equation.loops
        or not equation.loops
    ):
        return None
    term = form.terms[0]
    factors = Mul.make_args(term.body)
    elements = [f for f in factors if isinstance(f, Ref) and not isinstance(f, IntegerRef)]
    rest = Mul(*(f for f in factors if f not in elements))
    if len(elements) != 2 or not rest.is_number:
        return None
    summed = {index for index, _ in term.ranges}
    guards, condition = _guards(term.condition, elements, zeros, summed)
    bounds = _bounds(guards, summed)
    if bounds is None:
        return None
    if condition != true:
        chosen = form.finish.xreplace({ACCUMULATED: form.start + Where(condition, ACCUMULATED, 0)})
        form = replace(form, start=Integer(0), finish=chosen)
    found = _oriented(equation, form, elements, rest, stored)
    if found is None:
        bounds = tuple(bound for bound in bounds if not _in_halo(bound, elements, stored))
        found = _dots(equation, form, elements, rest, stored, _bounded(bounds))
    if found is None:
        return None
    beside = [one for one in (found.columns, found.across) if one]
    varying = {index for index, _ in (*found.rows, found.lanes, *beside)}
    if any(varying & (free_indices(b.least or b.stop or Integer(0)) | {b.index}) for b in bounds):
        return None
    return replace(found, bounds=bounds)


def _guards(
    condition: Basic, elements: list[Ref], zeros: Zeros, summed: set[Index]
) -> tuple[list[Basic], Basic]:
    """What of a guard bounds summed indices, and what is said of the target alone.

    A part that says where a factor is 0 anyway is left out.
    """
    parts = [] if condition == true else list(conjuncts(condition))
    repeated = {part for ref in elements for part in known(ref, zeros)}
    left = [part for part in parts if part not in repeated]
    bounds = [part for part in left if free_indices(part) & summed]
    return bounds, And(*(part for part in left if part not in bounds))


def known(ref: Ref, zeros: Zeros) -> list[Basic]:
    """The conditions under which an element is not 0."""
    if ref.name not in zeros:
        return []
    indices, condition = zeros[ref.name]
    renamed: dict[Basic, Basic] = dict(zip(indices, ref.indices, strict=True))
    return list(conjuncts(condition.xreplace(renamed)))


def zeros_of(equations: Iterable[Equation]) -> dict[str, tuple[tuple[Expr, ...], Basic]]:
    """Where tensors are 0 by definition: outside of a condition on indices alone."""
    found: dict[str, tuple[tuple[Expr, ...], Basic]] = {}
    for equation in equations:
        value = equation.value
        if (
            isinstance(value, Where)
            and value.other == 0
            and not refs(value.condition)
            and not equation.accumulates
        ):
            found[equation.name] = (equation.target.indices, value.condition)
    return found


def _bounds(parts: list[Basic], sums: set[Index]) -> tuple[Bound, ...] | None:
    """Guards as bounds of summed indices; None where one is anything else."""
    found = []
    for part in parts:
        if not isinstance(part, Nonnegative):
            return None
        inside = free_indices(part.expression) & sums
        if len(inside) != 1:
            return None
        (index,) = inside
        slope = part.expression.coeff(index, 1)
        rest = part.expression - slope * index
        if slope not in (1, -1) or index in free_indices(rest):
            return None
        found.append(Bound(index, least=-rest) if slope == 1 else Bound(index, stop=rest + 1))
    return tuple(found)


def _bounded(bounds: tuple[Bound, ...]) -> frozenset[Index]:
    """The indices that bounds depend on."""
    return frozenset(
        i
        for b in bounds
        for i in (b.index, *free_indices(b.least or Integer(0)), *free_indices(b.stop or Integer(0)))
    )


def _extent(extent: Expr) -> int:
    """A number where it is one; a symbolic size counts as many."""
    return int(extent) if extent.is_Integer else 3


def _in_halo(bound: Bound, elements: list[Ref], stored: Mapping[str, Stored]) -> bool:
    """Whether a bound only keeps a window inside of a tensor that has zeros as far as the window reaches."""
    for ref in elements:
        place = stored[ref.name]
        for axis, index in enumerate(ref.indices):
            if not place.margin(axis):
                continue
            least = bound.least is not None and index - bound.index == -bound.least
            most = bound.stop is not None and place.tensor.shape[axis] - (index - bound.index) == bound.stop
            if least or most:
                return True
    return False


def coefficient(expression: Expr, index: Index) -> Expr | None:
    """How an index expression moves with an index; None where that is not a whole number."""
    if index not in free_indices(expression):
        return Integer(0)
    slope = expression.coeff(index, 1)
    rest = expression - slope * index
    return slope if slope.is_Integer and index not in free_indices(rest) else None


def steps(ref: Ref, index: Index) -> dict[int, Expr] | None:
    """The axes along which an index moves, and by how much; None where it is not affine."""
    found: dict[int, Expr] = {}
    for axis, expression in enumerate(ref.indices):
        slope = coefficient(expression, index)
        if slope is None:
            return None
        if slope != 0:
            found[axis] = slope
    return found


def adjacent(ref: Ref, index: Index, stored: Mapping[str, Stored]) -> bool:
    """Whether elements for consecutive values of an index follow each other in memory."""
    return steps(ref, index) == {stored[ref.name].last: Integer(1)}


def has(ref: Ref, index: Index) -> bool:
    """Whether an element depends on an index."""
    return any(index in free_indices(expression) for expression in ref.indices)


def windowed(ref: Ref) -> bool:
    """Whether two indices meet in one axis."""
    return any(len(free_indices(expression)) > 1 for expression in ref.indices)


def coupled(ref: Ref, index: Index) -> bool:
    """Whether an index shares its axis with another: windows that overlap."""
    return any(index in free_indices(e) and len(free_indices(e)) > 1 for e in ref.indices)


def _oriented(
    equation: Equation, form: Accumulation, elements: list[Ref], rest: Expr, stored: Mapping[str, Stored]
) -> Contraction | None:
    ranges = dict(equation.ranges)
    place = stored[equation.name].last
    assert place is not None
    lane = equation.target.indices[place]
    holders = [ref for ref in elements if isinstance(lane, Index) and has(ref, lane)]
    if len(holders) != 1 or lane not in ranges:
        return None
    assert isinstance(lane, Index)
    right = holders[0]
    left = next(ref for ref in elements if ref is not right)
    sums = form.terms[0].ranges
    if not all(steps(left, index) and steps(right, index) for index, _ in sums) or steps(right, lane) is None:
        return None
    if len(steps(right, lane) or {}) != 1 or (windowed(right) and not adjacent(right, lane, stored)):
        return None
    free = [index for index in equation.loops if index != lane]
    rows = [index for index in free if len(steps(left, index) or {}) == 1 and not has(right, index)]
    outer = [index for index in free if index not in rows]
    if not rows:
        return None
    return Contraction(
        equation,
        form,
        tuple((index, ranges[index]) for index in rows),
        (lane, ranges[lane]),
        sums,
        tuple((index, ranges[index]) for index in outer),
        left,
        right,
        rest,
    )


def _dots(
    equation: Equation,
    form: Accumulation,
    elements: list[Ref],
    rest: Expr,
    stored: Mapping[str, Stored],
    bounded: frozenset[Index],
) -> Contraction | None:
    """Lanes along a summed index that both factors have next to each other."""
    ranges = dict(equation.ranges)
    sums = form.terms[0].ranges
    lanes = [r for r in sums if all(adjacent(ref, r[0], stored) for ref in elements)]
    if len(lanes) != 1 or not all(steps(ref, index) is not None for ref in elements for index, _ in sums):
        return None
    both = [index for index in equation.loops if all(steps(ref, index) is not None for ref in elements)]
    only = {
        ref: [
            i
            for i in both
            if i not in bounded and has(ref, i) and not any(has(o, i) for o in elements if o is not ref)
        ]
        for ref in elements
    }
    left, right = sorted(elements, key=lambda ref: (windowed(ref), str(ref)))
    if not only[left] or not only[right]:
        return None
    order_of = stored[right.name].order

    def nearest(index: Index) -> tuple[int, int]:
        return _extent(ranges[index]), max(order_of.index(axis) for axis in steps(right, index) or {0: 0})

    row, column = only[left][0], max(only[right], key=nearest)
    others = [i for i in only[right] if i != column and coupled(right, i) and coupled(right, column)]
    across = (others[-1], ranges[others[-1]]) if others else None
    outer = tuple((i, ranges[i]) for i in equation.loops if i not in (row, column, *others[-1:]))
    order = (*(r for r in sums if r != lanes[0]), lanes[0])
    return Contraction(
        equation,
        form,
        ((row, ranges[row]),),
        lanes[0],
        order,
        outer,
        left,
        right,
        rest,
        (),
        (column, ranges[column]),
        across,
    )

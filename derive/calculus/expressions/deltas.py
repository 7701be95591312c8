"""Elimination of deltas: sum over loops of [g(loops) = a] * value, for every element a.

A delta that can be solved over the integers becomes a guarded gather:

    g = l             l := a
    g = rest +- l     l := +-(a - rest),      guard 0 <= l < extent
    g = rest + s*l    l := (a - rest) // s,   guards s divides a - rest and 0 <= l < extent
    g = n*i + j       j := a % n, i := a // n           where j runs over exactly 0..n-1
    g1 = e // n, g2 = e % n                             e = n*a1 + a2

Any other, and one whose index is data, becomes a guarded scatter. The range of a solved loop never
vanishes: it stays as a guard, less what is proved to hold always.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sympy import And, Expr, Integer, expand, true
from sympy.logic.boolalg import Boolean

from derive.calculus.expressions.bounds import contains_data, inside, tidied, tidy, without_proved
from derive.calculus.expressions.nodes import (
    FloorDiv,
    IsZero,
    Nonnegative,
    Range,
    Remainder,
    Sum,
    Where,
    free_indices,
)
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.substitution import fresh, rename_ranges, substitute
from derive.calculus.expressions.tensor import Axis, Index, refs


@dataclass(frozen=True)
class Term:
    """sum over ranges of [place = a] * value where condition; the equation's own loops come first."""

    place: tuple[Expr, ...]
    value: Expr
    ranges: tuple[Range, ...]
    condition: Boolean = true
    loops: int = 0


@dataclass(frozen=True)
class Scatter:
    """element[place] += value, for every value of the ranges."""

    place: tuple[Expr, ...]
    ranges: tuple[Range, ...]
    value: Expr


@dataclass
class _System:
    """Equations a = g(loops) that are being solved for the loops."""

    unknown: dict[Index, Expr]
    pending: list[tuple[Expr, Expr, int]]
    axes: dict[Index, Expr]
    own: tuple[Index, ...] = ()
    divided: list[tuple[Expr, Expr]] = field(default_factory=list)
    solved: dict[Index, Expr] = field(default_factory=dict)
    guards: list[Boolean] = field(default_factory=list)

    def loops_of(self, expression: Expr) -> list[Index]:
        return [loop for loop in self.unknown if loop in free_indices(expression)]

    def bind(self, loop: Index, value: Expr) -> None:
        """Replace a loop everywhere by its solution."""
        del self.unknown[loop]
        self.pending = [(a, _expanded(substitute(g, {loop: value})), d) for a, g, d in self.pending]
        self.solved = {k: substitute(v, {loop: value}) for k, v in self.solved.items()} | {loop: value}
        self.guards = [substitute(guard, {loop: value}) for guard in self.guards]
        self.unknown = {k: substitute(v, {loop: value}) for k, v in self.unknown.items()}


def eliminate(term: Term, indices: Sequence[Index], axes: Sequence[Axis]) -> Expr | Scatter:
    """The value at element `indices` of a tensor with these axes, or the scatter that makes it."""
    sizes = {
        index: substitute(axis.size, _letters(axes, indices))
        for index, axis in zip(indices, axes, strict=True)
    }
    apart = {index: Index("~" + index.name) for index, _ in term.ranges}
    system = _System(
        dict(rename_ranges(term.ranges, apart)),
        [
            (a, _expanded(substitute(g, apart)), d)
            for d, (a, g) in enumerate(zip(indices, term.place, strict=True))
        ],
        sizes,
        tuple(apart[index] for index, _ in term.ranges[: term.loops]),
        guards=[substitute(term.condition, apart)],
    )
    _solve(system)
    return _result(system, indices, substitute(term.value, apart))


def _letters(axes: Sequence[Axis], indices: Sequence[Index]) -> dict[Index, Index]:
    return {Index(axis.name): index for axis, index in zip(axes, indices, strict=True)}


def _expanded(place: Expr) -> Expr:
    return place if place.is_Symbol or place.is_Integer else expand(place)


def _solve(system: _System) -> None:
    steps = (_settled, _bare, _quotient_and_remainder, _split, _mixed_radix, _affine)
    progress = True
    while progress and system.pending:
        progress = any(step(system) for step in steps)


def _settled(system: _System) -> bool:
    """An equation without loops left is a guard."""
    for entry in system.pending:
        a, g, _ = entry
        if not system.loops_of(g):
            system.pending.remove(entry)
            system.guards.append(IsZero(expand(a - g)))
            return True
    return False


def _bare(system: _System) -> bool:
    for entry in system.pending:
        a, g, _ = entry
        if g in system.unknown:
            system.pending.remove(entry)
            _bind_inside(system, g, a)
            return True
    return False


def _bind_inside(system: _System, loop: Index, value: Expr) -> None:
    extent = system.unknown[loop]
    if not (value in system.axes and system.axes[value] == extent):
        system.guards.append(inside(value, extent, system.axes | system.unknown))
    system.bind(loop, value)


def _quotient_and_remainder(system: _System) -> bool:
    """e // n = a1 and e % n = a2 are one equation e = n*a1 + a2."""
    for low in system.pending:
        if not isinstance(low[1], Remainder):
            continue
        for high in system.pending:
            if isinstance(high[1], FloorDiv) and _continues(high[1], low[1]):
                system.pending.remove(low)
                system.pending.remove(high)
                joined = expand(low[1].args[1] * high[0] + low[0])
                system.pending.append((joined, low[1].args[0], low[2]))
                return True
    return False


def _continues(high: FloorDiv, low: Remainder) -> bool:
    (e, n), (f, whole) = low.args, high.args
    if (e, n) == (f, whole):
        return True
    return isinstance(e, FloorDiv) and e.args[0] == f and expand(e.args[1] * n - whole) == 0


def _split(system: _System) -> bool:
    """A loop under // n or % n becomes n*quotient + remainder."""
    for _, g, _ in system.pending:
        for node in sorted(nodes_of(g, FloorDiv, Remainder), key=str):
            loop, divisor = node.args
            if loop in system.unknown and not system.loops_of(divisor):
                _split_loop(system, loop, divisor)
                return True
    return False


def _split_loop(system: _System, loop: Index, divisor: Expr) -> None:
    extent = system.unknown[loop]
    blocks = extent / divisor
    exact = blocks.is_integer or (
        not blocks.as_numer_denom()[1].free_symbols - {loop} and blocks.is_polynomial()
    )
    high, low = Index(loop.name + "/"), Index(loop.name + "%")
    whole = divisor * high + low
    system.unknown[high] = blocks if exact else FloorDiv(extent + divisor - 1, divisor)
    system.unknown[low] = divisor
    replaced = {FloorDiv(loop, divisor): high, Remainder(loop, divisor): low}
    system.pending = [(a, g.xreplace(replaced), d) for a, g, d in system.pending]
    if not exact:
        system.guards.append(Nonnegative(extent - 1 - whole))
    system.bind(loop, whole)


def _mixed_radix(system: _System) -> bool:
    """a = c + n*i + j with j < n exactly: each digit by // and %."""
    for entry in system.pending:
        a, g, _ = entry
        digits = _digits(system, g)
        if len(digits) < 2:
            continue
        system.pending.remove(entry)
        rest = expand(a - (g - sum(weight * loop for loop, weight in digits)))
        for position, (loop, weight) in enumerate(digits):
            quotient = FloorDiv(rest, weight)
            last = position == len(digits) - 1
            value = quotient if last else Remainder(quotient, system.unknown[loop])
            if last:
                _bind_inside_digits(system, loop, value, rest, weight)
            else:
                system.bind(loop, value)
        return True
    return False


def _bind_inside_digits(system: _System, loop: Index, value: Expr, rest: Expr, weight: Expr) -> None:
    system.guards.append(inside(rest, expand(weight * system.unknown[loop]), system.axes | system.unknown))
    system.bind(loop, value)


def _digits(system: _System, g: Expr) -> list[tuple[Index, Expr]]:
    """The loops of g with their weights, lowest first, where each weight is the product of lower extents."""
    loops = system.loops_of(g)
    weights = {loop: g.coeff(loop, 1) for loop in loops}
    if any(system.loops_of(w) for w in weights.values()) or _affine_rest(g, weights).has(*loops):
        return []
    digits: list[tuple[Index, Expr]] = []
    expected: Expr = Integer(1)
    while len(digits) < len(loops):
        found = [loop for loop in loops if expand(weights[loop] - expected) == 0 and loop not in dict(digits)]
        if not found:
            return []
        digits.append((found[0], expected))
        expected = expand(expected * system.unknown[found[0]])
    return digits


def _affine_rest(g: Expr, weights: dict[Index, Expr]) -> Expr:
    return expand(g - sum(weight * loop for loop, weight in weights.items()))


def _affine(system: _System) -> bool:
    """The best loop to solve for: the equation's own, so that a window is summed and not its frame;
    then coefficient +-1 before others.
    """
    order = list(system.unknown)
    best: tuple[tuple[bool, bool, int], tuple[Expr, Expr, int], Index, Expr] | None = None
    for entry in system.pending:
        for loop in system.loops_of(entry[1]):
            weight = entry[1].coeff(loop, 1)
            rest = expand(entry[1] - weight * loop)
            if rest.has(loop) or system.loops_of(weight) or contains_data(weight) or not _signed(weight):
                continue
            rank = (loop not in system.own, weight not in (1, -1), order.index(loop))
            if best is None or rank < best[0]:
                best = (rank, entry, loop, weight)
    if best is None:
        return False
    _bind_affine(system, best[1], best[2], best[3])
    return True


def _signed(weight: Expr) -> bool:
    return bool(weight.is_positive or weight.is_negative)


def _bind_affine(system: _System, entry: tuple[Expr, Expr, int], loop: Index, weight: Expr) -> None:
    a, g, _ = entry
    system.pending.remove(entry)
    distance = expand(a - g + weight * loop)
    if weight.is_negative:
        distance, weight = expand(-distance), -weight
    extents = system.axes | system.unknown
    reach = expand(weight * (system.unknown[loop] - 1))
    if weight != 1:
        system.guards.append(IsZero(Remainder(distance, weight)))
        system.divided.append((distance, weight))
    system.guards.append(
        without_proved(And(Nonnegative(distance), Nonnegative(expand(reach - distance))), extents)
    )
    system.bind(loop, FloorDiv(distance, weight))


def _result(system: _System, indices: Sequence[Index], value: Expr) -> Expr | Scatter:
    renaming = _readable(system, indices)
    open_axes = {d: g for _, g, d in system.pending}
    solved = {loop: substitute(found, renaming) for loop, found in system.solved.items()} | renaming
    ranges = rename_ranges(tuple(system.unknown.items()), renaming)
    extents = {**system.axes, **dict(ranges)}
    exact = {weight * FloorDiv(d, weight): d for d, weight in system.divided}
    guards = [tidied(_exactly(guard, exact)) for guard in system.guards]
    guard = without_proved(
        And(*(_places_tidied(substitute(g, renaming), system, renaming) for g in guards)), extents
    )
    body = Where(guard, _places_tidied(substitute(value, solved), system, renaming), 0)
    if not open_axes:
        return Sum(body, *ranges)
    place = tuple(
        substitute(open_axes[d], renaming) if d in open_axes else index for d, index in enumerate(indices)
    )
    used = [r for r in ranges if any(g.has(r[0]) for g in place)]
    kept = tuple((i, n) for d, (i, n) in enumerate(system.axes.items()) if d not in open_axes)
    return Scatter(place, (*used, *kept), Sum(body, *(r for r in ranges if r not in used)))


def _places_tidied(value: Any, system: _System, renaming: dict[Index, Index]) -> Any:
    """The value with s*(d//s) = d, which the guards ensure, and n*(e//n) + e%n = e in its indices."""
    exact = {
        substitute(weight * FloorDiv(d, weight), renaming): substitute(d, renaming)
        for d, weight in system.divided
    }
    replaced = {}
    for ref in refs(value):
        if holds(ref, FloorDiv):
            places = (tidy(_exact_multiple(place, exact)) for place in ref.indices)
            replaced[ref] = ref.func(ref.args[0], *places)
    return value.xreplace(replaced) if replaced else value


def _exact_multiple(expression: Expr, exact: dict[Expr, Expr]) -> Expr:
    for product, distance in exact.items():
        weight, quotient = product.as_independent(FloorDiv)
        multiple = expression.coeff(quotient, 1) / weight
        if multiple.is_Integer and multiple != 0:
            expression = expand(expression + multiple * (distance - product))
    return expression


def _exactly(guard: Boolean, exact: dict[Expr, Expr]) -> Boolean:
    """Where s divides d, s*(d//s) is d."""
    if not exact:
        return guard
    replaced = {}
    for comparison in nodes_of(guard, Nonnegative, IsZero):
        replaced[comparison] = comparison.func(_exact_multiple(comparison.expression, exact))
    return guard.xreplace(replaced)


def _readable(system: _System, indices: Sequence[Index]) -> dict[Index, Index]:
    """Remaining loops get their own name back where no element index has it."""
    taken = {index.name for index in indices}
    renaming: dict[Index, Index] = {}
    for loop in system.unknown:
        renaming[loop] = fresh(loop.name.strip("~/%"), taken)
        taken.add(renaming[loop].name)
    return renaming

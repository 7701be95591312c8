"""Limits: what of a contraction need not be computed, by guards that compare two indices.

R[t,s] = sum_n Q[t,n] K[s,n]                     read where s <= t alone: tiles above are left out
O[t,n] = sum_s P[t,s] V[s,n]                     P[t,s] = 0 but for s <= t: a tile's sum ends at its last row
V_bar[s,n] = sum_t P[t,s] O_bar[t,n]             .. begins at its first
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

from sympy import Expr, Integer, true
from sympy.core.basic import Basic

from codegen.printers.factors import conjuncts
from codegen.tuned.products.contraction import Contraction, Zeros, known
from derive.calculus.expressions.nodes import Nonnegative, Where
from derive.calculus.expressions.tensor import Index, IntegerRef, Ref
from derive.calculus.program.program import Equation

Regions = Mapping[str, frozenset[Basic]]


@dataclass(frozen=True)
class Limit:
    """sign (row - other) + shift >= 0; 0 is no limit."""

    sign: int = 0
    shift: int = 0


@dataclass(frozen=True)
class Limits:
    """Of a tile's rows against its lanes, and against the terms of its sums."""

    lanes: Limit = Limit()
    terms: Limit = Limit()

    @property
    def some(self) -> bool:
        return bool(self.lanes.sign or self.terms.sign)


def regions(equations: Iterable[Equation], whole: Set[str], contracts: Callable[[Equation], bool]) -> Regions:
    """The conditions under which alone the elements of tensors are read, in terms of their axes.

    `whole` are read by others. A contraction multiplies whatever a guard of it leaves to zeros.
    """
    found: dict[str, frozenset[Basic]] = {}
    for equation in equations:
        guarded = not contracts(equation)
        for ref, conditions in _reads(equation.value, frozenset()):
            here = _by_axes(ref, conditions) if guarded else frozenset()
            found[ref.name] = found.get(ref.name, here) & here
    return {name: parts for name, parts in found.items() if parts and name not in whole}


def _reads(node: Basic, conditions: frozenset[Basic]) -> Iterator[tuple[Ref, frozenset[Basic]]]:
    """Every element that an expression reads, with the conditions that it stands under."""
    if isinstance(node, Ref) and not isinstance(node, IntegerRef):
        yield node, conditions
    if isinstance(node, Where):
        parts = frozenset() if node.condition == true else frozenset(conjuncts(node.condition))
        yield from _reads(node.condition, conditions)
        yield from _reads(node.chosen, conditions | parts)
        yield from _reads(node.other, conditions)
        return
    for argument in node.args:
        yield from _reads(argument, conditions)


def axis(place: int) -> Index:
    """The index that stands for an axis of a tensor."""
    return Index(f"axis{place}")


def _by_axes(ref: Ref, conditions: frozenset[Basic]) -> frozenset[Basic]:
    own = [index for index in ref.indices if isinstance(index, Index)]
    if len(set(own)) != len(own):
        return frozenset()
    renamed: dict[Basic, Basic] = {
        index: axis(place) for place, index in enumerate(ref.indices) if isinstance(index, Index)
    }
    return frozenset(
        part.xreplace(renamed)
        for part in conditions
        if isinstance(part, Nonnegative) and part.free_symbols <= set(own)
    )


def limits(found: Contraction, zeros: Zeros, region: Regions) -> Limits:
    """The limits of a contraction of rows of one index and one sum, inside of loops.

    Only of squares: what reads one has the same rows, cut alike, whichever axis they are.
    """
    if len(found.rows) != 1 or len(found.sums) != 1 or found.dots or found.bounds or not found.outer:
        return Limits()
    row, lane, term = found.rows[0][0], found.lanes[0], found.sums[0][0]
    target = found.equation.target
    axes: dict[Basic, Basic] = {axis(place): index for place, index in enumerate(target.indices)}
    needed = [part.xreplace(axes) for part in region.get(target.name, frozenset())]
    apart = [part for ref in (found.left, found.right) for part in known(ref, zeros)]
    return Limits(
        _limit(needed, row, lane) if found.rows[0][1] == found.lanes[1] else Limit(),
        _limit(apart, row, term) if found.rows[0][1] == found.sums[0][1] else Limit(),
    )


def _limit(parts: Iterable[Basic], row: Index, other: Index) -> Limit:
    """The first of some conditions that compares two indices."""
    for part in sorted(parts, key=str):
        if isinstance(part, Nonnegative):
            shift: Expr = part.expression.xreplace({row: Integer(0), other: Integer(0)})
            for sign in (1, -1):
                if shift.is_Integer and part.expression - shift == sign * (row - other):
                    return Limit(sign, int(shift))
    return Limit()

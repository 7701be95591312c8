"""Rows: what goes over the same rows, one equation after the other, does so row by row.

    v[i] = sum_q C[i,q]^2 / d                for each i:
    r[i] = (v[i] + eps)^(-1/2)                   over j: v += C^2;  then r
    N[i,j] = g[j] r[i] C[i,j]                    over j: N

A row stays near while all its equations have their turn. An equation that needs no result of a pass over the
row is a part of that pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from sympy.core.basic import Basic

from codegen.accumulation import accumulation
from codegen.tuned.groups.groups import Group, Pass, Rows, Step, Turns, names_of
from derive.calculus.expressions.nodes import Range, reduces
from derive.calculus.expressions.tensor import Index, Ref
from derive.calculus.program.program import Equation

Lane = Callable[[Equation], Range | None]
"""The index and the extent along which an equation's elements follow each other; None for contractions."""
Vectors = Callable[[Rows], bool]
"""Whether all passes can be written in vectors."""


def rowed(steps: Iterable[Step], lane: Lane, vectors: Vectors) -> list[Step]:
    """The steps, groups over the same rows together."""
    found: list[Step] = []
    for step in steps:
        if isinstance(step, Turns):
            inner = rowed(step.groups, lane, vectors)
            found.append(replace(step, groups=tuple(one for one in inner if not isinstance(one, Turns))))
        elif isinstance(step, Group):
            _add(step, found, lane, vectors)
        else:
            found.append(step)
    return [_plain(step) for step in found]


def _plain(step: Step) -> Step:
    """A group that has found no other is a group."""
    return step.groups[0] if isinstance(step, Rows) and len(step.groups) == 1 else step


def _add(group: Group, found: list[Step], lane: Lane, vectors: Vectors) -> None:
    alone = _alone(group, lane, vectors)
    if alone is None:
        found.append(group)
        return
    for place in range(len(found) - 1, -1, -1):
        other = found[place]
        if isinstance(other, Rows) and group.reads & (other.names | other.reads):
            together = _joined(other, alone)
            if together is not None:
                found[place] = together
                return
        if names_of(other) & group.reads:
            break
    found.append(alone)


def _alone(group: Group, lane: Lane, vectors: Vectors) -> Rows | None:
    """A group as passes of its own."""
    first = group.first
    along = lane(first)
    form = accumulation(first.value)
    if along is None or form is None or first.accumulates:
        return None
    outer = tuple(pair for pair in first.ranges if pair[0] != along[0])
    if not outer or len(form.terms) > 1 or (form.terms and form.terms[0].ranges != (along,)):
        return None
    if form.terms and along in first.ranges:
        return None
    rows = Rows(outer, along, (), (group,))
    for equation in group.equations:
        rows = _with(rows, equation)
    return rows if not _elsewhere(group.equations, group.equations) and vectors(rows) else None


def _elsewhere(equations: Iterable[Equation], defining: Iterable[Equation]) -> bool:
    """Whether an element is read that another row, or another turn of a recurrence, leaves in memory."""
    places = {one.name: one.target.indices for one in defining}
    return any(
        ref.indices != places[ref.name] for one in equations for ref in one.references if ref.name in places
    )


def _joined(rows: Rows, other: Rows) -> Rows | None:
    """Both as one; None where their rows differ, or an element is read at another place."""
    if [n for _, n in (*rows.outer, rows.lane)] != [n for _, n in (*other.outer, other.lane)]:
        return None
    renamed: dict[Basic, Basic] = {
        old: new
        for (old, _), (new, _) in zip((*other.outer, other.lane), (*rows.outer, rows.lane), strict=True)
    }
    result = replace(rows, groups=(*rows.groups, *other.groups))
    others = [moved(equation, renamed) for equation in other.equations]
    every = [*rows.equations, *others]
    if rows.names & {one.name for one in others} or _elsewhere(every, every):
        return None
    for equation in others:
        result = _with(result, equation)
    return result


def moved(equation: Equation, renamed: dict[Basic, Basic]) -> Equation:
    """An equation of a row with the letters of others."""
    target = equation.target.xreplace(renamed)
    assert isinstance(target, Ref)
    ranges = tuple((_index(renamed.get(index, index)), extent) for index, extent in equation.ranges)
    return replace(equation, target=target, ranges=ranges, value=equation.value.xreplace(renamed))


def _index(node: Basic) -> Index:
    assert isinstance(node, Index)
    return node


def _with(rows: Rows, equation: Equation) -> Rows:
    """One equation more: in the last pass, or in one of its own where it needs a result of that."""
    number = not reduces(equation.value) and rows.lane[0] not in equation.loops
    last = rows.passes[-1] if rows.passes else Pass()
    before = rows.passes[:-1]
    if number:
        return replace(rows, passes=(*before, replace(last, after=(*last.after, equation))))
    if last.results & equation.reads:
        return replace(rows, passes=(*rows.passes, Pass((equation,))))
    return replace(rows, passes=(*before, replace(last, inside=(*last.inside, equation))))


def relettered(rows: Rows, renamed: dict[Basic, Basic]) -> Rows:
    """The rows with other letters for their indices."""
    passes = tuple(
        Pass(
            tuple(moved(one, renamed) for one in each.inside),
            tuple(moved(one, renamed) for one in each.after),
        )
        for each in rows.passes
    )
    outer = tuple((_index(renamed[index]), extent) for index, extent in rows.outer)
    return replace(rows, outer=outer, lane=(_index(renamed[rows.lane[0]]), rows.lane[1]), passes=passes)

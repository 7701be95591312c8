"""Ties: how often a maximum is reached is counted where it is found, while its window is near.

    P[i,h] = max_{u<2} Z[i,2 h + u]                  for each i, h: the maximum over u, then the count
    n[i,h] = sum_{u<2} [Z[i,2 h + u] == P[i,h]]

A sum joins the maximum before it where it goes over as many terms, of what the maximum is of, and reads the
maximum at its place.
"""

from __future__ import annotations

from collections.abc import Iterable

from codegen.accumulation import Accumulation, accumulation
from codegen.c.letters import lettered
from codegen.tuned.groups.groups import Group, Step, target_of
from codegen.tuned.groups.joined import Vectors, joined
from derive.calculus.expressions.nodes import Largest, Sum
from derive.calculus.program.program import Equation


def counted(steps: Iterable[Step], vectors: Vectors) -> list[Step]:
    """The steps, with every count in the group of its maximum."""
    return joined(steps, _joined, vectors)


def _joined(group: Group, found: list[Step], vectors: Vectors) -> tuple[int, Group] | None:
    """The place of the maximum that a group counts, and both together."""
    sums = _form(group.first, Sum.operator)
    if sums is None:
        return None
    for place in range(len(found) - 1, -1, -1):
        other = found[place]
        most = _form(other.first, Largest.operator) if isinstance(other, Group) else None
        if isinstance(other, Group) and most is not None and _counts(group, sums, other, most):
            fixed = dict(zip(group.first.loops, other.first.loops, strict=True))
            together = Group((*other.equations, *(lettered(e, frozenset(), fixed) for e in group.equations)))
            return (place, together) if _at_place(together) and vectors(together) else None
    return None


def _form(first: Equation, kind: str) -> Accumulation | None:
    """The form of an equation that reduces once, in this way."""
    form = accumulation(first.value)
    return form if form and form.kind == kind and len(form.terms) == 1 and not first.accumulates else None


def _counts(group: Group, sums: Accumulation, other: Group, most: Accumulation) -> bool:
    """Whether a group reads what another does, and its results, over loops and windows as large."""
    if not group.reads & other.names or not group.reads <= other.names | other.reads:
        return False
    windows = ([n for _, n in sums.terms[0].ranges], [n for _, n in most.terms[0].ranges])
    loops = ([n for _, n in group.first.ranges], [n for _, n in other.first.ranges])
    return windows[0] == windows[1] and loops[0] == loops[1]


def _at_place(group: Group) -> bool:
    """Whether all of a group read each other where they are computed."""
    return all(
        ref.indices == target_of(group, ref.name)
        for equation in group.equations
        for ref in equation.references
        if ref.name in group.names
    )

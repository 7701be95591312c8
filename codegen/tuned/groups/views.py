"""Views: an equation that gives numbers new indices, and leaves them as they lie, takes no time and no room.

F[e,j] = P[e,j//(a b),(j//b)%a,j%b]      with examples innermost F lies as P does: AT_F = AT_P, no loop
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sympy import Expr, Integer, expand

from codegen.tuned.groups.groups import Group, Step, Turns, names_of, reads_of
from codegen.tuned.storage import Stored
from derive.calculus.expressions.nodes import FloorDiv, Remainder
from derive.calculus.expressions.tensor import IntegerRef, Ref

ARENA = "x->w"


def views(lists: Iterable[tuple[Step, ...]], stored: Mapping[str, Stored]) -> dict[str, str]:
    """Each view of the lists, and what it is a view of; neither is of a recurrence."""
    steps = [step for one in lists for step in one]
    turning = {
        name for step in steps if isinstance(step, Turns) for name in (*names_of(step), *reads_of(step))
    }
    found = {
        step.first.name: old
        for step in steps
        if isinstance(step, Group) and (old := view_of(step, stored)) is not None
    }
    return {new: old for new, old in found.items() if not {new, old} & turning}


def view_of(group: Group, stored: Mapping[str, Stored]) -> str | None:
    """What all that a group computes is a view of."""
    equation = group.first
    read = equation.value
    if len(group.equations) > 1 or group.block or equation.accumulates:
        return None
    if not isinstance(read, Ref) or isinstance(read, IntegerRef) or equation.target.indices != equation.loops:
        return None
    new, old = stored[equation.name], stored[read.name]
    lie = all(one.start.startswith(ARENA) and len(one.order) > 1 and _plain(one) for one in (new, old))
    return (
        read.name
        if lie and new.padded == old.padded and _same_place(equation.target, read, new, old)
        else None
    )


def _plain(one: Stored) -> bool:
    return not (any(one.halo) or one.single or one.integer)


def _same_place(target: Ref, read: Ref, new: Stored, old: Stored) -> bool:
    """Whether an element lies as far from the first as the one that it is."""
    ends = [
        (ref.indices[one.order[-1]], one.tensor.shape[one.order[-1]])
        for ref, one in ((target, new), (read, old))
    ]
    if ends[0] != ends[1]:
        return False
    (indices, extents), (others, inner) = _outer(target, new), _outer(read, old)
    if expand(_product(extents) - _product(inner)) != 0:
        return False
    if len(indices) == 1:
        return others == _digits(indices[0], inner)
    return len(others) == 1 and expand(others[0] - _flat(indices, extents)) == 0


def _outer(ref: Ref, one: Stored) -> tuple[list[Expr], list[Expr]]:
    """The indices of all axes but the last, as they lie, and the extents."""
    axes = one.order[:-1]
    return [ref.indices[axis] for axis in axes], [one.tensor.shape[axis] for axis in axes]


def _digits(index: Expr, extents: list[Expr]) -> list[Expr]:
    """The indices that one index goes through, row by row."""
    found: list[Expr] = []
    below: Expr = Integer(1)
    for place, extent in reversed(list(enumerate(extents))):
        above = FloorDiv(index, below)
        found.insert(0, Remainder(above, extent) if place else above)
        below = below * extent
    return found


def _flat(indices: list[Expr], extents: list[Expr]) -> Expr:
    flat: Expr = Integer(0)
    for index, extent in zip(indices, extents, strict=True):
        flat = flat * extent + index
    return flat


def _product(extents: list[Expr]) -> Expr:
    found: Expr = Integer(1)
    for extent in extents:
        found = found * extent
    return found

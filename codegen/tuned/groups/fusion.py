"""Fusion: what is computed element by element from one sum is computed where the sum is finished.

    A1[i,j] = sum_{p<n} X[i,p] W1[p,j] + b1[j]        one group: A1 stays in registers,
    Z2[i,j] = where(A1[i,j] > 0, A1[i,j], 0)          Z2 alone is stored

An equation joins the group before it where it reads one of its names at the same place, for the same loops,
and whatever else it reads was there before the group. What only elementwise equations read, at their own
place, and follows from no sum finished there, is computed in the group of each of them. Elementwise groups
that one equation reads at its place are one group. What nothing outside of the group reads is never stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Set

from sympy.core.basic import Basic

from codegen.tuned.groups.groups import Group, Step, Turns, names_of, reads_of, target_of, with_stored
from derive.calculus.expressions.nodes import free_indices, reduces
from derive.calculus.expressions.tensor import Index, Ref, refs
from derive.calculus.program.program import Equation, Recurrence, Statement


def fused(statements: Iterable[Statement], outputs: Iterable[str], narrow: bool = False) -> tuple[Step, ...]:
    """The statements in groups, in an order that computes everything before it is read.

    What follows from a sum where that is finished is stored for others, unless it is to be `narrow`: then it
    is computed in each group that needs it.
    """
    listed, kept = tuple(statements), frozenset(outputs)
    found: list[Step] = []
    spread: dict[str, Equation] = {}
    for statement in listed:
        if isinstance(statement, Recurrence):
            found.append(_turns(statement, _read_elsewhere(statement, listed) | kept, narrow))
        elif spreads(statement, listed, kept) and (narrow or not _at_hand(statement, spread, found)):
            spread[statement.name] = statement
        else:
            _place(statement, spread, found)
    return with_stored(found, kept)


def spreads(equation: Equation, statements: Iterable[Statement], kept: Set[str]) -> bool:
    """Whether all that reads an elementwise equation is elementwise too, and reads it at its own place."""
    if reduces(equation.value) or equation.accumulates or not _last(equation) or not equation.loops:
        return False
    if equation.name in kept or any(refs(index) for ref in equation.references for index in ref.indices):
        return False
    listed = list(statements)
    if sum(one.name == equation.name for one in listed if isinstance(one, Equation)) > 1:
        return False
    readers = [one for one in listed if equation.name in names_read(one)]
    return bool(readers) and all(
        isinstance(one, Equation) and _elementwise(one) and _beside(equation, one) for one in readers
    )


def names_read(statement: Statement) -> frozenset[str]:
    """The tensors that a statement reads."""
    if isinstance(statement, Recurrence):
        return frozenset(name for one in statement.equations for name in one.reads)
    return statement.reads


def _read_elsewhere(loop: Recurrence, statements: Iterable[Statement]) -> frozenset[str]:
    """What other statements than a recurrence read."""
    return frozenset(name for one in statements if one is not loop for name in names_read(one))


def _elementwise(equation: Equation) -> bool:
    return not reduces(equation.value) and not equation.accumulates and _whole(equation)


def _beside(equation: Equation, reader: Equation) -> bool:
    """Whether a reader has the loops of an equation, and reads it at its own place alone."""
    if [n for _, n in equation.ranges] != [n for _, n in reader.ranges]:
        return False
    renamed: dict[Basic, Basic] = dict(zip(reader.loops, equation.loops, strict=True))
    own = [ref for ref in reader.references if ref.name == equation.name]
    return all(_renamed(ref, renamed).indices == equation.target.indices for ref in own)


def _place(equation: Equation, spread: dict[str, Equation], found: list[Step]) -> None:
    """The equation in a group, after those of `spread` that it needs."""
    needed = _needed(equation, spread)
    place = _group_of(equation, found, needed)
    if place is not None:
        place = _gathered((*needed, equation), found, place)
    if place is None:
        first = needed[0] if needed else equation
        found.append(Group((*(aligned(one, first) for one in needed), aligned(equation, first))))
        return
    group = found[place]
    assert isinstance(group, Group)
    more = [one for one in needed if one.name not in group.names]
    found[place] = Group((*group.equations, *(aligned(one, group.first) for one in (*more, equation))))


def _gathered(equations: tuple[Equation, ...], found: list[Step], place: int) -> int:
    """The place of a group, once it has taken in others before it that the equations read as well.

    All are elementwise, over the same loops, and what lies between them reads nothing of what moves.
    """
    group = found[place]
    assert isinstance(group, Group)
    for before in range(place - 1, -1, -1):
        other = found[before]
        if not isinstance(other, Group) or not _beside_each_other(equations, group, other):
            continue
        if any(reads_of(step) & other.names for step in found[before + 1 : place]):
            continue
        group = Group((*other.equations, *(aligned(one, other.first) for one in group.equations)))
        found[place] = group
        del found[before]
        place -= 1
    return place


def _beside_each_other(equations: tuple[Equation, ...], group: Group, other: Group) -> bool:
    """Whether equations read two elementwise groups at their place, which read each other there alone."""
    if reduces(group.first.value) or reduces(other.first.value) or not _joins(equations, other):
        return False
    if not _told_apart((*other.equations, *group.equations, *equations)):
        return False
    return not group.reads & other.names or _joins(group.equations, other)


def _needed(equation: Equation, spread: dict[str, Equation]) -> tuple[Equation, ...]:
    """What an equation needs of `spread`, directly or not, in order."""
    needed: set[str] = set()
    waiting = [equation]
    while waiting:
        for name in waiting.pop().reads & set(spread):
            if name not in needed:
                needed.add(name)
                waiting.append(spread[name])
    return tuple(one for name, one in spread.items() if name in needed)


def _at_hand(equation: Equation, spread: dict[str, Equation], found: list[Step]) -> bool:
    """Whether a sum that an equation reads is finished at its place: it is computed there, once."""
    place = _group_of(equation, found, _needed(equation, spread))
    return place is not None and reduces(found[place].equations[0].value)


def _turns(statement: Recurrence, outside: Set[str], narrow: bool) -> Turns:
    """A recurrence in groups; what one turn leaves to others is stored, as all names are for now."""
    groups = [step for step in fused(statement.equations, outside, narrow) if isinstance(step, Group)]
    return Turns(statement.index, statement.extent, tuple(groups), statement.reverse)


def _group_of(equation: Equation, found: list[Step], needed: tuple[Equation, ...]) -> int | None:
    """The last group that the equation may join, with what it needs besides."""
    if reduces(equation.value) or equation.accumulates or not _whole(equation):
        return None
    reads = frozenset(name for one in (*needed, equation) for name in one.reads)
    reads -= {one.name for one in needed}
    for place in range(len(found) - 1, -1, -1):
        group = found[place]
        if isinstance(group, Group) and _joins((*needed, equation), group):
            later = {name for step in found[place:] for name in names_of(step)} - group.names
            return None if later & reads else place
    return None


def _joins(equations: tuple[Equation, ...], group: Group) -> bool:
    """Whether some elementwise equations read a group at its place, one of them at least."""
    first = group.first
    if first.accumulates or not _whole(first):
        return False
    if reduces(first.value) and not all(_last(equation) for equation in equations):
        return False
    if not _told_apart((*group.equations, *equations)):
        return False
    own = []
    for equation in equations:
        if not equation.loops or [n for _, n in equation.ranges] != [n for _, n in first.ranges]:
            return False
        renamed: dict[Basic, Basic] = dict(zip(equation.loops, first.loops, strict=True))
        own += [_renamed(ref, renamed) for ref in equation.references if ref.name in group.names]
    return bool(own) and all(ref.indices == target_of(group, ref.name) for ref in own)


def _told_apart(equations: Iterable[Equation]) -> bool:
    """Whether no equation reads a tensor of which there are several parts: a name stands for one value."""
    listed = list(equations)
    parts = {(one.name, *(index for index in one.target.indices if index.is_Integer)) for one in listed}
    counts = Counter(part[0] for part in parts)
    return not any(counts[name] > 1 for one in listed for name in one.reads)


def _whole(equation: Equation) -> bool:
    """Whether the indices of the target are the loops, in order, and others that are fixed: A[t,a,1,j]."""
    loops = set(equation.loops)
    moving = tuple(index for index in equation.target.indices if free_indices(index) & loops)
    return moving == equation.loops


def _last(equation: Equation) -> bool:
    """Whether the last indices of the target are the loops, in order; those before are fixed, as a step's."""
    fixed = len(equation.target.indices) - len(equation.loops)
    return fixed >= 0 and equation.target.indices[fixed:] == equation.loops


def _renamed(ref: Ref, renamed: dict[Basic, Basic]) -> Ref:
    return Ref(ref.args[0], *(index.xreplace(renamed) for index in ref.indices))


def aligned(equation: Equation, first: Equation) -> Equation:
    """The equation with the loop letters of the group's first."""
    renamed: dict[Basic, Basic] = dict(zip(equation.loops, first.loops, strict=True))
    if all(old == new for old, new in renamed.items()):
        return equation
    return Equation(
        _renamed(equation.target, renamed),
        tuple((_index(renamed[index]), extent) for index, extent in equation.ranges),
        equation.value.xreplace(renamed),
        equation.frozen,
        equation.given,
        equation.layer,
    )


def _index(node: Basic) -> Index:
    assert isinstance(node, Index)
    return node

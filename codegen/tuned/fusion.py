"""Fusion: what is computed element by element from one sum is computed where the sum is finished.

    A1[i,j] = sum_{p<n} X[i,p] W1[p,j] + b1[j]        one group: A1 stays in registers,
    Z2[i,j] = where(A1[i,j] > 0, A1[i,j], 0)          Z2 alone is stored

An equation joins the group before it where it reads one of its names at the same place, for the same loops,
and whatever else it reads was there before the group. What nothing outside of the group reads is never
stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace

from sympy import Expr
from sympy.core.basic import Basic

from derive.calculus.nodes import reduces
from derive.calculus.program import Equation, Recurrence, Statement
from derive.calculus.tensor import Index, Ref


@dataclass(frozen=True)
class Group:
    """Equations computed in one nest: the first may reduce, the others are elementwise in its target."""

    equations: tuple[Equation, ...]
    stored: frozenset[str] = frozenset()

    @property
    def first(self) -> Equation:
        return self.equations[0]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(equation.name for equation in self.equations)

    @property
    def reads(self) -> frozenset[str]:
        """What it reads of others."""
        return frozenset(name for equation in self.equations for name in equation.reads) - self.names


@dataclass(frozen=True)
class Turns:
    """Groups computed in turn for each value of an index, forwards or backwards."""

    index: Index
    extent: Expr
    groups: tuple[Group, ...]
    reverse: bool

    @property
    def equations(self) -> tuple[Equation, ...]:
        return tuple(equation for group in self.groups for equation in group.equations)


Step = Group | Turns


def fused(statements: Iterable[Statement], outputs: Iterable[str]) -> tuple[Step, ...]:
    """The statements in groups, in an order that computes everything before it is read."""
    found: list[Step] = []
    for statement in statements:
        if isinstance(statement, Recurrence):
            found.append(_turns(statement))
            continue
        place = _group_of(statement, found)
        if place is None:
            found.append(Group((statement,)))
        else:
            group = found[place]
            assert isinstance(group, Group)
            found[place] = Group((*group.equations, aligned(statement, group.first)))
    return _with_stored(found, frozenset(outputs))


def groups_of(step: Step) -> tuple[Group, ...]:
    """The groups of a step."""
    return step.groups if isinstance(step, Turns) else (step,)


def key_of(group: Group) -> tuple[str, ...]:
    """What tells a group from any other: its equations, and what of them is stored."""
    return (*(str(equation) for equation in group.equations), *sorted(group.stored))


def _turns(statement: Recurrence) -> Turns:
    """A recurrence in groups; what one turn leaves to others is stored, as all names are for now."""
    groups = [step for step in fused(statement.equations, ()) if isinstance(step, Group)]
    return Turns(statement.index, statement.extent, tuple(groups), statement.reverse)


def _group_of(equation: Equation, found: list[Step]) -> int | None:
    """The last group that the equation may join."""
    if reduces(equation.value) or equation.accumulates or not _whole(equation):
        return None
    for place in range(len(found) - 1, -1, -1):
        group = found[place]
        if isinstance(group, Group) and _joins(equation, group):
            later = {name for step in found[place:] for name in names_of(step)} - group.names
            return None if later & equation.reads else place
    return None


def _joins(equation: Equation, group: Group) -> bool:
    first = group.first
    if not reduces(first.value) or first.accumulates or not _whole(first):
        return False
    if not equation.loops or [n for _, n in equation.ranges] != [n for _, n in first.ranges]:
        return False
    own = [ref for ref in equation.references if ref.name in group.names]
    renamed: dict[Basic, Basic] = dict(zip(equation.loops, first.loops, strict=True))
    place = first.target.indices
    return bool(own) and all(_renamed(ref, renamed).indices == place for ref in (*own, equation.target))


def _whole(equation: Equation) -> bool:
    """Whether the last indices of the target are the loops, in order; those before are fixed, as a step's."""
    fixed = len(equation.target.indices) - len(equation.loops)
    return fixed >= 0 and equation.target.indices[fixed:] == equation.loops


def _renamed(ref: Ref, renamed: dict[Basic, Basic]) -> Ref:
    return Ref(ref.args[0], *(index.xreplace(renamed) for index in ref.indices))


def names_of(step: Step) -> frozenset[str]:
    """The tensors that a step defines."""
    if isinstance(step, Group):
        return step.names
    return frozenset(equation.name for equation in step.equations)


def reads_of(step: Step) -> frozenset[str]:
    """The tensors that a step reads of others."""
    if isinstance(step, Group):
        return step.reads
    return frozenset(name for equation in step.equations for name in equation.reads)


def _with_stored(found: list[Step], outputs: frozenset[str]) -> tuple[Step, ...]:
    """Each group with the names that others read."""
    steps: list[Step] = []
    for place, step in enumerate(found):
        others = {name for other, one in enumerate(found) if other != place for name in reads_of(one)}
        if isinstance(step, Turns):
            steps.append(replace(step, groups=_stored_in_turns(step.groups, others | outputs)))
            continue
        steps.append(Group(step.equations, step.names & (others | outputs)))
    return tuple(steps)


def _stored_in_turns(groups: tuple[Group, ...], outside: Set[str]) -> tuple[Group, ...]:
    """Each group with the names that other groups, other turns or other steps read."""
    found = []
    for place, group in enumerate(groups):
        others = {name for other, one in enumerate(groups) if other != place for name in one.reads}
        turns = {
            ref.name
            for e in group.equations
            for ref in e.references
            if ref.indices != _place(group, ref.name)
        }
        found.append(Group(group.equations, group.names & (others | turns | outside)))
    return tuple(found)


def _place(group: Group, name: str) -> tuple[Expr, ...] | None:
    return next((e.target.indices for e in group.equations if e.name == name), None)


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

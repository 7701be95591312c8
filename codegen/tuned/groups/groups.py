"""Groups of equations that are computed together, and which of their names are stored.

Group    the loops of one equation, which may reduce, and what is elementwise in its target
Rows     several of these, row by row
Turns    groups in turn for each value of an index
Block    groups that follow each other for each value of their first loops
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace

from sympy import Expr

from derive.calculus.expressions.nodes import Range, reduces
from derive.calculus.expressions.tensor import Index
from derive.calculus.program.program import Equation


@dataclass(frozen=True)
class Block:
    """What groups that are computed in turn for each value of their first `loops` loops have in common.

    Of no loops: those that are computed in turn for each of so many `portions` of the examples.
    """

    name: str
    loops: int
    portions: int = 1


@dataclass(frozen=True)
class Group:
    """Equations computed in one nest: the first may reduce, the others are elementwise in its target.

    Last may be sums of what the others leave, over some of the loops. `inside`: what the first computes for
    each of its windows, its value put in where that is read.
    """

    equations: tuple[Equation, ...]
    stored: frozenset[str] = frozenset()
    block: Block | None = None
    inside: tuple[Equation, ...] = ()

    @property
    def first(self) -> Equation:
        return self.equations[0]

    @property
    def sums(self) -> tuple[Equation, ...]:
        """The sums over what the other equations leave, which have fewer loops."""
        return tuple(one for one in self.equations if one.ranges != self.first.ranges)

    @property
    def again(self) -> frozenset[str]:
        """The elements that one pass computes and another reads: there is one pass."""
        return frozenset()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(equation.name for equation in self.equations)

    @property
    def reads(self) -> frozenset[str]:
        """What it reads of others."""
        return frozenset(name for equation in self.equations for name in equation.reads) - self.names


@dataclass(frozen=True)
class Pass:
    """Equations of one pass over a row, elementwise or reducing, and the numbers that follow from them."""

    inside: tuple[Equation, ...] = ()
    after: tuple[Equation, ...] = ()

    @property
    def results(self) -> frozenset[str]:
        """What is there once the pass has ended."""
        return frozenset(
            one.name for one in (*self.inside, *self.after) if one in self.after or reduces(one.value)
        )


@dataclass(frozen=True)
class Rows:
    """Passes over each row of `outer`, along `lane`; `groups` is what they are made of."""

    outer: tuple[Range, ...]
    lane: Range
    passes: tuple[Pass, ...]
    groups: tuple[Group, ...]
    stored: frozenset[str] = frozenset()
    block: Block | None = None

    @property
    def equations(self) -> tuple[Equation, ...]:
        """Each once, though several passes may compute it."""
        every = (one for each in self.passes for one in (*each.inside, *each.after))
        return tuple(dict.fromkeys(every))

    @property
    def first(self) -> Equation:
        return self.equations[0]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(one.name for one in self.equations)

    @property
    def reads(self) -> frozenset[str]:
        """What it reads of others."""
        return frozenset(name for one in self.equations for name in one.reads) - self.names

    @property
    def again(self) -> frozenset[str]:
        """The elements that one pass computes and another reads."""
        found: set[str] = set()
        for place, one in enumerate(self.passes):
            later = {
                name
                for other in self.passes[place + 1 :]
                for e in (*other.inside, *other.after)
                for name in e.reads - {own.name for own in other.inside}
            }
            found |= later & ({e.name for e in one.inside} - one.results)
        return frozenset(found)


@dataclass(frozen=True)
class Turns:
    """Groups computed in turn for each value of an index, forwards or backwards."""

    index: Index
    extent: Expr
    groups: tuple[Nest, ...]
    reverse: bool

    @property
    def equations(self) -> tuple[Equation, ...]:
        return tuple(equation for group in self.groups for equation in group.equations)


Nest = Group | Rows
Step = Group | Rows | Turns


def groups_of(step: Step) -> tuple[Nest, ...]:
    """The groups of a step."""
    return step.groups if isinstance(step, Turns) else (step,)


def key_of(group: Nest) -> tuple[str, ...]:
    """What tells a group from any other: its equations, what of them is stored, and its block."""
    block = (f"in block {group.block.name}",) if group.block else ()
    return (*(str(equation) for equation in group.equations), *sorted(group.stored), *block)


def block_spans(steps: Iterable[Step], number: int = 0) -> dict[Block | None, tuple[int, int]]:
    """The first and the last group of each block; groups are numbered from `number` on."""
    found: dict[Block | None, tuple[int, int]] = {}
    for place, group in enumerate(group for step in steps for group in groups_of(step)):
        if group.block is not None:
            first, _ = found.get(group.block, (number + place, 0))
            found[group.block] = first, number + place
    return found


def names_of(step: Step) -> frozenset[str]:
    """The tensors that a step defines."""
    return frozenset(equation.name for equation in step.equations)


def reads_of(step: Step) -> frozenset[str]:
    """The tensors that a step reads of others."""
    if not isinstance(step, Turns):
        return step.reads
    return frozenset(name for equation in step.equations for name in equation.reads)


def with_stored(found: list[Step], outputs: frozenset[str]) -> tuple[Step, ...]:
    """Each group with the names that others read."""
    steps: list[Step] = []
    for place, step in enumerate(found):
        others = {name for other, one in enumerate(found) if other != place for name in reads_of(one)}
        if isinstance(step, Turns):
            steps.append(replace(step, groups=_stored_in_turns(step.groups, others | outputs)))
            continue
        steps.append(replace(step, stored=step.names & (others | outputs | step.again)))
    return tuple(steps)


def _stored_in_turns(groups: tuple[Nest, ...], outside: Set[str]) -> tuple[Nest, ...]:
    """Each group with the names that other groups, other turns or other steps read."""
    found: list[Nest] = []
    for place, group in enumerate(groups):
        others = {name for other, one in enumerate(groups) if other != place for name in one.reads}
        turns = {
            ref.name
            for e in group.equations
            for ref in e.references
            if ref.indices != target_of(group, ref.name)
        }
        found.append(replace(group, stored=group.names & (others | turns | outside | group.again)))
    return tuple(found)


def with_last(steps: Iterable[Step], hosts: Mapping[str, str]) -> list[Step]:
    """The steps whose groups compute what takes the place of a host after all else that reads this."""
    return [
        replace(step, groups=tuple(_with_last(one, hosts) for one in step.groups))
        if isinstance(step, Turns)
        else step
        for step in steps
    ]


def _with_last(group: Nest, hosts: Mapping[str, str]) -> Nest:
    if not isinstance(group, Group):
        return group
    found = list(group.equations)
    for one in [each for each in found if each.name in hosts]:
        later = [n for n, other in enumerate(found) if hosts[one.name] in other.reads]
        if later and not any(one.name in other.reads for other in found[: later[-1] + 1]):
            found.insert(later[-1] + 1, one)
            found.remove(one)
    return replace(group, equations=tuple(found))


def target_of(group: Nest, name: str) -> tuple[Expr, ...] | None:
    """Where a group has what it calls by a name."""
    return next((e.target.indices for e in group.equations if e.name == name), None)

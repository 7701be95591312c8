"""Times: the groups as they are computed one after the other, turn by turn, each at a number of its own.

    0 X  1 N  2 A  3 Z  4 N  5 A  6 Z  7 H         for l<2: N, A, Z        between X and H

A block goes through its groups over and over, so what these need, all of it needs. Of a tensor that turns
have elements of, F[l,..], each element is a value of its own, needed from the turn that computes it to the
last that reads it. A recurrence of more than MOST turns counts as one turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sympy import Expr, Integer
from sympy.core.basic import Basic

from codegen.tuned.groups.groups import Block, Nest, Step, Turns, groups_of, names_of, reads_of
from codegen.tuned.storage import Stored
from derive.calculus.expressions.nodes import free_indices
from derive.calculus.expressions.tensor import Ref

Size = Callable[[Expr], int]
Span = tuple[int, int]
Axes = Mapping[str, tuple[int, int]]
"""The axis of a tensor that turns go along, and how many values it has."""
WHOLE = -1
"""What all of a tensor is called, where its values are numbered."""
MOST = 32


@dataclass(frozen=True)
class Run:
    """A group as it is computed: when, in which turn of its step, and while its block or its step goes on."""

    group: Nest
    step: Step
    time: int
    turn: int | None
    block: Span
    whole: Span

    @property
    def fixed(self) -> dict[Basic, Basic]:
        """The index of the recurrence with its value."""
        known = isinstance(self.step, Turns) and self.turn is not None
        return {self.step.index: Integer(self.turn)} if known and isinstance(self.step, Turns) else {}


def runs(steps: Iterable[Step], number: int, size: Size) -> Iterator[Run]:
    """Every group as often as it is computed."""
    for step in steps:
        groups = groups_of(step)
        order = turns_of(step, size)
        whole = number, number + len(groups) * len(order) - 1
        for turn in order:
            blocks = _blocks(groups, number)
            for place, group in enumerate(groups):
                time = number + place
                yield Run(group, step, time, turn, blocks.get(group.block, (time, time)), whole)
            number += len(groups)


def turns_of(step: Step, size: Size) -> list[int | None]:
    """The turns of a step in their order; one for what is no recurrence, or a long one."""
    if not isinstance(step, Turns) or size(step.extent) > MOST:
        return [None]
    turns: list[int | None] = list(range(size(step.extent)))
    return turns[::-1] if step.reverse else turns


def count(steps: Iterable[Step], size: Size) -> int:
    """How many groups are computed."""
    return sum(len(groups_of(step)) * len(turns_of(step, size)) for step in steps)


def turning(
    lists: Iterable[Iterable[Step]], stored: Mapping[str, Stored], size: Size, single: bool = False
) -> dict[str, tuple[int, int]]:
    """The tensors of whose values turns are made, outermost in memory, with that axis and its extent.

    `single`: those of which there is room for one value.
    """
    found: dict[str, tuple[int, int]] = {}
    for step in (step for steps in lists for step in steps if isinstance(step, Turns)):
        for equation in step.equations if size(step.extent) <= MOST else ():
            for axis, index in enumerate(equation.target.indices):
                one = stored[equation.name]
                outermost = one.order[:1] == (axis,) and len(one.order) > 1 and not one.margin(axis)
                if step.index in free_indices(index) and outermost and (axis in one.single) == single:
                    found[equation.name] = axis, size(one.tensor.shape[axis])
    return {name: found[name] for name in found if stored[name].start.startswith("x->w")}


def needed(steps: tuple[Step, ...], number: int, size: Size, axes: Axes) -> dict[str, dict[int, list[Span]]]:
    """When each value is needed, of one list; the values of a tensor that turns make by number."""
    found: dict[str, dict[int, list[tuple[Span, Run | None]]]] = {}
    for run in runs(steps, number, size):
        shared = _shared(run.step) if isinstance(run.step, Turns) else frozenset()
        for name in run.group.stored | run.group.reads:
            values = _values(name, run, axes, size)
            use = (run.whole, None) if name in shared and name not in axes else (run.block, run)
            for value in values:
                found.setdefault(name, {}).setdefault(value, []).append(
                    (use[0], None) if name in axes else use
                )
    return {name: {value: _joined(uses) for value, uses in values.items()} for name, values in found.items()}


def _values(name: str, run: Run, axes: Axes, size: Size) -> Iterable[int]:
    """The numbers of the values of a tensor that a group needs; all where that is not known."""
    if name not in axes:
        return (WHOLE,)
    found = touched(name, run, axes[name], size)
    return range(axes[name][1]) if WHOLE in found else found


def touched(name: str, run: Run, axis: tuple[int, int], size: Size) -> set[int]:
    """The values of a tensor that a group needs in its turn; WHOLE where that is not known."""
    refs = {ref for e in run.group.equations for ref in (e.target, *e.references) if ref.name == name}
    return {value_of(ref, axis[0], run, size) for ref in refs} or {WHOLE}


def value_of(ref: Ref, axis: int, run: Run, size: Size) -> int:
    """The number of the value that an element is of; WHOLE where it is of any."""
    index = ref.indices[axis].xreplace(run.fixed)
    return WHOLE if free_indices(index) else size(index)


def _blocks(groups: tuple[Nest, ...], number: int) -> dict[Block | None, Span]:
    found: dict[Block | None, Span] = {}
    for time, group in enumerate(groups, number):
        if group.block is not None:
            found[group.block] = found.get(group.block, (time, time))[0], time
    return found


def _shared(step: Turns) -> frozenset[str]:
    """What a recurrence reads or makes that is not of one turn alone."""
    refs = [ref for e in step.equations for ref in (*e.references, e.target)]
    by_turn = {ref.name for ref in refs if any(step.index in free_indices(i) for i in ref.indices)}
    return frozenset(by_turn | (reads_of(step) - names_of(step)))


def _joined(uses: list[tuple[Span, Run | None]]) -> list[Span]:
    """From the first need to the last; turn by turn where one recurrence computes it anew in each."""
    if any(run is None for _, run in uses) or len({id(run.step) for _, run in uses if run}) > 1:
        return [(min(first for (first, _), _ in uses), max(last for (_, last), _ in uses))]
    turns: dict[int | None, Span] = {}
    for (first, last), run in uses:
        assert run is not None
        low, high = turns.get(run.turn, (first, last))
        turns[run.turn] = min(low, first), max(high, last)
    return list(turns.values())

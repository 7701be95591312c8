"""Blocks: what follows each other for the same examples and heads does so for one after the other.

    R[i,a,t,q] = sum_n Q[i,a,t,n] K[i,a,q,n]        for each i, a:
    P[i,a,t,q] = exp(R[i,a,t,q]) / T[i,a,t]             R[t,q]; P[t,q]; O[t,n]
    O[i,a,t,n] = sum_q P[i,a,t,q] V[i,a,q,n]

What they hand on to each other alone has room for a `single` value of all loops but the first, which threads
share out: it is still near when it is read (Dao et al., FlashAttention, 2022, for tiles of a matrix).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile

from sympy import Expr

from codegen.tuned.groups.groups import Block, Nest, Rows, Step, Turns, groups_of
from codegen.tuned.storage import Stored
from derive.calculus.expressions.nodes import Range, free_indices, reduces
from derive.calculus.program.program import Equation

Outer = Callable[[Nest], tuple[Range, ...] | None]
"""The loops around a group that others may share; None where there are none such."""
Lists = Mapping[str, tuple[Step, ...]]
Depth = Callable[[Nest], int]
LEAST = 2
"""Loops of a block: one that threads share out, others of which a single value has room."""
SHARED = 4
"""So many values of the first loop are enough for the threads to share."""


@dataclass(frozen=True)
class Blocked:
    """The lists with their blocks, and the axes of which tensors have room for a single value."""

    lists: Lists
    single: Mapping[str, tuple[int, ...]]


def blocked(
    lists: Lists,
    outer: Outer,
    size: Callable[[Expr], int],
    stored: Mapping[str, Stored],
    outputs: frozenset[str],
) -> Blocked:
    """Runs of groups as blocks, where they hand on what nothing else reads."""

    def depth(group: Nest) -> int:
        """How many loops others may share: those that a group's equation begins with, or none."""
        pairs = list(zip(outer(group) or (), group.first.ranges, strict=False))
        same = list(takewhile(lambda pair: pair[0] == pair[1], pairs))
        return len(same) if len(same) >= LEAST and size(same[0][0][1]) >= SHARED else 0

    marked = {key: tuple(_in_turns(step, depth) for step in steps) for key, steps in lists.items()}
    single = _single(marked, stored, outputs)
    kept = {
        group.block for steps in marked.values() for group in _groups(steps) if group.stored & set(single)
    }
    return Blocked({key: tuple(_only(kept, step) for step in steps) for key, steps in marked.items()}, single)


def placed_single(stored: Mapping[str, Stored], found: Blocked) -> dict[str, Stored]:
    """Where every tensor lies, with room for single values."""
    return {name: replace(one, single=found.single.get(name, ())) for name, one in stored.items()}


def _groups(steps: Iterable[Step]) -> list[Nest]:
    return [group for step in steps for group in groups_of(step)]


def _in_turns(step: Step, depth: Depth) -> Step:
    """The step; runs of groups within a recurrence are marked."""
    return replace(step, groups=tuple(_marked(step.groups, depth))) if isinstance(step, Turns) else step


def _marked(groups: tuple[Nest, ...], depth: Depth) -> list[Nest]:
    """Runs of at least two groups, each with its block; a contraction is the first."""
    found: list[Nest] = []
    run: list[Nest] = []
    loops = 0
    for group in groups:
        own = depth(group)
        if run and own >= loops and _joins(group, loops, run):
            run.append(group)
            continue
        found += _closed(run, loops)
        begins = own and reduces(group.first.value) and not isinstance(group, Rows)
        run, loops = ([group], own) if begins else ([], 0)
        found += [] if begins else [group]
    return [*found, *_closed(run, loops)]


def _closed(run: list[Nest], loops: int) -> list[Nest]:
    if len(run) < LEAST:
        return run
    block = Block(run[-1].equations[-1].name, loops)
    return [replace(group, block=block) for group in run]


def _joins(group: Nest, loops: int, run: list[Nest]) -> bool:
    """Whether a group has the loops of a run, and reads of it what is there for their values."""
    if [n for _, n in group.first.ranges[:loops]] != [n for _, n in run[0].first.ranges[:loops]]:
        return False
    if any(group.names & other.reads for other in run):
        return False
    places = {e.name: _axes(e, loops) for other in run for e in other.equations}
    for equation in group.equations:
        chosen = [index for index, _ in equation.ranges[:loops]]
        for ref in equation.references:
            if ref.name in places and [ref.indices[axis] for axis in places[ref.name]] != chosen:
                return False
    return True


def _axes(equation: Equation, loops: int) -> tuple[int, ...]:
    """The axes of the target that the first loops go along."""
    return tuple(equation.target.indices.index(index) for index, _ in equation.ranges[:loops])


def _single(
    marked: Lists, stored: Mapping[str, Stored], outputs: frozenset[str]
) -> dict[str, tuple[int, ...]]:
    """What only groups of one block read, in every list, and the axes that it then has no room for."""
    found: dict[str, tuple[int, ...]] = {}
    dropped: set[str] = set(outputs)
    for steps in marked.values():
        groups = _groups(steps)
        for name in {name for group in groups for name in group.stored | group.reads}:
            blocks = {group.block for group in groups if name in group.stored | group.reads}
            making = [e for group in groups for e in group.equations if e.name == name]
            (block, *others) = blocks
            axes = {_axes(e, block.loops)[1:] for e in making} if block and not others else set()
            once = len(axes) == 1 and not any(_of_a_turn(e) for e in making)
            if not once or found.setdefault(name, next(iter(axes))) not in axes:
                dropped.add(name)
    return {
        name: axes
        for name, axes in found.items()
        if name not in dropped and name in stored and stored[name].last not in axes
    }


def _of_a_turn(equation: Equation) -> bool:
    """Whether an equation's target is another one for each turn."""
    loops = set(equation.loops)
    return bool(free_indices(equation.target) - loops)


def _only(kept: set[Block | None], step: Step) -> Step:
    """The step, without the blocks that hand on nothing."""
    if not isinstance(step, Turns):
        return step
    return replace(
        step, groups=tuple(one if one.block in kept else replace(one, block=None) for one in step.groups)
    )

"""What the pullback keeps of the forward half, and what it computes again: a choice by cost.

A residual that is kept is written once and read once: 2 bytes are moved for each byte of it. An operation
costs as much as moving one byte, a function FUNCTION of them (`codegen.plan.work`).

Without a budget a residual is computed again where that takes no reduction, makes the workspace smaller, and
costs fewer operations than the bytes that need not be moved. With a budget, what is moved next is what costs
the fewest operations for a byte of workspace, contractions too, until the workspace fits. A move is

    Z2 is not kept                                  it is computed again from what is
    A1 is kept instead of E2 and C                  both follow from it without a reduction
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from codegen.extents import elements
from codegen.passes.dce import dce
from codegen.passes.halves import Halves, halves
from codegen.passes.one_step import one_step
from codegen.passes.recompute import Again, computable, recompute, recomputed
from codegen.passes.verify import verify
from codegen.plan.work import operations
from codegen.plan.workspace import REAL
from derive.calculus.expressions.nodes import Range, reduces
from derive.calculus.program.program import Program, Recurrence, equations_of

MOVED = 2  # a kept byte is written and read
Held = Callable[[Program], Mapping[str, int]]


@dataclass(frozen=True)
class Task:
    """A derived program, where its cotangents enter, and `held`: the bytes of what it would need to hold."""

    program: Program
    seeds: frozenset[str]
    sizes: Mapping[str, int]
    held: Held

    @cached_property
    def parts(self) -> Halves:
        return halves(self.program, self.seeds)

    @cached_property
    def candidates(self) -> dict[str, Again]:
        return computable(self.program, self.parts)

    @cached_property
    def work(self) -> dict[str, int]:
        """The operations of each tensor of the forward half."""
        found: dict[str, int] = {}
        for statement in self.parts.forward:
            steps: tuple[Range, ...] = ()
            if isinstance(statement, Recurrence):
                steps = ((statement.index, statement.extent),)
            for equation in equations_of(statement):
                cost = operations(equation, steps, self.sizes)
                found[equation.name] = found.get(equation.name, 0) + cost
        return found

    def late(self, program: Program) -> frozenset[str]:
        """The names that a program has more: of what its pullback computes again."""
        return frozenset(program.tensors).difference(self.program.tensors)

    def bytes(self, kept: Iterable[str]) -> int:
        """The bytes of whole tensors."""
        return REAL * sum(elements(self.program.tensor(name), self.sizes) for name in kept)

    def again(self, kept: frozenset[str]) -> tuple[str, ...]:
        """What is computed again where `kept` is kept."""
        return recomputed(self.parts, self.candidates, kept)

    def pointwise(self, names: tuple[str, ...]) -> bool:
        """Whether none of these takes a reduction."""
        return not any(reduces(self.candidates[name].equation.value) for name in names)

    def more(self, kept: frozenset[str]) -> int:
        """The operations of what is computed again, less those of what the forward half need not compute."""
        live = self._live(kept)
        saved = sum(self.work[name] for name in self._live(self.parts.crossing) - live)
        return sum(self.work[name] for name in self.again(kept)) - saved

    def _live(self, kept: frozenset[str]) -> frozenset[str]:
        """What the forward half must compute for the outputs and for what is kept."""
        stay = kept | (self.parts.crossing - set(self.again(kept)))
        waiting = [*(stay & self.parts.computed), *(set(self.program.outputs) & self.parts.computed)]
        found: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                for equation in self.program.defining(name):
                    waiting += equation.reads & self.parts.computed
        return frozenset(found)


@dataclass(frozen=True)
class Choice:
    """What is kept and what is computed again, the program of it, and the operations that it costs more."""

    task: Task
    kept: frozenset[str]
    again: tuple[str, ...]
    program: Program
    operations: int

    @cached_property
    def held(self) -> Mapping[str, int]:
        return self.task.held(self.program)

    @property
    def late(self) -> frozenset[str]:
        """What the pullback computes again, by the names that it has there."""
        return self.task.late(self.program)

    @property
    def bytes(self) -> int:
        return sum(self.held.values())


def choice(task: Task, kept: frozenset[str]) -> Choice:
    """What follows from keeping these; of what only its own step of a recurrence needs, one step is held."""
    program, again = task.program, task.again(kept)
    if again:
        program = dce(recompute(program, task.seeds, kept))
    program = one_step(program)
    crossing = halves(program, task.seeds | task.late(program)).crossing
    return Choice(task, crossing, again, program, task.more(kept) if again else 0)


def cheapest(task: Task) -> Choice:
    """The choice by cost alone: a residual that is cheaper to compute than to keep is not kept."""
    current = choice(task, task.parts.crossing)
    while True:
        better = [
            other
            for kept in _moves(task, current.kept)
            if task.pointwise(task.again(kept))
            for other in [choice(task, kept)]
            if 0 <= other.operations - current.operations < MOVED * (current.bytes - other.bytes)
        ]
        if not better:
            return _verified(current)
        current = min(better, key=lambda one: (one.operations + MOVED * one.bytes, sorted(one.kept)))


def fitting(task: Task, budget: int) -> Choice:
    """The first choice that holds no more than the budget; the smallest that was found where none does."""
    current = cheapest(task)
    if current.bytes > budget:
        current = choice(task, task.parts.crossing - set(current.again))
    while current.bytes > budget:
        smaller = [
            other
            for kept in _moves(task, current.kept)
            for other in [choice(task, kept)]
            if other.bytes < current.bytes
        ]
        if not smaller:
            return _verified(current)
        current = min(smaller, key=lambda one: (_price(one, current), sorted(one.kept)))
    return _verified(current)


def _verified(chosen: Choice) -> Choice:
    verify(chosen.program, "recompute")
    return chosen


def _price(other: Choice, current: Choice) -> float:
    """Operations for a byte."""
    return (other.operations - current.operations) / (current.bytes - other.bytes)


def _moves(task: Task, kept: frozenset[str]) -> Iterator[frozenset[str]]:
    """The sets that may be kept next."""
    before = task.again(kept)
    for name in sorted(kept & set(task.candidates)):
        if task.again(kept - {name}) != before:
            yield kept - {name}
    for name in task.candidates:
        if name not in kept:
            wider, near = kept | {name}, kept & _pointwise_from(task, name)
            if task.bytes(near) <= task.bytes([name]):
                continue
            follow = {one for one in near if _follows(task, one, wider)}
            if task.bytes(follow) > task.bytes([name]):
                yield wider - follow


def _pointwise_from(task: Task, name: str) -> set[str]:
    """What is computed of a tensor, directly or not, without a reduction."""
    found = {name}
    for other, again in task.candidates.items():
        if again.equation.reads & found and task.pointwise((other,)):
            found.add(other)
    return found - {name}


def _follows(task: Task, name: str, kept: frozenset[str]) -> bool:
    """Whether a tensor follows from the others kept without a reduction, and is computed again then."""
    again = task.again(kept - {name})
    return name in again and task.pointwise(tuple(set(again) - set(task.again(kept))))

"""The memory of a plan: what is kept for the pullback and why, what is computed again, at which cost.

A budget counts the workspace of the plain C in float: the residuals, the temporaries of every function at as
many examples as a call takes (one, where a tensor never leaves its example), and the gradients of a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from codegen.extents import elements, size_names
from codegen.passes.one_step import one_step
from codegen.plan.keep import Choice, Task, cheapest, fitting
from codegen.plan.names_apart import apart
from codegen.plan.pipeline import Watch
from codegen.plan.split import entering, split
from codegen.plan.sweeps import Sweeps, arranged
from codegen.plan.workspace import REAL, Used, given, workspace_bytes
from derive.calculus.expressions.tensor import Size
from derive.calculus.program.network import Network
from derive.calculus.program.program import Program
from derive.errors import DeriveError


@dataclass(frozen=True)
class Kept:
    """A residual: its bytes for one example and for all, the operations to compute it again, and why not."""

    name: str
    one: int
    most: int
    operations: int | None
    why: str


@dataclass(frozen=True)
class Memory:
    """A network's choice of what to keep."""

    choice: Choice
    network: Network

    @property
    def program(self) -> Program:
        return self.choice.program

    @cached_property
    def kept(self) -> tuple[Kept, ...]:
        """What is kept, in the order of the program."""
        tensors = (tensor for tensor in self.program.locals if tensor.name in self.choice.kept)
        return tuple(self._row(tensor.name) for tensor in tensors)

    @property
    def again(self) -> tuple[tuple[str, int], ...]:
        """What the pullback computes again, each with its operations for all examples."""
        return tuple((name, self.choice.task.work[name]) for name in self.choice.again)

    def summary(self) -> str:
        """two_layer keeps Z2 (51200 bytes), S (5120 bytes) for 128 examples, computes again nothing."""
        kept = ", ".join(f"{row.name} ({row.most} bytes)" for row in self.kept) or "nothing"
        again = ", ".join(f"{name} ({count} operations)" for name, count in self.again) or "nothing"
        examples = f"{self.network.most} examples"
        return f"{self.network.name} keeps {kept} for {examples}, computes again {again}"

    def _row(self, name: str) -> Kept:
        task, kept = self.choice.task, self.choice.kept
        most = task.bytes([name])
        one = REAL * elements(task.program.tensor(name), {**task.sizes, self.network.batch: 1})
        without = kept - {name}
        again = task.again(without)
        if name not in again:
            return Kept(name, one, most, None, "several steps or equations make it, or read it")
        dearer = task.more(without) - self.choice.operations
        if not task.pointwise(again):
            return Kept(name, one, most, dearer, "a reduction would be computed twice")
        if dearer >= 2 * most:
            return Kept(name, one, most, dearer, "computing it costs more than moving it")
        return Kept(name, one, most, dearer, "the pullback needs all of it at once")


def remembered(
    joint: Program, others: Mapping[str, Program], network: Network, budget: int | None, watch: Watch
) -> tuple[Memory, dict[str, Program]]:
    """What a network keeps, by cost or within a budget; and its other programs beside that."""
    sizes = {**network.sizes, network.batch: network.most}
    swept: dict[int, tuple[Program, Sweeps]] = {}

    def used(program: Program, residuals: frozenset[str]) -> Used:
        if id(program) not in swept:
            swept[id(program)] = program, arranged(program, Size(network.batch))
        return Used(program, given(program, residuals), swept[id(program)][1])

    def held(program: Program) -> Mapping[str, int]:
        loss, pullback, residuals = split(program, network, task.late(program))
        kept = frozenset(tensor.name for tensor in residuals)
        shaped = beside(others, program, (loss, pullback), joint)
        functions = [used(one, kept) for one in (loss, pullback, *shaped.values())]
        return workspace_bytes(functions, residuals, network)

    task = Task(joint, entering(joint, network), sizes, held)
    chosen = cheapest(task) if budget is None else _fit(task, budget, network)
    if chosen.program is not joint:
        watch("recompute", chosen.program)
    loss, pullback, _ = split(chosen.program, network, chosen.late)
    return Memory(chosen, network), beside(others, chosen.program, (loss, pullback), joint)


def within(
    layer: Program, parts: Mapping[str, Program], sizes: Mapping[str, int], budget: int, watch: Watch
) -> dict[str, Program]:
    """The programs of a layer alone, in a workspace of so many bytes."""
    missing = sorted(size_names(layer) - set(sizes))
    if missing:
        raise DeriveError(
            f"layer {layer.name!r} needs sizes to count its bytes: {', '.join(missing)}; give them"
        )
    joint = parts["vjp"]
    others = {key: part for key, part in parts.items() if key != "vjp"}
    seeds = frozenset(t.name for t in joint.inputs) - {t.name for t in layer.inputs}

    def held(program: Program) -> Mapping[str, int]:
        shaped = beside(others, program, (program,), joint)
        return {
            tensor.name: REAL * elements(tensor, sizes)
            for one in (program, *shaped.values())
            for tensor in one.locals
            if tensor.axes and tensor.name not in one.outputs
        }

    chosen = _fit(Task(joint, seeds, sizes, held), budget, None)
    if chosen.program is not joint:
        watch("recompute", chosen.program)
    shaped = beside(others, chosen.program, (chosen.program,), joint)
    return {key: chosen.program if key == "vjp" else shaped[key] for key in parts}


def beside(
    others: Mapping[str, Program], program: Program, halves: tuple[Program, ...], joint: Program
) -> dict[str, Program]:
    """The other programs, holding one step of what the chosen one holds one step of."""
    if all(tensor == joint.tensors[tensor.name] for tensor in program.locals if tensor.name in joint.tensors):
        return dict(others)
    whole = {tensor.name for tensor in program.locals if tensor == joint.tensors.get(tensor.name)}
    return apart({key: one_step(one, whole) for key, one in others.items()}, halves)


def _fit(task: Task, budget: int, network: Network | None) -> Choice:
    """The choice within a budget; DeriveError, naming what does not fit."""
    chosen = fitting(task, budget)
    if chosen.bytes <= budget:
        return chosen
    room, left = budget, []
    for name, size in sorted(chosen.held.items(), key=lambda item: (item[1], item[0])):
        room -= size
        if room < 0:
            left.append(f"{name} ({size} bytes)")
    left.reverse()
    listed = ", ".join(left[:4]) + (f" and {len(left) - 4} more" if len(left) > 4 else "")
    name = network.name if network else task.program.name.removesuffix("_vjp")
    examples = f" at {network.batch} = {network.most} examples" if network else ""
    smaller = f"--size {network.batch}={max(1, network.most // 2)}" if network else "smaller sizes"
    raise DeriveError(
        f"{name} does not fit into --budget {budget}: its workspace{examples} is {chosen.bytes} bytes at the "
        f"smallest, everything computed again that can be; {listed} do not fit; raise the budget to "
        f"{chosen.bytes}, or give {smaller}"
    )

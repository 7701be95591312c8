"""The passes, in order, from a network's programs to a `Tuned`:

narrow        what is kept for the pullback, and what is held of one step of a recurrence   memory
fuse          equations that are computed where the one before is finished, in groups     fusion
rows          groups that go over the same rows, row by row                               rows
layout        which tensors have the examples innermost                                   layout, places
contractions  groups that are sums of products of two tensors, as register tiles          contraction
phases        each group as a function: its loops, the finish of its tiles                phases, nests
lifetimes     from when to when each value is needed, and one place for many              lifetimes, arena
kernels       the tiles of each contraction for each kernel set                           tiles, kernels
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from codegen.c_network import CNetwork
from codegen.printers.to_c import Used
from codegen.tuned.arena import Arena
from codegen.tuned.contraction import contraction, zeros_of
from codegen.tuned.functions import ITEMS
from codegen.tuned.fusion import fused
from codegen.tuned.groups import Nest, Step, groups_of, names_of, reads_of, with_stored
from codegen.tuned.layout import innermost, margined
from codegen.tuned.lifetimes import lifetimes_arena
from codegen.tuned.limits import regions
from codegen.tuned.memory import narrowed
from codegen.tuned.phase import Phase
from codegen.tuned.phases import phase
from codegen.tuned.places import placed, places
from codegen.tuned.row_nests import lane
from codegen.tuned.rows import rowed
from codegen.tuned.scene import Scene
from derive.calculus.tensor import Tensor


@dataclass(frozen=True)
class Tuned:
    """A network's steps in order, the phases of each, and where everything lies."""

    c: CNetwork
    lists: Mapping[str, tuple[Step, ...]]
    phases: Mapping[tuple[str, ...], Phase]
    arenas: Mapping[int, Arena]
    scene: Scene
    moved: tuple[Tensor, ...] = ()


def tuned(c: CNetwork) -> Tuned:
    """The tuned form of a network."""
    plan = narrowed(c.plan)
    c = replace(c, plan=plan)
    outputs = ((*plan.loss.outputs, plan.network.output), plan.vjp.outputs, plan.jvp.outputs)
    programs = (plan.loss, plan.vjp, plan.jvp)
    grouped = [fused(one.statements, out) for one, out in zip(programs, outputs, strict=True)]
    equations = [e for steps in grouped for step in steps for e in step.equations]
    stored = places(plan)
    inside = innermost(equations, stored, plan.batch_size)
    moved_data = tuple(s.tensor for s in plan.batch if s.tensor.name in inside)
    stored = {name: placed(one, name in inside) for name, one in stored.items()}
    stored |= {t.name: margined(stored[t.name], equations, plan.size) for t in moved_data}
    scene = Scene(plan.network.name, c.sizes, stored, Used(), Used())
    gradients = frozenset(f"{t.name}_bar" for t in plan.trained)
    phases: dict[tuple[str, ...], Phase] = {}
    zeros = zeros_of(equations)
    whole = frozenset(name for out in outputs for name in out) - {t.name for t in plan.residuals}
    region = regions(equations, whole, lambda one: contraction(one, stored, zeros) is not None)
    along = partial(lane, scene=scene, zeros=zeros)
    loss, pullback, pushed = (
        with_stored(rowed(steps, along), frozenset(out)) for steps, out in zip(grouped, outputs, strict=True)
    )
    lists = {"loss": loss, "vjp": pullback, "forward": ancestors(loss, plan.network.output), "jvp": pushed}
    for step in (*loss, *pullback, *pushed):
        for group in groups_of(step):
            trained = gradients if step in pullback else frozenset()
            phases[key_of(group)] = phase(group, scene, trained, zeros, region)
    arenas = {item: lifetimes_arena(plan, (loss, pullback, pushed), phases, stored, item) for item in ITEMS}
    return Tuned(c, lists, named(phases), arenas, scene, moved_data)


def key_of(step: Nest) -> tuple[str, ...]:
    """What tells a group from any other: its equations, and what of them is stored."""
    return (*(str(equation) for equation in step.equations), *sorted(step.stored))


def named(phases: Mapping[tuple[str, ...], Phase]) -> dict[tuple[str, ...], Phase]:
    """Phases with names of their own: two of one name are numbered."""
    found: dict[tuple[str, ...], Phase] = {}
    taken: set[str] = set()
    for key, one in phases.items():
        name, number = one.name, 2
        while name in taken:
            name, number = f"{one.name}_{number}", number + 1
        taken.add(name)
        lines = tuple(
            line.replace(f"FN({one.name}_finish)", f"FN({name}_finish)").replace(
                f"KERNELS_{one.name};", f"KERNELS_{name};"
            )
            for line in one.lines
        )
        found[key] = replace(one, name=name, lines=lines)
    return found


def ancestors(steps: tuple[Step, ...], output: str) -> tuple[Step, ...]:
    """The steps that an output needs."""
    needed_names = {output}
    kept: list[Step] = []
    for step in reversed(steps):
        if names_of(step) & needed_names:
            kept.append(step)
            needed_names |= reads_of(step)
    return tuple(reversed(kept))

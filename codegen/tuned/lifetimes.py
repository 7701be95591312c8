"""Lifetimes: from the first step of a value to the last that reads it, and the arena that follows.

What gradients are made of lives until the end of a training step, for each may be computed twice: once to be
looked at, once to be used.
"""

from __future__ import annotations

from collections.abc import Mapping

from codegen.plan import Plan
from codegen.tuned.arena import Arena, Lifetime, arena
from codegen.tuned.fusion import Step, groups_of
from codegen.tuned.gradients import ALL
from codegen.tuned.kernels import line_reals
from codegen.tuned.phase import Phase
from codegen.tuned.storage import Stored


def lifetimes_arena(
    plan: Plan,
    steps: tuple[Step, ...],
    pushed: tuple[Step, ...],
    phases: Mapping[tuple[str, ...], Phase],
    stored: Mapping[str, Stored],
    item: int,
) -> Arena:
    """Offsets of all that lies in the arena; what a gradient needs stays until the end of the step."""
    every = (*steps, *pushed)
    span: dict[str, tuple[int, int]] = {}
    end = len(steps)
    kept = {name for one in phases.values() if one.operands for name in one.operands}
    outputs = {plan.network.loss, f"{plan.network.loss}_bar", f"{plan.network.loss}_dot", plan.network.output}
    for number, step in enumerate(every):
        for name in {n for group in groups_of(step) for n in group.stored | group.reads}:
            if name in stored and stored[name].start.startswith("x->w"):
                start, stop = span.get(name, (number, number))
                late = name in outputs or (number < end and (name in kept or name.endswith("_bar")))
                span[name] = (
                    min(start, number),
                    max(stop, len(every) if name in outputs else end if late else number),
                )
    gradients = {f"{t.name}_bar" for t in plan.trained} - {one.gradient for one in phases.values()}
    lives = []
    for name, (start, stop) in span.items():
        if any(one.gradient == name for one in phases.values()):
            continue
        size = stored[name].reals(plan.size, item)
        lives.append(
            Lifetime(
                name, size, 0 if name in outputs else start, stop if name not in gradients else max(stop, end)
            )
        )
    lives = _as_one(lives, stored)
    room = max((_panel_reals(one, plan, item) for one in phases.values()), default=0)
    return arena([*lives, *([Lifetime("panels", room, 0, len(every))] if room else [])])


def _as_one(lives: list[Lifetime], stored: Mapping[str, Stored]) -> list[Lifetime]:
    """Gradients that lie side by side as one value."""
    inside = [life for life in lives if f"AT_{ALL}" in stored[life.name].start]
    if not inside:
        return lives
    start, stop = min(life.start for life in inside), max(life.stop for life in inside)
    whole = Lifetime(ALL, sum(life.reals for life in inside), start, stop)
    return [*(life for life in lives if life not in inside), whole]


def _panel_reals(one: Phase, plan: Plan, item: int) -> int:
    """The room of packed panels for the widest vectors."""
    if not one.panels:
        return 0
    *others, columns = (
        plan.size(extent)
        for extent in (*one.panels[: one.sums], *one.panels[one.sums + 1 :], one.panels[one.sums])
    )
    step = 64 // item
    count = -(-columns // step) * step
    for other in others:
        count *= other
    return count + line_reals(one, plan, item)

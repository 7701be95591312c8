"""Lifetimes: from the first step of a value to the last that reads it, and the arena that follows.

What gradients are made of lives until the end of a training step, for each may be computed twice: once to be
looked at, once to be used. The groups of a turn are steps of their own for what no other turn sees. What a
phase packs lives while it runs, or the block that it is in, or the recurrence whose turns it serves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from codegen.plan import Plan
from codegen.tuned.arena import Arena, Lifetime, arena
from codegen.tuned.gradients import ALL
from codegen.tuned.groups import Step, Turns, block_spans, groups_of, key_of, names_of, reads_of
from codegen.tuned.kernels import Sized, panel_reals
from codegen.tuned.phase import Phase
from codegen.tuned.storage import Stored
from codegen.tuned.written import as_written
from derive.calculus.nodes import free_indices


def lifetimes_arena(
    plan: Plan,
    lists: tuple[tuple[Step, ...], ...],
    phases: Mapping[tuple[str, ...], Phase],
    stored: Mapping[str, Stored],
    item: int,
) -> Arena:
    """Offsets of all that lies in the arena; what a gradient needs stays until the end of the step.

    The lists are those of loss, pullback and tangent, in this order.
    """
    counts = [sum(len(groups_of(step)) for step in one) for one in lists]
    end, last = sum(counts[:2]), sum(counts) + 1
    starts = (0, counts[0], end + 1)  # gradients are given between a step and the tangents
    found: dict[str, list[tuple[int, int]]] = {}
    packed: list[tuple[Phase, tuple[int, int]]] = []
    for place, given in enumerate(lists):
        packed += packing(given, phases, starts[place], end)
        one = tuple(as_written(step, phases) for step in given)
        made = {name for step in one for name in names_of(step)}
        own: dict[str, tuple[int, int]] = {}
        for name, first, stop in spans(one, starts[place]):
            before = own.get(name, (first, stop))
            own[name] = min(before[0], first), max(before[1], stop)
        for name, (first, stop) in own.items():
            earlier = found.setdefault(name, [])
            goes_on = earlier.pop()[0] if earlier and name not in made else first
            earlier.append((goes_on, stop))
    lives = _as_one(list(_placed(plan, found, phases, stored, item, end, last)), stored)
    return arena([*lives, *panel_lives(packed, plan, item)])


def panels_of(one: Phase) -> str:
    """The name of the place of a phase's packed factors; gradients that are given have one, in turn."""
    return "panels" if one.gradient else f"panels of {one.name}"


def packing(
    steps: tuple[Step, ...], phases: Mapping[tuple[str, ...], Phase], number: int, end: int
) -> Iterator[tuple[Phase, tuple[int, int]]]:
    """The phases that pack, and when: gradients are given at the end."""
    blocks = block_spans(steps, number)
    for step in steps:
        groups = groups_of(step)
        turns = number, number + len(groups) - 1
        for place, group in enumerate(groups, number):
            one = phases[key_of(group)]
            if one.panels:
                running = turns if one.lasting else blocks.get(group.block, (place, place))
                yield one, (end, end) if one.gradient else running
        number += len(groups)


def panel_lives(packed: list[tuple[Phase, tuple[int, int]]], sizes: Sized, item: int) -> list[Lifetime]:
    """The lifetimes of what phases pack."""
    parts: dict[str, list[tuple[int, int]]] = {}
    rooms: dict[str, int] = {}
    for one, span in packed:
        name = panels_of(one)
        parts.setdefault(name, []).append(span)
        rooms[name] = max(rooms.get(name, 0), panel_reals(one, sizes, item))
    return [
        Lifetime(name, rooms[name], min(own)[0], max(stop for _, stop in own), tuple(own))
        for name, own in parts.items()
    ]


def _placed(
    plan: Plan,
    found: Mapping[str, list[tuple[int, int]]],
    phases: Mapping[tuple[str, ...], Phase],
    stored: Mapping[str, Stored],
    item: int,
    end: int,
    last: int,
) -> Iterator[Lifetime]:
    """The lifetimes of what lies in the arena."""
    kept = {name for one in phases.values() if one.operands for name in one.operands}
    kept |= {f"{t.name}_bar" for t in plan.trained}
    given = {one.gradient for one in phases.values()}
    loss = plan.network.loss
    outputs = {loss, f"{loss}_bar", f"{loss}_dot"}
    for name, parts in found.items():
        if name in given or name not in stored or not stored[name].start.startswith("x->w"):
            continue
        alive = [(first, max(stop, end) if name in kept and first < end else stop) for first, stop in parts]
        if name in outputs:
            alive = [(0, last)]
        size = stored[name].reals(plan.size, item)
        yield Lifetime(name, size, alive[0][0], max(stop for _, stop in alive), tuple(alive))


def spans(steps: tuple[Step, ...], number: int) -> Iterator[tuple[str, int, int]]:
    """Each name with the first and the last group of a use: of a recurrence that shares it, of a block."""
    blocks = block_spans(steps, number)
    for step in steps:
        groups = groups_of(step)
        shared = _between_turns(step) if isinstance(step, Turns) else frozenset()
        for place, group in enumerate(groups):
            for name in group.stored | group.reads:
                if name in shared:
                    yield name, number, number + len(groups) - 1
                else:
                    yield name, *blocks.get(group.block, (number + place, number + place))
        number += len(groups)


def _between_turns(step: Turns) -> frozenset[str]:
    """What a recurrence reads or makes that is not of one turn alone."""
    refs = [ref for e in step.equations for ref in (*e.references, e.target)]
    by_turn = {ref.name for ref in refs if any(step.index in free_indices(i) for i in ref.indices)}
    return frozenset(by_turn | (reads_of(step) - names_of(step)))


def _as_one(lives: list[Lifetime], stored: Mapping[str, Stored]) -> list[Lifetime]:
    """Gradients that lie side by side as one value."""
    inside = [life for life in lives if f"AT_{ALL}" in stored[life.name].start]
    if not inside:
        return lives
    start, stop = min(life.start for life in inside), max(life.stop for life in inside)
    whole = Lifetime(ALL, sum(life.reals for life in inside), start, stop)
    return [*(life for life in lives if life not in inside), whole]

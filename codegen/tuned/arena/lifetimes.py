"""Lifetimes: from the first step of a value to the last that reads it, and the arena that follows.

What gradients are made of lives until the end of a training step, for each may be computed twice: once to be
looked at, once to be used. Steps are counted turn by turn (`times`), the groups of a turn apart. What a phase
packs lives while it runs, or the block that it is in, or the recurrence whose turns it serves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from codegen.plan.plan import Plan
from codegen.tuned.arena.arena import Arena, Lifetime, Part, Span, bits
from codegen.tuned.arena.in_place import arena_in_place
from codegen.tuned.arena.sharing import shared
from codegen.tuned.arena.written import as_written
from codegen.tuned.groups.groups import Step, groups_of, key_of, names_of
from codegen.tuned.groups.times import Axes, count, needed, runs, turning
from codegen.tuned.groups.views import views
from codegen.tuned.phase import Phase
from codegen.tuned.phases.gradients import ALL
from codegen.tuned.products.kernels import panel_reals
from codegen.tuned.sizes import Sized
from codegen.tuned.storage import Stored, value_reals

Phases = Mapping[tuple[str, ...], Phase]
Lists = tuple[tuple[Step, ...], ...]
Packing = dict[int, tuple[str, Phase]]
Values = dict[str, dict[int, list[Span]]]
"""When each value is needed, once for each time that it is computed; those that turns make by number."""


@dataclass
class Needs:
    """When values and packed factors are needed, list after list."""

    axes: Axes
    rolled: Axes
    values: Values = field(default_factory=dict)
    packed: list[tuple[Phase, Span]] = field(default_factory=list)
    written: list[tuple[int, tuple[Step, ...]]] = field(default_factory=list)
    panels: Packing = field(default_factory=dict)


def lifetimes_arenas(
    plan: Plan, lists: Lists, phases: Phases, stored: Mapping[str, Stored], items: Iterable[int]
) -> dict[int, Arena]:
    """Offsets of all that lies in the arena, for reals of so many bytes.

    What a gradient needs stays until the end of the step.

    The lists are those of loss, pullback and tangent, in this order.
    """
    counts = [count(one, plan.size) for one in lists]
    end, last = sum(counts[:2]), sum(counts) + 1
    starts = (0, counts[0], end + 1)  # gradients are given between a step and the tangents
    needs = needed_of(lists, starts, phases, stored, plan, end)
    found = {}
    for item in items:
        lives = _as_one(list(_placed(plan, needs, phases, stored, item, end, last)), stored)
        lives += panel_lives(needs.packed, plan, item)
        together = shared(lives, needs.written, needs.panels, stored, plan.size, item)
        same = {**views(lists, stored), **together}
        found[item] = arena_in_place(lives, needs.written, stored, plan.size, same, needs.rolled)
    return found


def needed_of(
    lists: Lists,
    starts: tuple[int, ...],
    phases: Phases,
    stored: Mapping[str, Stored],
    sizes: Sized,
    end: int,
) -> Needs:
    """When everything is needed; what a list reads but does not make, an earlier one has made."""
    needs = Needs(turning(lists, stored, sizes.size), turning(lists, stored, sizes.size, single=True))
    for start, given in zip(starts, lists, strict=True):
        needs.packed += packing(given, phases, start, end, sizes)
        one = tuple(as_written(step, phases) for step in given)
        needs.panels |= _packing_groups(given, one, phases)
        needs.written.append((start, one))
        made = {name for step in one for name in names_of(step)}
        for name, values in needed(one, start, sizes.size, {**needs.axes, **needs.rolled}).items():
            for value, spans in values.items():
                earlier = needs.values.setdefault(name, {}).setdefault(value, [])
                goes_on = bool(earlier) and name not in made
                earlier += [(earlier.pop()[0], max(stop for _, stop in spans))] if goes_on else spans
    return needs


def _packing_groups(given: tuple[Step, ...], written: tuple[Step, ...], phases: Phases) -> Packing:
    """The groups that pack, as they are written: what they pack and their phases."""
    pairs = zip(given, written, strict=True)
    groups = [pair for old, new in pairs for pair in zip(groups_of(old), groups_of(new), strict=True)]
    found = {id(new): phases[key_of(old)] for old, new in groups}
    return {key: (panels_of(one), one) for key, one in found.items() if one.panels}


def panels_of(one: Phase) -> str:
    """The name of the place of a phase's packed factors; gradients that are given have one, in turn."""
    return "panels" if one.gradient else f"panels of {one.name}"


def packing(
    steps: tuple[Step, ...], phases: Phases, number: int, end: int, sizes: Sized
) -> Iterator[tuple[Phase, Span]]:
    """The phases that pack, and when: gradients are given at the end."""
    own = {id(group): phases[key_of(group)] for step in steps for group in groups_of(step)}
    for run in runs(steps, number, sizes.size):
        one = own[id(run.group)]
        if one.panels:
            yield one, (end, end) if one.gradient else run.whole if one.lasting else run.block


def panel_lives(packed: list[tuple[Phase, Span]], sizes: Sized, item: int) -> list[Lifetime]:
    """The lifetimes of what phases pack."""
    parts: dict[str, list[Span]] = {}
    rooms: dict[str, int] = {}
    for one, span in packed:
        name = panels_of(one)
        parts.setdefault(name, []).append(span)
        rooms[name] = max(rooms.get(name, 0), panel_reals(one, sizes, item))
    return [lifetime(name, rooms[name], own) for name, own in parts.items()]


def lifetime(name: str, reals: int, spans: list[Span]) -> Lifetime:
    """The lifetime of a value that is needed so."""
    start, stop = min(first for first, _ in spans), max(last for _, last in spans)
    return Lifetime(name, reals, start, stop, tuple(spans))


def stacked(name: str, one: Stored, values: dict[int, list[Span]], sizes: Sized, item: int) -> Lifetime:
    """The lifetime of a tensor whose values turns make: one for each, in whole lines."""
    line, apart = 64 // item, value_reals(one, sizes.size, item)
    parts = []
    for value, spans in sorted(values.items()):
        first, stop = value * apart // line * line, -(-(value + 1) * apart // line) * line
        parts.append(Part(first, stop - first, bits(spans)))
    whole = lifetime(name, one.reals(sizes.size, item), [s for spans in values.values() for s in spans])
    return Lifetime(name, whole.reals, whole.start, whole.stop, whole.spans, tuple(parts))


def _placed(
    plan: Plan,
    needs: Needs,
    phases: Phases,
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
    for name, found in needs.values.items():
        if name in given or name not in stored or not stored[name].start.startswith("x->w"):
            continue
        values = {at: _to(end, spans) if name in kept else spans for at, spans in found.items()}
        if name in outputs:
            yield Lifetime(name, stored[name].reals(plan.size, item), 0, last, ((0, last),))
        elif name in needs.axes:
            yield stacked(name, stored[name], values, plan, item)
        else:
            spans = [span for one in values.values() for span in one]
            yield lifetime(name, stored[name].reals(plan.size, item), spans)


def _to(end: int, spans: list[Span]) -> list[Span]:
    """What is needed until the end, where it begins before."""
    return [(first, max(stop, end) if first < end else stop) for first, stop in spans]


def _as_one(lives: list[Lifetime], stored: Mapping[str, Stored]) -> list[Lifetime]:
    """Gradients that lie side by side as one value."""
    inside = [life for life in lives if f"AT_{ALL}" in stored[life.name].start]
    if not inside:
        return lives
    start, stop = min(life.start for life in inside), max(life.stop for life in inside)
    whole = Lifetime(ALL, sum(life.reals for life in inside), start, stop)
    return [*(life for life in lives if life not in inside), whole]

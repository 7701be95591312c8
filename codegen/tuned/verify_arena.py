"""Whether values that are needed at once lie apart, found from the steps, not from the planner's lifetimes.

A step of training runs the loss, the pullback, and then every gradient that is given to a finish, which
reads its factors once more; what `loss` leaves behind is read by a later `vjp`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from codegen.tuned.arena import Arena
from codegen.tuned.draft import Draft
from codegen.tuned.groups import Step, Turns, groups_of, key_of, names_of
from codegen.tuned.kernels import panel_reals

LINE = 64


@dataclass(frozen=True)
class Needed:
    """A value at a place, from one step to another, both included."""

    name: str
    at: int
    reals: int
    first: int
    last: int


def misplaced(draft: Draft, arena: Arena, item: int) -> Iterator[str]:
    """Everything wrong with where values lie."""
    found = []
    for name, parts in spans(draft).items():
        at = _place(draft, arena, name)
        if at is None:
            yield f"{name} has no place in the arena"
            continue
        own = "+" not in _after(draft, name)
        if own and at * item % LINE:
            yield f"{name} starts at {at}, within a cache line"
        found += [Needed(name, at, _reals(draft, name, item, own), *part) for part in parts]
    found += _panels(draft, arena, item)
    for one in found:
        if one.at < 0 or one.at + one.reals > arena.reals:
            yield f"{one.name} ends at {one.at + one.reals} of an arena of {arena.reals}"
    for place, one in enumerate(found):
        for other in found[place + 1 :]:
            apart = one.at + one.reals <= other.at or other.at + other.reals <= one.at
            if not apart and one.name != other.name and one.first <= other.last and other.first <= one.last:
                yield f"{one.name} and {other.name} lie in the same place and are needed at once"


def spans(draft: Draft) -> dict[str, list[tuple[int, int]]]:
    """From which group to which each value of the arena is needed, once for each time that it is computed."""
    found: dict[str, list[tuple[int, int]]] = {}
    counts = [sum(len(groups_of(step)) for step in draft.lists[key]) for key in ("loss", "vjp", "jvp")]
    end, every = sum(counts[:2]), sum(counts) + 1
    for place, key in enumerate(("loss", "vjp", "jvp")):
        own = _uses(draft, draft.lists[key], sum(counts[:place]) + (key == "jvp"), end)
        made = {name for step in draft.lists[key] for name in names_of(step)}
        for name, (first, last) in own.items():
            before = found.setdefault(name, [])
            start = before.pop()[0] if before and name not in made else first
            before.append((start, last))
    network = draft.plan.network
    found = {name: parts for name, parts in found.items() if _after(draft, name)}
    always = {network.loss, f"{network.loss}_bar", f"{network.loss}_dot"}
    gradients = {f"{tensor.name}_bar" for tensor in draft.plan.trained}
    moved = {supplied.tensor.name for supplied in draft.plan.batch}
    for name, parts in found.items():
        if name in always:
            found[name] = [(0, every)]
        elif name in gradients:
            found[name] = [(first, max(last, end) if first < end else last) for first, last in parts]
        elif name in moved:  # laid out before the first step
            found[name] = [(0, parts[0][1]), *parts[1:]]
    return found


def _uses(draft: Draft, steps: tuple[Step, ...], number: int, end: int) -> dict[str, tuple[int, int]]:
    """The first and the last group that needs a value; all of a recurrence where its turns share it."""
    found: dict[str, tuple[int, int]] = {}
    for step in steps:
        groups = groups_of(step)
        for place, group in enumerate(groups):
            given = draft.phases[key_of(group)].gradient
            for name in (group.stored | group.reads) - {given}:
                near = not isinstance(step, Turns) or _of_one_turn(step, name)
                together = [at for at, one in enumerate(groups) if one.block and one.block == group.block]
                beside = (min(together), max(together)) if together else (place, place)
                low, high = beside if near else (0, len(groups) - 1)
                first, last = found.get(name, (number + low, number + high))
                found[name] = min(first, number + low), max(last, end if given else number + high)
        number += len(groups)
    return found


def _of_one_turn(step: Turns, name: str) -> bool:
    """Whether a turn writes all of a value before it reads it, and no other turn does."""
    targets = [one.target for one in step.equations if one.name == name]
    return bool(targets) and not any(target.has(step.index) for target in targets)


def _after(draft: Draft, name: str) -> str:
    """What follows AT_ in the place of a value of the arena; nothing for what lies elsewhere."""
    start = draft.stored[name].start
    return start.partition("x->w + AT_")[2]


def _place(draft: Draft, arena: Arena, name: str) -> int | None:
    base, _, more = _after(draft, name).partition(" + ")
    return None if base not in arena.offsets else arena.offsets[base] + int(more or 0)


def _reals(draft: Draft, name: str, item: int, own: bool) -> int:
    """Of a value that has a place of its own whole cache lines, else its elements alone."""
    stored, size = draft.stored[name], draft.plan.size
    if own:
        return stored.reals(size, item)
    count = 1
    for extent in stored.tensor.shape:
        count *= size(extent)
    return count


def _panels(draft: Draft, arena: Arena, item: int) -> Iterator[Needed]:
    """Packed factors: while a step runs, or its block, or all turns; of gradients given at the end."""
    end, number = sum(len(groups_of(step)) for key in ("loss", "vjp") for step in draft.lists[key]), 0
    for key in ("loss", "vjp", "jvp"):
        number += key == "jvp"  # after the gradients that are given
        groups = [group for step in draft.lists[key] for group in groups_of(step)]
        for place, group in enumerate(groups):
            one = draft.phases[key_of(group)]
            if one.panels:
                name = "panels" if one.gradient else f"panels of {one.name}"
                near = [at for at, other in enumerate(groups) if group.block and other.block == group.block]
                if one.lasting:
                    (turns,) = (step for step in draft.lists[key] if group in groups_of(step))
                    near = [at for at, other in enumerate(groups) if other in groups_of(turns)]
                first, last = (number + at for at in (min(near, default=place), max(near, default=place)))
                when = (end, end) if one.gradient else (first, last)
                yield Needed(name, arena.offsets[name], panel_reals(one, draft.plan, item), *when)
        number += len(groups)

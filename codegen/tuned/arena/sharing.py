"""Sharing: what a block needs one after the other has one place, for each value of its first loop.

    for each i, a:
        R[t,q] = ..              R in place 1
        P[t,q] = exp(R[t,q])     P in place 1: R is read there last, element by element
        O[t,n] = ..              panels of O in place 2
        Q[t,n] = ..              panels of Q in place 2: those of O are used up

Threads share out the first loop, so that one may be ahead of another: all that shares a place has as much
room for each value of that loop, and each has its own. What is there for all i and a may share a place too,
O_bar[i,a,t,n] and O[i,a,t,n] that follows it: each has its elements for i, a where the other had them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from codegen.tuned.arena.arena import Lifetime, bits
from codegen.tuned.arena.in_place import takes
from codegen.tuned.groups.groups import Block, Nest, Step
from codegen.tuned.groups.times import Size, runs
from codegen.tuned.phase import Phase
from codegen.tuned.spelling.scene import WIDEST
from codegen.tuned.storage import Stored, value_reals

WHOLE = "whole"
"""The key of what is there for all values of a block's loops."""
Where = tuple[int, Block]
Key = tuple[object, ...]


@dataclass
class Uses:
    """In which groups of which blocks a value is needed, the first and the last; while which blocks go on."""

    spans: dict[Where, int] = field(default_factory=dict)
    groups: dict[Where, dict[int, Nest]] = field(default_factory=dict)
    needed: dict[str, dict[Where, tuple[int, int]]] = field(default_factory=dict)

    def add(self, name: str, where: Where, place: int) -> None:
        """A value is needed by a group of a block."""
        found = self.needed.setdefault(name, {})
        first, last = found.get(where, (place, place))
        found[where] = min(first, place), max(last, place)


def shared(
    lives: Iterable[Lifetime],
    lists: Iterable[tuple[int, tuple[Step, ...]]],
    panels: Mapping[int, tuple[str, Phase]],
    stored: Mapping[str, Stored],
    size: Size,
    item: int,
) -> dict[str, str]:
    """Each value with the one whose place it shares; `panels` by the group that packs them."""
    uses, keys = _uses(lists, panels, size), {}
    for name, (_, one) in panels_by_name(panels).items():
        keys[name] = panel_key(one, size)
    for name in uses.needed.keys() & stored.keys():
        keys[name] = value_key(stored[name], size, item)
    places: dict[str, list[Lifetime]] = {}
    found: dict[str, str] = {}
    for life in sorted(lives, key=lambda one: (-one.reals, one.start, one.name)):
        key = keys.get(life.name)
        if key is None or life.parts or not (key[0] == WHOLE or _within(life, uses)):
            continue
        for owner, others in places.items():
            same = keys[owner] == key and others[0].reals == life.reals
            if same and all(_apart(life, other, uses, stored) for other in others):
                found[life.name] = owner
                others.append(life)
                break
        else:
            places[life.name] = [life]
    return found


def panels_by_name(panels: Mapping[int, tuple[str, Phase]]) -> dict[str, tuple[str, Phase]]:
    """What is packed, by its name."""
    return {name: (name, one) for name, one in panels.values()}


def value_key(one: Stored, size: Size, item: int) -> Key | None:
    """What values that share a place have in common."""
    if any(one.halo) or one.integer or one.portion is not None or not one.start.startswith("x->w"):
        return None
    if one.single:
        return "value", value_reals(one, size, item)
    return WHOLE, one.order, one.padded, *(size(extent) for extent in one.tensor.shape)


def panel_key(one: Phase, size: Size) -> Key | None:
    """What packed factors that share a place have in common in every kernel set: the room of each turn."""
    apart = one.panels[one.sums + 1 :]
    if not apart or one.passing or one.packs_rows or one.lasting:
        return None
    columns, terms = size(one.panels[one.sums]), 1
    for extent in one.panels[: one.sums]:
        terms *= size(extent)
    room = (terms * columns,) if columns % WIDEST == 0 else (terms, columns)
    return ("panels", tuple(map(size, apart)), room)


def _uses(
    lists: Iterable[tuple[int, tuple[Step, ...]]], panels: Mapping[int, tuple[str, Phase]], size: Size
) -> Uses:
    found = Uses()
    for number, steps in lists:
        for run in runs(steps, number, size):
            if run.group.block is None:
                continue
            where, place = (number, run.group.block), run.time - run.block[0]
            found.spans[where] = found.spans.get(where, 0) | bits([run.block])
            found.groups.setdefault(where, {})[place] = run.group
            packed = [panels[id(run.group)][0]] if id(run.group) in panels else []
            for name in (*run.group.stored, *run.group.reads, *packed):
                found.add(name, where, place)
    return found


def _within(life: Lifetime, uses: Uses) -> bool:
    """Whether a value is needed in blocks alone."""
    inside = 0
    for where in uses.needed.get(life.name, {}):
        inside |= uses.spans[where]
    return not life.pieces[0].alive & ~inside


def _apart(one: Lifetime, other: Lifetime, uses: Uses, stored: Mapping[str, Stored]) -> bool:
    """Whether two values are never needed at once, but for the group where one takes the other's place."""
    mine, its = uses.needed[one.name], uses.needed[other.name]
    both = mine.keys() & its.keys()
    whole = not stored[one.name].single if one.name in stored else False
    if whole:
        pairs = ((one.name, other.name), (other.name, one.name))
        listed = [[run[n] for n in sorted(run)] for run in (uses.groups[at] for at in both)]
        turn = any(all(follows(run, new, old) for run in listed) for new, old in pairs)
        return bool(both) and turn and not _beside(one, other, both, uses)
    for where in both:
        (first, last), (begins, ends) = mine[where], its[where]
        if last < begins or ends < first:
            continue
        group = uses.groups[where]
        takes_it = last == begins and _takes(group[last], other.name, one.name, stored)
        if not takes_it and not (ends == first and _takes(group[ends], one.name, other.name, stored)):
            return False
    return not _beside(one, other, both, uses)


def _beside(one: Lifetime, other: Lifetime, blocks: Iterable[Where], uses: Uses) -> int:
    """When both values are there outside of the blocks that need both."""
    beside = one.pieces[0].alive & other.pieces[0].alive
    for where in blocks:
        beside &= ~uses.spans[where]
    return beside


def follows(groups: Iterable[Nest], new: str, old: str) -> bool:
    """Whether a block computes one value, for each value of its loops, after it has read one from before."""
    run = list(groups)
    if any(old in one.stored for one in run):
        return False
    last = max((n for n, one in enumerate(run) if old in one.reads | one.stored), default=-1)
    first = min((n for n, one in enumerate(run) if new in one.reads | one.stored), default=-1)
    return 0 <= last < first and _each_its_own(dict(enumerate(run)), new, old)


def _each_its_own(groups: Mapping[int, Nest], one: str, other: str) -> bool:
    """Whether a block reads and writes of two values what is of its loops' values alone, in the same axes."""
    found = set()
    for group in groups.values():
        for equation in group.equations:
            loops = equation.loops[: group.block.loops if group.block else 0]
            for ref in (equation.target, *equation.references):
                if ref.name in (one, other):
                    found.add(tuple(ref.indices.index(i) if i in ref.indices else -1 for i in loops))
    return len(found) == 1 and -1 not in next(iter(found)) and bool(next(iter(found)))


def _takes(group: Nest, new: str, old: str, stored: Mapping[str, Stored]) -> bool:
    return new in stored and old in stored and takes(group, new, old, stored)

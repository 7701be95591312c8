"""Whether values that are needed at once lie apart: every step is gone through, what is read must be there.

    Z2 = max(A1, 0)       writes 1664 .. 14464: whatever lay there is lost
    H = Z2 W2             reads Z2: it must not be among what is lost

A step of training runs the loss, the pullback, and then every gradient that is given to a finish, which
reads its factors once more; what `loss` leaves behind is read by a later `vjp`. A block goes through its
groups over and over, and what it leaves of one head must be there after the next. Nothing here asks the
planner's lifetimes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from itertools import groupby

from codegen.tuned.arena.arena import Arena
from codegen.tuned.arena.in_place import takes
from codegen.tuned.arena.written import as_written
from codegen.tuned.draft import Draft
from codegen.tuned.groups.groups import Group, Nest, Step, Turns, groups_of, key_of
from codegen.tuned.groups.portions import in_portions
from codegen.tuned.groups.times import WHOLE, Run, runs, turning, turns_of, value_of
from codegen.tuned.groups.views import view_of
from codegen.tuned.phase import Phase
from codegen.tuned.products.kernels import panel_reals
from codegen.tuned.storage import value_reals
from codegen.tuned.verification.offsets import after, place_of, reals_of
from codegen.tuned.verification.taken import partners, shared_by_heads, taken_before

LINE = 64
Value = tuple[str, int]
"""A tensor, or what a phase packs, and which value of the axis that turns go along."""
Place = tuple[int, int]


def misplaced(draft: Draft, arena: Arena, item: int) -> Iterator[str]:
    """Everything wrong with where values lie."""
    names = {name for name in _named(draft) if after(draft, name)}
    outside = list(_outside(draft, arena, item, names))
    yield from outside
    if outside:
        return
    memory = Memory(draft, arena, item)
    found: dict[str, None] = {}
    for key in ("forward", "loss", "jvp"):
        if key in draft.lists:
            memory.clear()
            found |= dict.fromkeys(_gone_through(draft, key, memory))
    yield from found


@dataclass
class Memory:
    """What is in its place, and what has been lost to what; where each value lies."""

    draft: Draft
    arena: Arena
    item: int
    valid: dict[Value, Place] = field(default_factory=dict)
    lost: dict[Value, str] = field(default_factory=dict)
    axes: Mapping[str, tuple[int, int]] = field(init=False)
    rolled: Mapping[str, tuple[int, int]] = field(init=False)
    always: dict[Value, Place] = field(init=False)

    def __post_init__(self) -> None:
        """Find which values turns make, and what keeps its place through every call."""
        lists = self.draft.lists.values()
        self.axes, self.rolled = (
            turning(lists, self.draft.stored, self.draft.plan.size, single) for single in (False, True)
        )
        loss = self.draft.plan.network.loss
        fixed = [name for name in (loss, f"{loss}_bar", f"{loss}_dot") if name in self.draft.stored]
        fixed = [name for name in fixed if place_of(self.draft, self.arena, name) is not None]
        self.always = {(name, WHOLE): self.place((name, WHOLE)) for name in fixed}

    def clear(self) -> None:
        """Nothing is there."""
        self.valid, self.lost = {}, {}

    def place(self, value: Value) -> Place:
        """From where to where a value lies."""
        name, number = value
        size, stored = self.draft.plan.size, self.draft.stored[name]
        at = place_of(self.draft, self.arena, name)
        assert at is not None
        if number == WHOLE:
            return at, at + reals_of(self.draft, name, self.item)
        apart = value_reals(stored, size, self.item)
        return at + number * apart, at + (number + 1) * apart

    def rolls(self, name: str, run: Run) -> bool:
        """Whether a group begins with the value of another turn, in the place of the one before."""
        return name in self.rolled and next(g for g in groups_of(run.step) if name in g.stored) is run.group

    def read(self, value: Value) -> Iterator[str]:
        """Whether a value is still there."""
        if value in self.lost:
            yield _both(value[0], self.lost[value])

    def write(
        self,
        value: Value,
        place: Place,
        fresh: bool,
        same: str | None = None,
        partners: Set[str] = frozenset(),
    ) -> Iterator[str]:
        """Put a value where it lies; all of it where that is fresh, else beside what is there of it.

        A view leaves what it is the `same` as; `partners` have the place for other elements in turn.
        """
        if not fresh and self.lost.get(value) not in partners:
            yield from self.read(value)
        for other, taken in self.always.items():
            if other[0] != value[0] and _meet(place, taken):
                yield _both(other[0], value[0])
        for other in [one for one, taken in self.valid.items() if one != value and _meet(place, taken)]:
            if other[0] == same and self.valid[other] == place:
                continue
            del self.valid[other]
            self.lost[other] = value[0]
        self.lost.pop(value, None)
        self.valid[value] = place


def _gone_through(draft: Draft, key: str, memory: Memory) -> Iterator[str]:
    """The loss with all that follows in a step of training, or another list alone."""
    for supplied in draft.plan.batch:
        if after(draft, supplied.tensor.name):  # laid out before the first step
            yield from memory.write(
                (supplied.tensor.name, WHOLE), memory.place((supplied.tensor.name, WHOLE)), True
            )
    keys = ("loss", "vjp") if key == "loss" else (key,)
    for one in keys:
        yield from _executed(draft, draft.lists[one], memory)
    if key == "loss":
        for _ in range(2):  # looked at once, used once
            yield from _given(draft, memory)
    if key == "forward" and after(draft, draft.plan.network.output):
        yield from memory.read((draft.plan.network.output, WHOLE))


def _executed(draft: Draft, steps: tuple[Step, ...], memory: Memory) -> Iterator[str]:
    """Every group as often as it is computed; those of a block twice in turn."""
    written = tuple(as_written(step, draft.phases) for step in steps)
    first: dict[str, Nest] = {}
    own: dict[int, Phase] = {}
    for step, other in zip(written, steps, strict=True):
        for group, plain in zip(groups_of(step), groups_of(other), strict=True):
            own[id(group)] = draft.phases[key_of(plain)]
            for name in group.stored:
                first.setdefault(name, group)
    size = draft.plan.size
    for step in written:
        long = isinstance(step, Turns) and turns_of(step, size) == [None]
        for turn in range(2 if long else 1):
            for _, members in groupby(runs((step,), 0, size), lambda run: (run.block, run.turn)):
                listed = list(members)
                for head in range(2 if listed[0].group.block else 1):
                    for run in listed:
                        later = bool(turn) or run.time >= len(groups_of(step))
                        again = Again(bool(head), later, bool(turn))
                        yield from _run(draft, run, own[id(run.group)], memory, first, again)


@dataclass(frozen=True)
class Again:
    """Whether a group was computed before: for another head, in another turn, in turns without numbers."""

    head: bool
    turn: bool
    unnumbered: bool

    def beside(self, value: Value, run: Run, draft: Draft) -> bool:
        """Whether what was computed of a value before must still be there."""
        one = draft.stored[value[0]]
        heads = self.head and not one.single and one.portion is None
        targets = [one.target for one in run.group.equations if one.name == value[0]]
        turning = isinstance(run.step, Turns) and any(target.has(run.step.index) for target in targets)
        return heads or (self.unnumbered and turning and not draft.stored[value[0]].single)

    def panels(self, one: Phase) -> bool:
        """Whether what was packed before must still be there."""
        apart = one.panels[one.sums + 1 :]  # each value of the first loop has panels of its own
        anew = bool(apart) or one.portioned
        return (self.head and not anew) or (one.lasting and self.turn)


def _run(
    draft: Draft, run: Run, one: Phase, memory: Memory, first: Mapping[str, Nest], again: Again
) -> Iterator[str]:
    """A group computed once: what it reads must be there, and apart from what it writes."""
    if one.gradient:
        return
    made = {v for name in run.group.stored for v in _values(draft, run, name, memory, False)}
    read = {v for name in _read(run.group) for v in _values(draft, run, name, memory, True)} - made
    for value in sorted(read):
        shares = shared_by_heads(draft, run, value[0], memory.arena, again.head)
        if not shares and not taken_before(draft, run, value[0], memory.arena, again.head, again.unnumbered):
            yield from memory.read(value)
    places = {value: memory.place(value) for value in (*read, *made)}
    for value in sorted(made):
        for other in sorted((read | made) - {value}):
            taken = _in_place(draft, run.group, value, other, places)
            taken |= other in made and _in_place(draft, run.group, other, value, places)
            if _meet(places[value], places[other]) and not taken:
                yield _both(value[0], other[0])
    if one.panels:
        name = f"panels of {one.name}"
        room = _panels(memory, name, panel_reals(one, draft.plan, memory.item))
        yield from (_both(value[0], name) for value in sorted(places) if _meet(places[value], room))
        yield from memory.write((name, WHOLE), room, not again.panels(one))
    order = [equation.name for equation in run.group.equations]
    for value in sorted(made, key=lambda one: (order.index(one[0]), one)):
        begins = first[value[0]] is run.group or memory.rolls(value[0], run)
        fresh = begins and not again.beside(value, run, draft)
        fresh |= shared_by_heads(draft, run, value[0], memory.arena, again.head)
        others = partners(draft, run, value[0], memory.arena)
        yield from memory.write(value, places[value], fresh, _viewed(draft, run.group), others)


def _viewed(draft: Draft, group: Nest) -> str | None:
    return view_of(group, draft.stored) if isinstance(group, Group) else None


def _in_place(draft: Draft, group: Nest, new: Value, old: Value, places: Mapping[Value, Place]) -> bool:
    """Whether a value is written, element by element, where the other is read last."""
    single = bool(draft.stored[new[0]].single and draft.stored[old[0]].single)
    alone = group.block is None or in_portions(group) or single
    same = places[new] == places[old] and new[1] == old[1] and alone
    taken = takes(group, new[0], old[0], draft.stored)
    return same and (taken or _viewed(draft, group) == old[0])


def _given(draft: Draft, memory: Memory) -> Iterator[str]:
    """Every gradient once: those of the arena are there, the factors of the others too."""
    for tensor in draft.plan.trained:
        name = f"{tensor.name}_bar"
        given = [one for one in draft.phases.values() if one.gradient == name]
        for one in given:
            for operand in one.operands or ():
                if after(draft, operand):
                    yield from memory.read((operand, WHOLE))
            if one.panels:
                room = _panels(memory, "panels", panel_reals(one, draft.plan, memory.item))
                yield from memory.write(("panels", WHOLE), room, True)
        if not given and after(draft, name):
            values = range(memory.axes[name][1]) if name in memory.axes else (WHOLE,)
            for value in values:
                yield from memory.read((name, value))


def _panels(memory: Memory, name: str, reals: int) -> Place:
    at = memory.arena.offsets[name]
    return at, at + reals


def _read(group: Nest) -> set[str]:
    return {ref.name for equation in group.equations for ref in equation.references}


def _values(draft: Draft, run: Run, name: str, memory: Memory, reads: bool) -> Iterator[Value]:
    """The values of a tensor of the arena that a group reads, or writes."""
    if not after(draft, name) or (reads and name in run.group.names - run.group.stored):
        return
    if name not in memory.axes:
        yield name, WHOLE
        return
    axis, count = memory.axes[name]
    for equation in run.group.equations:
        for ref in equation.references if reads else (equation.target,):
            if ref.name == name:
                value = value_of(ref, axis, run, draft.plan.size)
                yield from ((name, one) for one in (range(count) if value == WHOLE else (value,)))


def _outside(draft: Draft, arena: Arena, item: int, names: Iterable[str]) -> Iterator[str]:
    """What has no place, a place within a line, or one beyond the end."""
    given = {one.gradient for one in draft.phases.values()}
    for name in sorted(set(names) - given):
        at = place_of(draft, arena, name)
        if at is None:
            yield f"{name} has no place in the arena"
            continue
        if "+" not in after(draft, name) and at * item % LINE:
            yield f"{name} starts at {at}, within a cache line"
        stop = at + reals_of(draft, name, item)
        if at < 0 or stop > arena.reals:
            yield f"{name} ends at {stop} of an arena of {arena.reals}"


def _named(draft: Draft) -> set[str]:
    """What the steps store, or read of others."""
    groups = [group for step in draft.statements for group in groups_of(step)]
    return {name for group in groups for name in group.stored | group.reads}


def _meet(one: Place, other: Place) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _both(one: str, other: str) -> str:
    return f"{one} and {other} lie in the same place and are needed at once"

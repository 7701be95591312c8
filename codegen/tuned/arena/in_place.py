"""In place: what is computed element by element from a value that is read there last takes its place.

    A1_bar[e,o,h,w] = where(Z1[e,o,h,w] == P1[e,o,h/2,w/2], P1_bar[..], 0)    A1_bar lies where Z1 lay

Both lie alike, the group reads the old value at the place of the new one alone, and not once that is there.
So do the elements of one turn after the other, where nothing else of the turns reads the old value:

    for t<T: A[t,a,j] = B[t,a,j] + sum_{q<d} H[t,a,q] U[q,j]                  A lies where B lay
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import replace
from types import MappingProxyType

from sympy import Expr, Integer

from codegen.tuned.arena.arena import Arena, Lifetime, arena, bits
from codegen.tuned.groups.groups import Group, Nest, Step, Turns, groups_of, names_of
from codegen.tuned.groups.inlined import in_its_window
from codegen.tuned.groups.portions import in_portions
from codegen.tuned.groups.times import Size, runs
from codegen.tuned.storage import Stored
from derive.calculus.expressions.nodes import Reduction
from derive.calculus.expressions.tensor import Ref, ordered_refs, refs
from derive.calculus.program.program import Equation

Lists = list[tuple[int, tuple[Step, ...]]]
NONE: Mapping[str, str] = MappingProxyType({})


def arena_in_place(
    lives: list[Lifetime],
    lists: Iterable[tuple[int, tuple[Step, ...]]],
    stored: Mapping[str, Stored],
    size: Size,
    views: Mapping[str, str] = NONE,
    rolled: Iterable[str] = (),
) -> Arena:
    """The arena of values that take the places of others; each list with the number of its first group.

    Of the `rolled` each turn's value has its own times, though all are in one place.
    """
    places = {life.name: life for life in lives}
    owner = {name: name for name in places}
    for new, old in views.items():
        root = owner[new] = owner[old]
        places[root] = _together(places[root], places[new])
    listed = list(lists)
    pairs = _one_by_one(listed, stored, places, size, frozenset(rolled))
    for (new, old), times in pairs.items():
        root, back = owner[old], pairs.get((old, new), 0)
        if owner[new] == new and _only_touch(places[new], places[old], places[root], times, back):
            owner[new] = root
            places[root] = _together(places[root], places[new])
    for (new, old), (whole, times) in _by_turns(listed, stored, places, size).items():
        in_parts = _meet_in_parts(places[new], places[old], times)
        meet = in_parts or (whole and _meet_within(places[new], places[old], whole))
        if owner[new] == new and owner[old] == old and meet:
            owner[new] = old
            places[old] = _together(places[old], places[new])
    found = arena([life for name, life in places.items() if owner[name] == name])
    at_place = {name: found.offsets[owner[name]] for name in places}
    offsets = dict(sorted(at_place.items(), key=lambda item: (item[1], item[0])))
    return Arena(offsets, found.reals, {life.name: life for life in lives})


def _one_by_one(
    lists: Lists, stored: Mapping[str, Stored], places: Mapping[str, Lifetime], size: Size, rolled: Set[str]
) -> dict[tuple[str, str], int]:
    """What groups write, each with what they read there, and when, in bits."""
    found: dict[tuple[str, str], int] = {}
    for number, steps in lists:
        for group, step, times in _alone(steps, number, size):
            for pair in _pairs(group, step, stored, places, rolled):
                found[pair] = found.get(pair, 0) | times
    return found


def _alone(steps: tuple[Step, ...], number: int, size: Size) -> list[tuple[Nest, Step, int]]:
    """The groups that are in no block but a run of portions, and when that is computed, in bits."""
    found: dict[int, tuple[Nest, Step, int]] = {}
    for run in runs(steps, number, size):
        if run.group.block is None or in_portions(run.group):
            _, _, before = found.get(id(run.group), (run.group, run.step, 0))
            found[id(run.group)] = run.group, run.step, before | bits([run.block])
    return list(found.values())


def _by_turns(
    lists: Lists,
    stored: Mapping[str, Stored],
    places: Mapping[str, Lifetime],
    size: Size,
) -> dict[tuple[str, str], tuple[int, int]]:
    """What is written where something is read: while turns go on that alone read it, and when, in bits."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for run in (run for number, steps in lists for run in runs(steps, number, size)):
        for new in sorted(run.group.stored & set(places)):
            for old in sorted(run.group.reads & set(places)):
                if takes_alone(run.group, run.step, new, old, stored):
                    whole, times = found.get((new, old), (0, 0))
                    going = bits([run.whole]) if takes_by_turns(run.group, run.step, new, old, stored) else 0
                    found[new, old] = whole | going, times | bits([run.block])
    return found


def takes_alone(group: Nest, step: Step, new: str, old: str, stored: Mapping[str, Stored]) -> bool:
    """Whether a group may write one value where it reads the other, that no other group of its run needs."""
    if not takes(group, new, old, stored):
        return False
    run = groups_of(step) if group.block else ()
    run = tuple(one for one in run if one.block == group.block)
    before = run[: run.index(group)] if run else ()
    others = any(old in one.reads | one.stored for one in run if one is not group)
    made = any(new in one.reads | one.stored for one in before)
    return group.block is None or (in_portions(group) and not others and not made)


def takes_by_turns(group: Nest, step: Step, new: str, old: str, stored: Mapping[str, Stored]) -> bool:
    """Whether a group of turns writes one value where it alone reads the other, each turn its own."""
    if not isinstance(step, Turns) or group.block is not None or not takes(group, new, old, stored):
        return False
    others = [one for one in step.groups if one is not group]
    read = any(old in one.reads for one in others) or old in names_of(step)
    targets = [one.target for one in group.equations if one.name == new]
    made = any(new in one.names for one in others)
    return not read and not made and all(target.has(step.index) for target in targets)


def takes(group: Nest, new: str, old: str, stored: Mapping[str, Stored]) -> bool:
    """Whether a group may write one value where it reads the other, or makes it for itself."""
    equations = list(group.equations)
    making = [place for place, one in enumerate(equations) if one.name == new]
    if not alike(stored[new], stored[old]) or len(making) != 1 or equations[making[0]].accumulates:
        return False
    (place,) = making
    before, after = equations[: place + 1], equations[place + 1 :]
    own = [one for one in equations if one.name == old]
    if any(old in one.reads for one in after) or len(own) > 1 or any(one not in before[:-1] for one in own):
        return False
    summed = isinstance(group, Group) and any(_sums(one, old, group) for one in before)
    read = [ref for one in before for ref in _elements(one, group) if ref.name == old]
    at = _spot(equations[place].target, stored[new])
    refs_old = (*read, *(one.target for one in own))
    whole = not any(one.accumulates for one in own)
    return bool(read) and not summed and whole and all(_spot(ref, stored[old]) == at for ref in refs_old)


def _spot(ref: Ref, one: Stored) -> list[Expr]:
    """The indices of an element in the order in which they lie, of those axes that there is room for."""
    return [ref.indices[axis] for axis in one.order if axis not in one.single]


def alike(one: Stored, other: Stored) -> bool:
    """Whether two tensors of the arena lie alike, no zeros around them."""
    if any((*one.halo, *other.halo)) or one.integer or other.integer or one.padded != other.padded:
        return False
    if one.portion != other.portion:
        return False
    rooms = [[t.tensor.shape[axis] for axis in t.order if axis not in t.single] for t in (one, other)]
    return rooms[0] == rooms[1]


def _sums(equation: Equation, name: str, group: Group) -> bool:
    """Whether an equation reads a value within a sum, but for sums over its own window of what is there."""
    return any(
        ref.name == name and not (group.inside and in_its_window(ref, one.ranges, equation.target))
        for one in equation.value.atoms(Reduction)
        for ref in refs(one)
    )


def _elements(equation: Equation, group: Nest) -> Iterable[Ref]:
    """What an equation reads; of one with sums over its windows what it reads beside these."""
    if not isinstance(group, Group) or not group.inside:
        return equation.references
    sums = {one: Integer(1) for one in equation.value.atoms(Reduction)}
    return ordered_refs(equation.value.xreplace(sums))


def _pairs(
    group: Nest, step: Step, stored: Mapping[str, Stored], places: Mapping[str, Lifetime], rolled: Set[str]
) -> list[tuple[str, str]]:
    """What a group writes, each with what it reads there."""
    turning = _of_other_turns(step) - rolled if isinstance(step, Turns) else frozenset()
    return [
        (new, old)
        for new in sorted(group.stored & set(places) - turning)
        for old in sorted((group.reads | group.stored) & set(places) - turning - {new})
        if takes_alone(group, step, new, old, stored)
    ]


def _of_other_turns(step: Turns) -> frozenset[str]:
    """What turns share: what comes from without, and what they have elements of."""
    made = {one.name for one in step.equations}
    outside = {name for one in step.equations for name in one.reads} - made
    by_turn = {
        ref.name for one in step.equations for ref in (one.target, *one.references) if ref.has(step.index)
    }
    return frozenset(outside | by_turn)


def _only_touch(new: Lifetime, old: Lifetime, place: Lifetime, times: int, back: int) -> bool:
    """Whether a value and those of a place are apart, but for the group where the old one ends.

    Where the new one ends in turn, and the old one is made of it, they touch as well: `back`.
    """
    if new.parts or place.parts:
        return False
    (made,), (read,), (taken,) = new.pieces, old.pieces, place.pieces
    once, again = (made.alive & read.alive & when for when in (times, back))
    ends = _ends(read.alive, made.alive, times) and (not again or _ends(made.alive, read.alive, back))
    return bool(once) and ends and made.alive & taken.alive == once | again


def _ends(old: int, new: int, times: int) -> bool:
    """Whether one value ends and another begins where a group is computed."""
    return not old & times << 1 & ~times and not new & times >> 1 & ~times


def _meet_within(new: Lifetime, old: Lifetime, times: int) -> bool:
    """Whether one value ends and the other begins in these turns, and both are apart otherwise."""
    if new.parts or old.parts:
        return False
    (made,), (read,) = new.pieces, old.pieces
    both = made.alive & read.alive
    return bool(both) and not both & ~times and _ends(read.alive, made.alive, times)


def _meet_in_parts(new: Lifetime, old: Lifetime, times: int) -> bool:
    """Whether every part of a value begins where that part of the other ends, in the turn that has both."""
    if not new.parts or [p.at for p in new.parts] != [p.at for p in old.parts]:
        return False
    both = [(a.alive, b.alive, a.alive & b.alive & times) for a, b in zip(new.parts, old.parts, strict=True)]
    return all(once and made & read == once and _ends(read, made, once) for made, read, once in both)


def _together(one: Lifetime, other: Lifetime) -> Lifetime:
    """The lifetime of a place that both take."""
    start, stop = min(one.start, other.start), max(one.stop, other.stop)
    pairs = zip(one.parts, other.parts, strict=True)
    parts = tuple(replace(part, alive=part.alive | more.alive) for part, more in pairs)
    return Lifetime(one.name, max(one.reals, other.reals), start, stop, (*one.alive, *other.alive), parts)

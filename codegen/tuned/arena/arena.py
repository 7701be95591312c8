"""The arena: values that are never alive together may lie in the same place.

    E[i,q]   equations 4..7        at 0
    H_bar    equations 9..11       at 0: E is dead by then
    Z2       equations 1..11       at 1664

Largest first, each at the first place where nothing alive at the same time lies: the rule of register
allocation by first fit (Lee et al., TFLite memory planning, 2018). One of the large values, that which ends
last every other time, then has another turn, again and again, and what makes the arena no longer stays so;
the search begins several times.
What a recurrence has of each of its turns is in parts, each alive for itself: gradients of the last turns lie
where the first turns left something. Offsets and sizes are whole cache lines, in reals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

Span = tuple[int, int]
PLACED = 100_000
"""So many values are placed in all, in as many orders as that makes."""
AGAIN = 8
"""So many times the search begins again, each for that part of as many orders."""
SMALL = 64
"""What takes less than this part of the arena keeps its turn."""
SWAPPED = 2
"""An order of fewer is no other."""


@dataclass(frozen=True)
class Part:
    """Some reals of a value, from an offset on, and when they are alive: a bit for each step."""

    at: int
    reals: int
    alive: int


@dataclass(frozen=True)
class Lifetime:
    """A value of so many reals, alive from one step to another, both included.

    `spans` are the parts of that in which it is alive, where it is computed more than once, `parts` its
    elements where some live longer than others.
    """

    name: str
    reals: int
    start: int
    stop: int
    spans: tuple[Span, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def alive(self) -> tuple[Span, ...]:
        return self.spans or ((self.start, self.stop),)

    @cached_property
    def pieces(self) -> tuple[Part, ...]:
        """Its parts; one where all of it lives as long."""
        return self.parts or (Part(0, self.reals, bits(self.alive)),)

    def meets(self, other: Lifetime) -> bool:
        """Whether both are alive at once."""
        return any(a <= d and c <= b for a, b in self.alive for c, d in other.alive)


@dataclass(frozen=True)
class Arena:
    """Where each value lies, for how long, and how many reals that takes together."""

    offsets: Mapping[str, int]
    reals: int
    lifetimes: Mapping[str, Lifetime]


def arena(lifetimes: list[Lifetime]) -> Arena:
    """Offsets by first fit, in the order that needs the least of those tried."""
    order = sorted(lifetimes, key=lambda life: (-life.reals, life.start, life.name))
    apart = {one.name: _apart(one, lifetimes) for one in lifetimes}
    offsets, least, draw = _offsets(order, apart), fullest(lifetimes), _draws()
    end, tries = _end(order, offsets), PLACED // max(1, len(order))
    for count in (tries, *(tries // AGAIN for _ in range(AGAIN))):
        other = _searched(order, apart, least, count, draw) if end > least else offsets
        if _end(order, other) < end:
            offsets, end = other, _end(order, other)
    offsets = dict(sorted(offsets.items(), key=lambda item: (item[1], item[0])))
    return Arena(offsets, end, {one.name: one for one in lifetimes})


def _searched(
    order: list[Lifetime],
    apart: Mapping[str, Mapping[str, list[Span]]],
    least: int,
    tries: int,
    draw: Iterator[int],
) -> dict[str, int]:
    """The offsets of the order that needs the least, from one on in which large values change their turns."""
    offsets = _offsets(order, apart)
    end = _end(order, offsets)
    for _ in range(tries):
        large = [place for place, one in enumerate(order) if one.reals * SMALL > end]
        if end <= least or len(large) < SWAPPED:
            break
        last = [place for place, one in enumerate(order) if offsets[one.name] + one.reals == end]
        among = last if next(draw) % 2 else large
        chosen = among[next(draw) % len(among)]
        other = [*order[:chosen], *order[chosen + 1 :]]
        other.insert(large[next(draw) % len(large)], order[chosen])
        found = _offsets(other, apart, end)
        if len(found) == len(order):
            order, offsets, end = other, found, _end(order, found)
    return offsets


def _draws() -> Iterator[int]:
    """Numbers without order, the same in every build: Lehmer's generator, modulo 2^31 - 1."""
    state = 1
    while True:
        state = state * 48271 % (2**31 - 1)
        yield state >> 8


def fullest(lifetimes: Iterable[Lifetime]) -> int:
    """The most reals that are alive at once: no arena has fewer."""
    pieces = [part for life in lifetimes for part in life.pieces]
    times = max((part.alive.bit_length() for part in pieces), default=0)
    return max((sum(p.reals for p in pieces if p.alive >> time & 1) for time in range(times)), default=0)


def _apart(one: Lifetime, lifetimes: list[Lifetime]) -> dict[str, list[Span]]:
    """Between which distances from each other value one must not begin: parts alive at once would meet."""
    found: dict[str, list[Span]] = {}
    for other in lifetimes:
        spans = sorted(
            (its.at - part.at - part.reals, its.at + its.reals - part.at)
            for part in one.pieces
            for its in other.pieces
            if part.alive & its.alive
        )
        if spans and other is not one:
            found[other.name] = _joined(spans)
    return found


def _joined(spans: list[Span]) -> list[Span]:
    """Spans in order, those that overlap as one."""
    found = spans[:1]
    for low, high in spans[1:]:
        if low < found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], high)
        else:
            found.append((low, high))
    return found


def _offsets(
    order: list[Lifetime], apart: Mapping[str, Mapping[str, list[Span]]], most: int | None = None
) -> dict[str, int]:
    """Each value at the first place where it fits, in turn, until one ends beyond what is the most."""
    offsets: dict[str, int] = {}
    for one in order:
        at = first_fit(apart[one.name], offsets)
        if most is not None and at + one.reals > most:
            break
        offsets[one.name] = at
    return offsets


def _end(lifetimes: list[Lifetime], offsets: Mapping[str, int]) -> int:
    return max((offsets[one.name] + one.reals for one in lifetimes), default=0)


def first_fit(apart: Mapping[str, list[Span]], offsets: Mapping[str, int]) -> int:
    """The first place at which no part of a value lies where another is alive."""
    taken = [
        (offsets[name] + low, offsets[name] + high)
        for name, spans in apart.items()
        if name in offsets
        for low, high in spans
    ]
    at = 0
    for low, high in sorted(taken):
        if at <= low:
            break
        at = max(at, high)
    return at


def bits(spans: Iterable[Span]) -> int:
    """Steps as a set: a bit for each."""
    found = 0
    for first, last in spans:
        found |= (1 << (last + 1)) - (1 << first)
    return found


def constant(name: str, function: str = "") -> str:
    """The C constant of a place: AT_Z2 of a value, PANELS_Z2 of the panels of a phase."""
    before = f"{function}_" if function else ""
    kind, _, owner = name.partition(" of ")
    return f"{kind.upper()}_{before}{owner}" if owner else f"AT_{before}{name}"

"""The arena: values that are never alive together may lie in the same place.

    E[i,q]   equations 4..7        at 0
    H_bar    equations 9..11       at 0: E is dead by then
    Z2       equations 1..11       at 1664

Largest first, each at the first place where nothing alive at the same time lies: the rule of register
allocation by first fit (Lee et al., TFLite memory planning, 2018). Offsets and sizes are whole cache lines,
in reals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Lifetime:
    """A value of so many reals, alive from one step to another, both included.

    `spans` are the parts of that in which it is alive, where it is computed more than once.
    """

    name: str
    reals: int
    start: int
    stop: int
    spans: tuple[tuple[int, int], ...] = ()

    @property
    def alive(self) -> tuple[tuple[int, int], ...]:
        return self.spans or ((self.start, self.stop),)

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
    """Offsets by first fit, the largest value first."""
    placed: list[tuple[int, Lifetime]] = []
    for one in sorted(lifetimes, key=lambda life: (-life.reals, life.start, life.name)):
        at = 0
        for start, other in sorted((p for p in placed if p[1].meets(one)), key=lambda p: (p[0], p[1].name)):
            if at + one.reals <= start:
                break
            at = max(at, start + other.reals)
        placed.append((at, one))
    return Arena(
        {one.name: at for at, one in sorted(placed, key=lambda p: (p[0], p[1].name))},
        max((at + one.reals for at, one in placed), default=0),
        {one.name: one for one in lifetimes},
    )


def constant(name: str, function: str = "") -> str:
    """The C constant of a place: AT_Z2 of a value, PANELS_Z2 of the panels of a phase."""
    before = f"{function}_" if function else ""
    kind, _, owner = name.partition(" of ")
    return f"{kind.upper()}_{before}{owner}" if owner else f"AT_{before}{name}"

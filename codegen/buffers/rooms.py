"""Lifetimes to rooms: arrays that are never alive together take one room in turn.

Z2       lines 1..9     room 1
A2_bar   lines 7..11    room 2
A1_bar   lines 12..14   room 1, for Z2 is dead
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sympy import Expr

from codegen.buffers.values import TRUTH, WHOLE, Draft, Loop, Value, elements, evaluated

BYTES = {TRUTH: 1, WHOLE: 8}


@dataclass(frozen=True)
class Life:
    """From the line that first writes an array to the one that reads it last; a taker may begin on `last`."""

    value: Value
    first: int
    last: int


@dataclass
class Room:
    """Arrays one after the other in the same memory."""

    lives: list[Life] = field(default_factory=list)

    @property
    def last(self) -> int:
        return max(life.last for life in self.lives)


def lives(draft: Draft, kept: Iterable[str]) -> list[Life]:
    """The life of every array, in order of birth; what is kept lives on."""
    end = len(draft.instructions)
    found: dict[str, tuple[int, int]] = {}
    for number, line in enumerate(draft.instructions):
        for name in line.reads | line.writes:
            first, last = found.get(name, (number, number))
            found[name] = (first, max(last, number))
    spans = {name: _looped(name, span, draft) for name, span in found.items()}
    spans |= {name: (spans[name][0], end) for name in kept if name in spans}
    listed = [Life(draft.values[name], *span) for name, span in spans.items() if name in draft.values]
    return sorted(listed, key=lambda life: (life.first, life.value.name))


def _looped(name: str, span: tuple[int, int], draft: Draft) -> tuple[int, int]:
    """What outlives one turn of a loop lives through all of it."""
    first, last = span
    for loop in draft.loops:
        inside = loop.first <= first and last <= loop.last
        touched = any(_touches(draft, number, name) for number in range(loop.first, loop.last + 1))
        if touched and not (inside and _begins(draft, first, name)):
            first, last = min(first, loop.first), max(last, loop.last)
    return first, last


def _touches(draft: Draft, number: int, name: str) -> bool:
    return name in draft.instructions[number].reads | draft.instructions[number].writes


def _begins(draft: Draft, number: int, name: str) -> bool:
    """Whether a line writes the array whole, reading nothing of it."""
    line = draft.instructions[number]
    return name in line.writes and name not in line.reads


def rooms(draft: Draft, kept: Iterable[str], sizes: Mapping[Expr, int]) -> list[Room]:
    """Each array in the smallest free room that it fits, else in the largest free one, else in a new one."""
    found: list[Room] = []
    for life in lives(draft, kept):
        yields = draft.instructions[life.first].yields if _is_of_one_turn(life, draft.loops) else frozenset()
        free = [room for room in found if _is_free(room, life, yields)]
        need = _bytes(life.value, sizes)
        fitting = [room for room in free if _capacity(room, sizes) >= need]
        if fitting:
            min(fitting, key=lambda room: _capacity(room, sizes)).lives.append(life)
        elif free:
            max(free, key=lambda room: _capacity(room, sizes)).lives.append(life)
        else:
            found.append(Room([life]))
    return found


def _is_of_one_turn(life: Life, loops: Sequence[Loop]) -> bool:
    """Whether an array is dead before a turn of the loops around its first line ends."""
    around = [loop for loop in loops if loop.first <= life.first <= loop.last]
    return all(life.last < loop.last for loop in around)


def _is_free(room: Room, life: Life, yields: frozenset[str]) -> bool:
    """Whether all are dead before, or on the very line an operand that the new array may overwrite."""
    return all(
        other.last < life.first or (other.last == life.first and other.value.name in yields)
        for other in room.lives
    )


def _bytes(value: Value, sizes: Mapping[Expr, int]) -> float:
    return evaluated(elements(value.axes), sizes) * BYTES.get(value.kind, 4)


def _capacity(room: Room, sizes: Mapping[Expr, int]) -> float:
    return max(_bytes(life.value, sizes) for life in room.lives)

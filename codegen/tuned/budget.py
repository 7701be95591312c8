"""A budget: the arena of a network in so many bytes, what is computed again chosen by its cost.

    Xhat2                        4 MB for 3 000 000 operations
    O                            4 MB for 5 000 000 operations: Xhat2 goes first, then O

What costs the fewest operations for a byte that is kept goes next, contractions too, until the arena fits.
Each choice is laid out, so the figure is what the constant ARENA_REALS gives in float.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations

from codegen.c.network import CNetwork
from codegen.plan.keep import Task
from codegen.plan.pipeline import Watch, silent
from codegen.tuned.arena.arena import Arena
from codegen.tuned.functions import ITEMS
from codegen.tuned.groups.memory import crossing, kept_by_cost, small, task_of, with_kept
from codegen.tuned.pipeline import Tuned, laid_out
from derive.errors import DeriveError

FLOAT = min(ITEMS)
LINE = 512
"""What frees less than this part of what is kept is not worth a line."""
NAMED = 4
"""So many of what does not fit are named."""


def tuned(c: CNetwork, watch: Watch = silent) -> Tuned:
    """The tuned form of a network, within its budget if it has one; DeriveError where none fits."""
    task, budget = task_of(c.plan), c.plan.network.budget
    kept = kept_by_cost(task)
    first = laid_out(with_plan(c, task, kept), watch if budget is None else silent)
    if budget is None:
        return first
    if arena_bytes(first) <= budget:
        return _shown(first, with_plan(c, task, kept), watch, False)
    tries = Tries(c, task, budget, arena_bytes(first) - task.bytes(crossing(task, kept)))
    fitting = tries.fitting(kept)
    if fitting is None:
        least = min((first, *tries.found.values()), key=arena_bytes)
        raise DeriveError(_refusal(least, budget))
    best = tries.with_more(fitting, kept)
    return _shown(tries.found[best], with_plan(c, task, best), watch, True)


@dataclass
class Tries:
    """What was laid out for a budget; `beside` are the bytes of the arena beside what is kept."""

    c: CNetwork
    task: Task
    budget: int
    beside: int
    found: dict[frozenset[str], Tuned] = field(default_factory=dict)

    def fitting(self, kept: frozenset[str]) -> frozenset[str] | None:
        """The first choice that fits; first those whose bytes say so, then all."""
        listed = list(choices(self.task, kept))
        likely = [one for one in listed if self.bytes(one) + self.beside <= self.budget]
        return next((one for one in (*likely, *listed) if self.fits(one)), None)

    def with_more(self, chosen: frozenset[str], kept: frozenset[str]) -> frozenset[str]:
        """The choice with what can be kept after all, what costs most to compute first."""
        for name in sorted(kept - chosen, key=lambda one: (self.task.more(chosen | {one}), one)):
            wider = chosen | {name}
            more = self.bytes(wider) - self.bytes(chosen)
            if arena_bytes(self.found[chosen]) + more <= self.budget and self.fits(wider):
                chosen = wider
        return chosen

    def fits(self, kept: frozenset[str]) -> bool:
        """Whether an arena is within the budget."""
        if kept not in self.found:
            self.found[kept] = laid_out(with_plan(self.c, self.task, kept), narrow=True)
        return arena_bytes(self.found[kept]) <= self.budget

    def bytes(self, kept: frozenset[str]) -> int:
        """The bytes of what is kept."""
        return self.task.bytes(crossing(self.task, kept))


def _shown(found: Tuned, c: CNetwork, watch: Watch, narrow: bool) -> Tuned:
    return found if watch is silent else laid_out(c, watch, narrow)


def with_plan(c: CNetwork, task: Task, kept: frozenset[str]) -> CNetwork:
    """The network whose programs keep these."""
    return replace(c, plan=with_kept(c.plan, task, kept))


def arena_bytes(t: Tuned) -> int:
    """The bytes of the arena in float."""
    return FLOAT * t.arenas[FLOAT].reals


def choices(task: Task, kept: frozenset[str]) -> Iterator[frozenset[str]]:
    """What may be kept, each with fewer bytes than before, the cheapest step first."""
    yield kept
    current, room = kept, task.bytes(crossing(task, kept))
    while (step := _cheapest(task, current, room)) is not None:
        current, room = step
        yield current


def _cheapest(task: Task, kept: frozenset[str], room: int) -> tuple[frozenset[str], int] | None:
    """What may be kept instead at the least operations for a byte; None where nothing frees enough."""
    prices = {}
    for other in _moves(task, kept):
        size = task.bytes(crossing(task, other))
        if (room - size) * LINE > room:
            price = (task.more(other) - task.more(kept)) / (room - size)
            prices[other] = price, sorted(other), size
    if not prices:
        return None
    best = min(prices, key=lambda one: prices[one][:2])
    return best, prices[best][2]


def _moves(task: Task, kept: frozenset[str]) -> Iterator[frozenset[str]]:
    """What is kept without one, or without two that free nothing alone."""
    whole = task.bytes(crossing(task, kept))
    known = sorted(name for name in kept & set(task.candidates) if task.bytes([name]) * LINE > whole)
    stuck = []
    for name in known:
        found = _without(task, kept, (name,))
        yield from found
        if not any(task.bytes(crossing(task, one)) < whole for one in found):
            stuck.append(name)
    for gone in combinations(stuck, 2):
        yield from _without(task, kept, gone)


def _without(task: Task, kept: frozenset[str], gone: tuple[str, ...]) -> list[frozenset[str]]:
    """What is kept without some, and with small sums on the way to them; nothing where they must stay."""
    rest, before = kept.difference(gone), set(task.again(kept))
    if not set(gone) <= set(task.again(rest)):
        return []
    return [rest, rest | small(task, rest, task.bytes(gone)).difference(before, gone)]


def _refusal(least: Tuned, budget: int) -> str:
    """What does not fit, and what would."""
    network, arena = least.c.plan.network, least.arenas[FLOAT]
    room, left = budget, []
    for name, size in sorted(fullest(arena).items(), key=lambda item: (item[1], item[0])):
        room -= FLOAT * size
        if room < 0:
            left.append(f"{name} ({FLOAT * size} bytes)")
    left.reverse()
    more = f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
    needed = arena_bytes(least)
    listed = f"{', '.join(left[:NAMED])}{more} do not fit" if left else "gaps between values do not fit"
    return (
        f"{network.name} does not fit into --budget {budget}: the arena of the tuned C at {network.batch} = "
        f"{network.most} examples is {needed} bytes at the smallest, everything computed again that can be; "
        f"{listed}; raise the budget to {needed}, or give --size {network.batch}={max(1, network.most // 2)}"
    )


def fullest(arena: Arena) -> dict[str, int]:
    """The values that are alive where the most reals are, with these; one of those in the same place."""
    times = max(part.alive.bit_length() for life in arena.lifetimes.values() for part in life.pieces)
    best: dict[str, int] = {}
    for time in range(times):
        found: dict[int, tuple[int, str]] = {}
        for name, life in arena.lifetimes.items():
            reals = sum(part.reals for part in life.pieces if part.alive >> time & 1)
            place = arena.offsets[name]
            if reals:
                found[place] = max(found.get(place, (0, name)), (reals, name))
        if sum(reals for reals, _ in found.values()) > sum(best.values()):
            best = {name: reals for reals, name in found.values()}
    return best

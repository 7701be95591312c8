"""Where a value of a draft lies in an arena, and how much room it has there."""

from __future__ import annotations

from math import prod

from codegen.tuned.arena.arena import Arena
from codegen.tuned.draft import Draft


def after(draft: Draft, name: str) -> str:
    """What follows AT_ in the place of a value of the arena; nothing for what lies elsewhere."""
    return draft.stored[name].start.partition("x->w + AT_")[2]


def place_of(draft: Draft, arena: Arena, name: str) -> int | None:
    """The offset of a value."""
    base, _, more = after(draft, name).partition(" + ")
    return None if base not in arena.offsets else arena.offsets[base] + int(more or 0)


def reals_of(draft: Draft, name: str, item: int) -> int:
    """Of a value that has a place of its own whole cache lines, else its elements alone."""
    stored, size = draft.stored[name], draft.plan.size
    if "+" not in after(draft, name):
        return stored.reals(size, item)
    return prod(size(extent) for extent in stored.tensor.shape)

"""Joined: a step goes into the group of one before it, where both can be written in vectors together."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from codegen.tuned.groups.groups import Group, Step

Vectors = Callable[[Group], bool]
"""Whether a group can be written in vectors along its elements."""

Join = Callable[[Group, list[Step], Vectors], tuple[int, Group] | None]
"""The place of a step that a group goes into, and both together; None where it stays by itself."""


def joined(steps: Iterable[Step], join: Join, vectors: Vectors) -> list[Step]:
    """The steps, each in its order, or in the group that it goes into."""
    found: list[Step] = []
    for step in steps:
        both = join(step, found, vectors) if isinstance(step, Group) else None
        if both is None:
            found.append(step)
        else:
            place, group = both
            found[place] = group
    return found

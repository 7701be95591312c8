"""Values of one place: each head, turn or portion has there, one after the other, elements of its own."""

from __future__ import annotations

from codegen.tuned.arena.arena import Arena
from codegen.tuned.arena.in_place import takes_alone, takes_by_turns
from codegen.tuned.arena.sharing import follows, value_key
from codegen.tuned.draft import Draft
from codegen.tuned.groups.groups import groups_of
from codegen.tuned.groups.portions import in_portions
from codegen.tuned.groups.times import Run
from codegen.tuned.verification.offsets import after, place_of


def taken_before(draft: Draft, run: Run, old: str, arena: Arena, head: bool, unnumbered: bool) -> bool:
    """Whether turns or portions before this one have written elements of another value in the place of one.

    They were of that turn, or of that portion.
    """
    portions = head and in_portions(run.group)
    return any(
        place_of(draft, arena, new) == place_of(draft, arena, old)
        and (
            (unnumbered and takes_by_turns(run.group, run.step, new, old, draft.stored))
            or (portions and takes_alone(run.group, run.step, new, old, draft.stored))
        )
        for new in run.group.stored
    )


def shared_by_heads(draft: Draft, run: Run, name: str, arena: Arena, head: bool) -> bool:
    """Whether a value has a place in turn with another, each head that of its own elements."""
    if not head or in_portions(run.group):
        return False
    own = [one for one in groups_of(run.step) if one.block == run.group.block]
    at, key = place_of(draft, arena, name), value_key(draft.stored[name], draft.plan.size, 4)
    others = {other for one in own for other in one.stored | one.reads if after(draft, other)} - {name}
    return any(
        place_of(draft, arena, other) == at
        and value_key(draft.stored[other], draft.plan.size, 4) == key
        and (follows(own, other, name) or follows(own, name, other))
        for other in others
    )


def partners(draft: Draft, run: Run, name: str, arena: Arena) -> frozenset[str]:
    """What a portion makes in the place of what it makes; none loses what other portions made."""
    if not in_portions(run.group):
        return frozenset()
    at = place_of(draft, arena, name)
    return frozenset(
        other
        for other in run.group.stored - {name}
        if place_of(draft, arena, other) == at
        and any(
            takes_alone(run.group, run.step, *pair, draft.stored) for pair in ((name, other), (other, name))
        )
    )

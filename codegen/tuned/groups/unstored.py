"""Unstored: what one operation makes of a value that is stored anyway is made again by the rows that read it.

    N_bar[i,j] = sum_k ..; X_bar[i,j] = N_bar[i,j] g[j]      N_bar is read by others, X_bar by rows alone

    for each i:  over j: s += N_bar[i,j] g[j]                X_bar is computed in both passes, never stored
                 over j: Y_bar[i,j] = N_bar[i,j] g[j] - s

Beside it only what is there all the time is read, as a parameter: nothing is held longer for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import replace

from codegen.tuned.groups.groups import Group, Nest, Pass, Rows, Step, Turns, names_of, reads_of, target_of
from codegen.tuned.groups.rows import moved
from derive.calculus.expressions.tensor import IntegerRef, Ref
from derive.calculus.program.program import Equation


def unstored(steps: Iterable[Step], kept: Iterable[str]) -> list[Step]:
    """The steps, whose rows make again what is not worth storing; what is `kept` is stored."""
    listed, stays = list(steps), frozenset(kept)
    made = frozenset(name for step in listed for name in names_of(step))
    alone = [step for step in listed if not isinstance(step, Turns)]
    inside = stays.union(*(reads_of(step) for step in listed if isinstance(step, Turns)))
    changed = iter(_unstored(alone, inside, made))
    found: list[Step] = []
    for step in listed:
        if isinstance(step, Turns):
            outside = stays.union(*(reads_of(other) for other in listed if other is not step))
            found.append(replace(step, groups=tuple(_unstored(step.groups, outside, made))))
        else:
            found.append(next(changed))
    return found


def _unstored(groups: Sequence[Nest], elsewhere: Set[str], made: Set[str]) -> list[Nest]:
    """The groups of one level; what is read `elsewhere` stays."""
    found = list(groups)
    for place, group in enumerate(groups):
        for one in group.equations[1:] if isinstance(group, Group) else ():
            others = {name for n, other in enumerate(found) if n != place for name in other.reads}
            if isinstance(group, Group) and one.name not in elsewhere and _cheap(one, group, others, made):
                found = _without(one, place, found)
    return found


def _without(one: Equation, place: int, groups: list[Nest]) -> list[Nest]:
    """The groups, one without an equation that rows make again; as they are where others read it."""
    readers = [n for n, other in enumerate(groups) if n != place and one.name in other.reads]
    again = {n: _made_again(groups[n], one) for n in readers}
    own, found = groups[place], list(groups)
    if not readers or not isinstance(own, Group):
        return groups
    for n, rows in again.items():
        if rows is None:
            return groups
        found[n] = rows
    found[place] = replace(own, equations=tuple(each for each in own.equations if each is not one))
    return found


def _cheap(one: Equation, group: Group, others: Set[str], made: Set[str]) -> bool:
    """Whether a value is a product or a sum of what others read anyway, at its place, and what is given."""
    value, read = one.value, any(one.name in other.reads for other in group.equations)
    if not (value.is_Mul or value.is_Add) or len(value.args) != 2 or read:
        return False
    if any(not isinstance(part, Ref) or isinstance(part, IntegerRef) for part in value.args):
        return False
    own = [ref for ref in one.references if ref.name in group.names]
    there = all(ref.indices == target_of(group, ref.name) and ref.name in others for ref in own)
    given = all(ref in own or ref.name not in made for ref in one.references)
    return len(own) == 1 and there and given


def _made_again(rows: Nest, one: Equation) -> Rows | None:
    """Rows that compute a value wherever a pass reads it; None where they read another element of it."""
    if not isinstance(rows, Rows):
        return None
    loops = (*rows.outer, rows.lane)
    if [n for _, n in one.ranges] != [n for _, n in loops]:
        return None
    own = moved(one, dict(zip(one.loops, (index for index, _ in loops), strict=True)))
    read = {ref for each in rows.equations for ref in each.references if ref.name == one.name}
    if read != {own.target}:
        return None
    return replace(rows, passes=tuple(_with(each, own) for each in rows.passes))


def _with(one: Pass, own: Equation) -> Pass:
    reads = any(own.name in each.reads for each in (*one.inside, *one.after))
    return replace(one, inside=(own, *one.inside)) if reads else one

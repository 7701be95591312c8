"""Together: what is made of the same value in a step follows where that is at hand.

    E[j] = exp(-F[t,j])                       E[j] = exp(-F[t,j])
    G[j] = F[t,j] / (1 + E[j])                F_bar[j] = E[j] sum_k W[k,j] Y_bar[k]
    W_bar[j,k] = G[j] Y_bar[k]                G[j] = F[t,j] / (1 + E[j])
    F_bar[j] = E[j] sum_k W[k,j] Y_bar[k]     W_bar[j,k] = G[j] Y_bar[k]

E need not be computed twice then, nor kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from derive.calculus.expressions.nodes import reduces
from derive.calculus.program.program import Equation, Program, Recurrence


def together(program: Program) -> Program:
    """The program whose steps have elementwise equations that share one after the other."""
    changed = [
        replace(one, equations=_together(one.equations)) if isinstance(one, Recurrence) else one
        for one in program.statements
    ]
    return program.with_statements(tuple(changed))


def _together(equations: tuple[Equation, ...]) -> tuple[Equation, ...]:
    found = list(equations)
    followed: set[str] = set()
    for one in equations:
        at = found.index(one)
        last = _sharer(one, found)
        if last is not None and one.name not in followed:
            moved = _after(one, found[at + 1 : last + 1])
            if moved is not None:
                followed.add(found[last].name)
                rest = [other for other in found[at + 1 : last + 1] if other not in moved]
                found[at : last + 1] = [*rest, one, *moved]
    return tuple(found)


def _sharer(one: Equation, equations: Sequence[Equation]) -> int | None:
    """The last elementwise equation after this one that reads an elementwise value which this one reads."""
    if not _elementwise(one):
        return None
    at = equations.index(one)
    shared = {
        other.name for other in equations[:at] if _elementwise(other) and _alike(other, one)
    } & one.reads
    later = [
        place
        for place, other in enumerate(equations)
        if place > at and _elementwise(other) and _alike(other, one) and shared & other.reads
    ]
    return later[-1] if later else None


def _after(one: Equation, between: Sequence[Equation]) -> tuple[Equation, ...] | None:
    """What between them needs this one; None where the last does."""
    names, moved = {one.name}, []
    for other in between:
        if names & other.reads:
            names.add(other.name)
            moved.append(other)
    return None if between[-1] in moved else tuple(moved)


def _elementwise(equation: Equation) -> bool:
    return not reduces(equation.value) and not equation.accumulates


def _alike(one: Equation, other: Equation) -> bool:
    return [n for _, n in one.ranges] == [n for _, n in other.ranges]

"""Waiting: what nothing in its step needs waits until what it is made of is at hand.

    O[t,j] = sum_q P[t,q] V[q,j]                  W_bar and O wait for what reads P:
    W_bar[j,k] = sum_t O[t,j] Y_bar[t,k]              R_bar[t,q] = P[t,q] ..
    R_bar[t,q] = P[t,q] ..                            O[t,j] = ..; W_bar[j,k] = ..
    X_bar[t,j] = .. Y_bar[t,j]                        X_bar[t,j] = .. Y_bar[t,j]

O is computed for W_bar alone, and from P, which the step has for R_bar: all that reads P is then together,
and a few rows of P are enough. What else W_bar reads must be needed later anyway: nothing is held longer.
"""

from __future__ import annotations

from dataclasses import replace

from derive.calculus.expressions.nodes import reduces
from derive.calculus.program.program import Equation, Program, Recurrence


def waiting(program: Program) -> Program:
    """The program whose steps compute last what nothing in them needs, where that lies near."""
    changed = [
        replace(one, equations=_waiting(one.equations)) if isinstance(one, Recurrence) else one
        for one in program.statements
    ]
    return program.with_statements(tuple(changed))


def _waiting(equations: tuple[Equation, ...]) -> tuple[Equation, ...]:
    found = list(equations)
    for one in equations:
        place = _place(one, found)
        if place is not None:
            own = _for_it_alone(one, found)
            before = [other for other in found[: place + 1] if other not in own]
            found = [*before, *own, *found[place + 1 :]]
    return tuple(found)


def _place(one: Equation, equations: list[Equation]) -> int | None:
    """After which equation one and what is computed for it alone may be; None where it is to stay."""
    own = _for_it_alone(one, equations)
    sums = [other for other in own if other is not one and reduces(other.value)]
    if any(one.name in other.reads for other in equations) or not sums or one.accumulates:
        return None
    made = {other.name for other in equations} - {other.name for other in own}
    shared = {name for other in sums for name in other.reads & made}
    place = max((_last_reader(name, own, equations) for name in shared), default=-1)
    beside = {name for other in own for name in other.reads & made} - shared
    held = all(_last_reader(name, own, equations) > place for name in beside)
    return place if held and place > equations.index(one) else None


def _for_it_alone(one: Equation, equations: list[Equation]) -> list[Equation]:
    """An equation and those that it alone needs, directly or not, in order."""
    own = [one]
    for other in reversed(equations[: equations.index(one)]):
        readers = [reader for reader in equations if other.name in reader.reads]
        alone = sum(each.name == other.name for each in equations) == 1
        if readers and alone and all(reader in own for reader in readers):
            own.insert(0, other)
    return own


def _last_reader(name: str, own: list[Equation], equations: list[Equation]) -> int:
    """The place of the last equation that reads a value, beside an equation's own; -1 where there is none."""
    readers = [n for n, other in enumerate(equations) if name in other.reads and other not in own]
    return max(readers, default=-1)

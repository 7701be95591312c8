"""Recomputation: the pullback computes again what is not kept of the forward half.

Kept: A1.                                        Not kept: Z2.

    A1[i,j] = sum_{p<n} X[i,p] W1[p,j]               A1[i,j] = sum_{p<n} X[i,p] W1[p,j]
    Z2[i,j] = where(A1[i,j] > 0, A1[i,j], 0)         Z2[i,j] = where(A1[i,j] > 0, A1[i,j], 0)
    L = sum_{i,j} Z2[i,j]                            L = sum_{i,j} Z2[i,j]
                                                     Z2_again[i,j] = where(A1[i,j] > 0, A1[i,j], 0)
    W2_bar[p,j] = sum_{i<m} Z2[i,p] H_bar[i,j]       W2_bar[p,j] = sum_{i<m} Z2_again[i,p] H_bar[i,j]

Of a recurrence the carried tensors stay, and the rest of a step is computed again at the head of the reversed
step that reads it:

    for t<T: A[t,j] = sum_q H[t,q] U[q,j];  H[t+1,j] = tanh(A[t,j])
    for t<T reversed: A_again[t,j] = sum_q H[t,q] U[q,j];  A_bar[t,j] = .. A_again[t,j] ..

`codegen.plan.keep` decides what is kept; what cannot be computed again is kept whatever it says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from codegen.passes.halves import Halves, halves
from codegen.passes.one_step import step_axis
from codegen.passes.verify import reads_of
from derive.calculus.expressions.substitution import substitute
from derive.calculus.program.compose import free_name
from derive.calculus.program.program import Equation, Program, Recurrence, Statement
from derive.calculus.program.renaming import renamed

AGAIN = "_again"


@dataclass(frozen=True)
class Again:
    """An equation of the forward half that may be computed again, and the recurrence that it stands in."""

    equation: Equation
    loop: Recurrence | None = None
    place: int = 0


def recompute(program: Program, seeds: Set[str], kept: Set[str]) -> Program:
    """The program whose pullback reads, of the forward half, what is kept alone."""
    parts = halves(program, seeds)
    candidates = computable(program, parts)
    again = recomputed(parts, candidates, kept)
    if not again:
        return program
    taken = set(program.tensors)
    names: dict[str, str] = {}
    for name in again:
        names[name] = free_name(name + AGAIN, taken)
        taken.add(names[name])
    backward = _inserted(parts.backward, [candidates[name] for name in again])
    declared = tuple(replace(program.tensor(name), name=names[name]) for name in again)
    pullback = renamed(replace(program, statements=backward), names)
    statements = (*parts.forward, *pullback.statements)
    return replace(program, statements=statements, locals=(*program.locals, *declared))


def computable(program: Program, parts: Halves) -> dict[str, Again]:
    """The tensors of the forward half that one equation defines, whole or one step at a time, in order."""
    found: dict[str, Again] = {}
    for statement in parts.forward:
        if isinstance(statement, Recurrence):
            for equation in statement.equations:
                place = step_axis(equation, statement.index)
                if place is not None:
                    found[equation.name] = Again(equation, statement, place)
        elif not statement.accumulates:
            found[statement.name] = Again(statement)
    return {name: again for name, again in found.items() if len(program.defining(name)) == 1}


def recomputed(parts: Halves, candidates: Mapping[str, Again], kept: Set[str]) -> tuple[str, ...]:
    """What the pullback computes again where `kept` is kept, in the order of the forward half."""
    stay = set(kept)
    while True:
        missing = _missing(parts, candidates, stay)
        forced = (
            missing - set(candidates)
            or {name for name in missing if not _read_along(candidates[name], parts)}
            or {name for name in missing if not _within_step(candidates[name], missing, candidates, parts)}
        )
        if not forced:
            return tuple(name for name in candidates if name in missing)
        stay |= forced


def _missing(parts: Halves, candidates: Mapping[str, Again], stay: Set[str]) -> set[str]:
    """What the pullback needs of the forward half, and what that needs, down to what stays."""
    needed: set[str] = set()
    waiting = list(parts.crossing - stay)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            if name in candidates:
                waiting += (candidates[name].equation.reads & parts.computed) - stay
    return needed


def _read_along(again: Again, parts: Halves) -> bool:
    """Whether the pullback reads a step of a recurrence in recurrences alone, at its own step."""
    if again.loop is None:
        return True
    readers = [statement for statement in parts.backward if again.equation.name in reads_of(statement)]
    return all(_runs_along(statement, again) for statement in readers)


def _within_step(again: Again, missing: Set[str], candidates: Mapping[str, Again], parts: Halves) -> bool:
    """Whether one recurrence of the pullback needs a tensor, and all that is made of it is of its step."""
    if again.loop is None:
        return True
    name = again.equation.name
    readers = [candidates[other] for other in missing if name in candidates[other].equation.reads]
    if not all(one.loop is again.loop and _at(one.equation, again, one.loop) for one in readers):
        return False
    return len(_homes(again, parts, missing, candidates)) == 1


def _runs_along(statement: Statement, again: Again) -> bool:
    """Whether a statement of the pullback has the steps of a tensor's recurrence, and reads its own."""
    assert again.loop is not None
    return (
        isinstance(statement, Recurrence)
        and statement.extent == again.loop.extent
        and all(_at(equation, again, statement) for equation in statement.equations)
    )


def _at(reader: Equation, again: Again, loop: Recurrence | None) -> bool:
    """Whether all that an equation reads of a tensor is of the step that a recurrence does."""
    name = again.equation.name
    return loop is not None and all(
        ref.indices[again.place] == loop.index for ref in reader.references if ref.name == name
    )


def _homes(again: Again, parts: Halves, missing: Set[str], candidates: Mapping[str, Again]) -> set[int]:
    """The statements of the pullback whose steps need a tensor, by position."""
    name = again.equation.name
    found = {place for place, statement in enumerate(parts.backward) if name in reads_of(statement)}
    for other in missing:
        if name in candidates[other].equation.reads:
            found |= _homes(candidates[other], parts, missing, candidates)
    return found


def _inserted(backward: Sequence[Statement], again: Sequence[Again]) -> tuple[Statement, ...]:
    """The pullback with each equation before the first that reads it; those of a step at the step's head."""
    found = list(backward)
    for one in reversed(again):
        place = next(n for n, statement in enumerate(found) if one.equation.name in reads_of(statement))
        reader = found[place]
        if one.loop is None:
            found.insert(place, one.equation)
        else:
            assert isinstance(reader, Recurrence)
            step = _moved(one.equation, one.loop, reader)
            found[place] = replace(reader, equations=(step, *reader.equations))
    return tuple(found)


def _moved(equation: Equation, loop: Recurrence, home: Recurrence) -> Equation:
    """An equation of one recurrence's step as one of another's."""
    step = {loop.index: home.index}
    target = substitute(equation.target, step)
    return replace(equation, target=target, value=substitute(equation.value, step))

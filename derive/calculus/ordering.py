"""Statements in an order in which each reads only what stands before it.

    r_dot[i] = -r[i]^2 mean_{q} C_dot[i,q] Xhat[i,q]        Xhat[i,j] = C[i,j] r[i]
    Xhat[i,j] = C[i,j] r[i]                                 r_dot[i] = ...
A tangent that was folded by a later definition moves behind it; nothing else moves.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from derive.calculus.activity import reads
from derive.calculus.program import Equation, Program, Recurrence, Statement
from derive.calculus.tensor import refs


def in_sequence(program: Program) -> Program:
    """The program with every statement behind all that define what it reads, where they do not need it."""
    statements = [_inside(statement) for statement in program.statements]
    missing = Counter(name for statement in statements for name in _names(statement))
    placed: list[Statement] = []
    waiting = list(statements)
    while waiting:
        following = _next(waiting, missing)
        waiting.remove(following)
        missing.subtract(_names(following))
        placed.append(following)
    return program.with_statements(tuple(placed))


def _next(waiting: list[Statement], missing: Counter[str]) -> Statement:
    """The first statement that needs none of the others; several that define one name keep their order."""
    before: set[str] = set()
    for statement in waiting:
        if (
            not any(missing[n] for n in _reads(statement) - _names(statement))
            and not _names(statement) & before
        ):
            return statement
        before |= _names(statement)
    return waiting[0]


def _equations(statement: Statement) -> tuple[Equation, ...]:
    return statement.equations if isinstance(statement, Recurrence) else (statement,)


def _names(statement: Statement) -> set[str]:
    return {equation.name for equation in _equations(statement)}


def _reads(statement: Statement) -> set[str]:
    return {name for equation in _equations(statement) for name in reads(equation)}


def _inside(statement: Statement) -> Statement:
    """The equations of a recurrence, each behind those whose element of this step it reads."""
    if not isinstance(statement, Recurrence):
        return statement
    placed: list[Equation] = []
    waiting = list(statement.equations)
    while waiting:
        ready = (
            e for e in waiting if not any(_needs(e, other, statement) for other in waiting if other != e)
        )
        placed.append(next(ready, waiting[0]))
        waiting.remove(placed[-1])
    return replace(statement, equations=tuple(placed))


def _needs(reader: Equation, definition: Equation, recurrence: Recurrence) -> bool:
    """Whether an equation reads what another defines in the same step."""
    step = [(n, i) for n, i in enumerate(definition.target.indices) if i.has(recurrence.index)]
    return any(
        ref.name == definition.name and all(ref.indices[place] == index for place, index in step)
        for ref in refs(reader.value)
    )

"""Statements in an order in which each reads only what stands before it.

    r_dot[i] = -r[i]^2 mean_{q} C_dot[i,q] Xhat[i,q]        Xhat[i,j] = C[i,j] r[i]
    Xhat[i,j] = C[i,j] r[i]                                 r_dot[i] = ...
A tangent that was folded by a later definition moves behind it; nothing else moves.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from derive.calculus.expressions.substitution import bound_names, freshened, substitute
from derive.calculus.expressions.tensor import refs
from derive.calculus.program.activity import reads
from derive.calculus.program.program import Equation, Program, Recurrence, Statement, equations_of


def in_sequence(program: Program) -> Program:
    """The program with every statement behind all that define what it reads, where they do not need it."""
    statements = [_inside(_opened(statement, program)) for statement in program.statements]
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


def _opened(statement: Statement, program: Program) -> Statement:
    """A recurrence without the names of what needs all of its steps: their definitions take their place."""
    if not isinstance(statement, Recurrence):
        return statement
    after = _following(statement, program)
    while True:
        opened = replace(statement, equations=tuple(_open(e, after) for e in statement.equations))
        if opened == statement:
            return statement
        statement = opened


def _following(recurrence: Recurrence, program: Program) -> dict[str, Equation]:
    """The equations outside of a recurrence that depend on what it defines, by name."""
    found: dict[str, Equation] = {}
    reached = _names(recurrence)
    before = -1
    while before < len(found):
        before = len(found)
        for statement in program.statements:
            if (
                isinstance(statement, Equation)
                and reads(statement) & reached
                and statement.name not in reached
            ):
                found[statement.name] = statement
                reached = reached | {statement.name}
    return found


def _open(equation: Equation, definitions: dict[str, Equation]) -> Equation:
    replaced = {}
    for ref in refs(equation.value):
        definition = definitions.get(ref.name)
        if definition is not None and definition.target.indices == definition.loops:
            bound = dict(zip(definition.loops, ref.indices, strict=True))
            taken = {str(s) for s in equation.value.free_symbols} | bound_names(equation.value)
            replaced[ref] = substitute(freshened(definition.value, taken), bound)
    return replace(equation, value=equation.value.xreplace(replaced)) if replaced else equation


def _names(statement: Statement) -> set[str]:
    return {equation.name for equation in equations_of(statement)}


def _reads(statement: Statement) -> set[str]:
    return {name for equation in equations_of(statement) for name in reads(equation)}


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

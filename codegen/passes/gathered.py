"""Gathered: what each step of a recurrence determines alone is computed in that step.

    for t<T reversed:                                      for t<T reversed:
        B_bar[t,j] = H_bar[t+1,j] (1 - H[t+1,j]^2)             B_bar[t,j] = H_bar[t+1,j] (1 - H[t+1,j]^2)
    W_bar[t,p,j] = H[t,p] B_bar[t,j]   [t<T,p<d,j<d]           W_bar[t,p,j] = H[t,p] B_bar[t,j]   [p<d,j<d]

What it reads is still in cache; and where nothing else reads B_bar, one step of it is all that is stored
(`one_step`).
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr

from derive.calculus.program import Equation, Program, Recurrence, Statement
from derive.calculus.tensor import Index


def gathered(program: Program) -> Program:
    """The program whose recurrences compute what follows from each of their steps."""
    statements = list(program.statements)
    for place, loop in enumerate(statements):
        if isinstance(loop, Recurrence):
            statements[place:] = _with_steps(loop, statements[place + 1 :], program)
    return program.with_statements(tuple(statements))


def _with_steps(loop: Recurrence, rest: list[Statement], program: Program) -> list[Statement]:
    """The recurrence with what it takes from the statements that follow it, and the others."""
    left: list[Statement] = []
    late: set[str] = set()
    for statement in rest:
        inside = _inside(statement, loop, late, program) if isinstance(statement, Equation) else None
        if inside is None:
            left.append(statement)
            late |= _names(statement)
        else:
            loop = replace(loop, equations=(*loop.equations, inside))
    return [loop, *left]


def _names(statement: Statement) -> set[str]:
    equations = statement.equations if isinstance(statement, Recurrence) else (statement,)
    return {equation.name for equation in equations}


def _inside(equation: Equation, loop: Recurrence, late: set[str], program: Program) -> Equation | None:
    """The equation as one of a step; None where a step does not determine it."""
    alone = len(program.defining(equation.name)) == 1 and not equation.accumulates
    if not alone or equation.reads & late - _names(loop) or not equation.reads & _names(loop):
        return None
    for index, extent in equation.ranges:
        inside = _at_step(equation, index, loop) if extent == loop.extent else None
        if inside is not None and _reads_its_step(inside, loop):
            return inside
    return None


def _at_step(equation: Equation, index: Index, loop: Recurrence) -> Equation | None:
    """The equation at one place of a loop index, which is the step."""
    if index != loop.index and (equation.value.has(loop.index) or loop.index in equation.loops):
        return None
    if list(equation.target.indices).count(index) != 1:
        return None
    ranges = tuple((other, extent) for other, extent in equation.ranges if other != index)
    if any(extent.has(index) for _, extent in ranges):
        return None
    swap: dict[Expr, Expr] = {index: loop.index}
    target = equation.target.xreplace(swap)
    return replace(equation, target=target, value=equation.value.xreplace(swap), ranges=ranges)


def _reads_its_step(equation: Equation, loop: Recurrence) -> bool:
    """Whether all that it reads of the recurrence is what the step itself wrote."""
    return all(
        ref.indices[place] == at
        for ref in equation.references
        for one in loop.equations
        if one.name == ref.name
        for place, at in enumerate(one.target.indices)
        if at.has(loop.index)
    )

"""Mutations: programs that differ from a derived one in one place. Each must be caught by an oracle.

A mutant that no oracle catches either shows a gap in the oracles, or changes nothing for any input: then
what was changed was redundant and should not have been in the program. `survivors` returns both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from derive.calculus.expressions.nodes import Range
from derive.calculus.expressions.tensor import Ref
from derive.calculus.program.program import Equation, Program, Recurrence, Statement, equations_of
from derive.check.variants import variants


@dataclass(frozen=True)
class Mutant:
    """One statement changed in one place; None where it is left out."""

    position: int
    statement: Statement | None
    done: str

    def __str__(self) -> str:
        return self.done

    def of(self, program: Program) -> Program:
        """The mutated program."""
        changed = () if self.statement is None else (self.statement,)
        before, after = program.statements[: self.position], program.statements[self.position + 1 :]
        return program.with_statements((*before, *changed, *after))


def mutants(program: Program, mark: str = "_bar") -> Iterator[Mutant]:
    """Every one-place mutant of the equations whose names have the mark of what is derived, in a fixed order.

    The others are the definition, to which the oracles compare, and shifts that are proved to change nothing.
    """
    for position, statement in enumerate(program.statements):
        if not any(mark in equation.name for equation in equations_of(statement)):
            continue
        if isinstance(statement, Equation):
            yield Mutant(position, None, f"{statement.name}: equation dropped")
            for done, equation in _equations(program, statement, ()):
                yield Mutant(position, equation, f"{statement.name}: {done}")
        else:
            yield from _recurrences(program, position, statement, mark)


def _recurrences(program: Program, position: int, statement: Recurrence, mark: str) -> Iterator[Mutant]:
    head = f"recurrence over {statement.index}"
    yield Mutant(position, replace(statement, reverse=not statement.reverse), f"{head}: direction turned")
    for step in (1, -1):
        extent = statement.extent + step
        yield Mutant(position, replace(statement, extent=extent), f"{head}: extent {extent}")
    for place, equation in enumerate(statement.equations):
        if mark not in equation.name:
            continue
        before, after = statement.equations[:place], statement.equations[place + 1 :]
        dropped = replace(statement, equations=(*before, *after))
        yield Mutant(position, dropped, f"{equation.name}: equation dropped")
        for done, changed in _equations(program, equation, ((statement.index, statement.extent),)):
            mutated = replace(statement, equations=(*before, changed, *after))
            yield Mutant(position, mutated, f"{equation.name}: {done}")


def _equations(
    program: Program, equation: Equation, outer: Sequence[Range]
) -> Iterator[tuple[str, Equation]]:
    scope = (*(index for index, _ in outer), *equation.loops)
    yield "sign flipped", replace(equation, value=-equation.value)
    yield "doubled", replace(equation, value=2 * equation.value)
    for done, value in variants(equation.value, scope, program.tensors):
        yield done, replace(equation, value=value)
    for place, (index, extent) in enumerate(equation.ranges):
        for step in (1, -1):
            ranges = (*equation.ranges[:place], (index, extent + step), *equation.ranges[place + 1 :])
            yield f"range {index}<{extent} -> {index}<{extent + step}", replace(equation, ranges=ranges)
    for done, target in variants(equation.target, scope, program.tensors):
        if isinstance(target, Ref) and target.name == equation.name:
            yield f"target {done}", replace(equation, target=target)

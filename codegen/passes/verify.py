"""What every program must be, checked between passes.

each name is defined once, or by a boundary and a step, or by equations that accumulate
each reference is declared, has as many indices as axes, and is defined before it is read
each index is bound by a loop or a reduction
"""

from __future__ import annotations

from collections.abc import Iterator, Set

from sympy.core.basic import Basic

from derive.calculus.expressions.nodes import free_indices
from derive.calculus.expressions.tensor import Index, Tensor
from derive.calculus.program.program import Equation, Program, Recurrence, Statement, equations_of


class BrokenProgram(AssertionError):
    """A pass made a program that means nothing: a bug of ours, never of an input."""


def verify(program: Program, after: str) -> Program:
    """The program itself; BrokenProgram, naming the pass, where it is not one."""
    for complaint in complaints(program):
        raise BrokenProgram(f"after {after}, {program.name}: {complaint}\n{program}")
    return program


def complaints(program: Program) -> Iterator[str]:
    """Everything wrong with a program."""
    tensors = program.tensors
    yield from _twice(program)
    defined = {tensor.name for tensor in program.inputs}
    for statement in program.statements:
        yield from _undefined(statement, defined)
        defined |= names_of(statement)
        for equation, outer in _with_loops(statement):
            yield from _misused(tensors, equation, outer)
    yield from (f"output {name} is not defined" for name in program.outputs if name not in defined)


def names_of(statement: Statement) -> set[str]:
    """The names that a statement defines."""
    return {equation.name for equation in equations_of(statement)}


def reads_of(statement: Statement) -> set[str]:
    """The names that a statement reads, in values, ranges and target indices."""
    return {name for equation in equations_of(statement) for name in equation.reads}


def _with_loops(statement: Statement) -> Iterator[tuple[Equation, set[Basic]]]:
    outer: set[Basic] = {statement.index} if isinstance(statement, Recurrence) else set()
    for equation in equations_of(statement):
        yield equation, outer


def _twice(program: Program) -> Iterator[str]:
    inputs = {tensor.name for tensor in program.inputs}
    seen: dict[str, list[Equation]] = {}
    for equation in program.equations():
        if equation.name in inputs:
            yield f"input {equation.name} is assigned"
        for other in seen.setdefault(equation.name, []):
            if not equation.accumulates and equation.target.indices == other.target.indices:
                yield f"{equation.name} is defined twice"
        seen[equation.name].append(equation)


def _undefined(statement: Statement, defined: set[str]) -> Iterator[str]:
    known = defined | (names_of(statement) if isinstance(statement, Recurrence) else set())
    yield from (f"{name} is read before it is defined" for name in sorted(reads_of(statement) - known))


def _misused(tensors: dict[str, Tensor], equation: Equation, outer: set[Basic]) -> Iterator[str]:
    for ref in (equation.target, *equation.references):
        if ref.name not in tensors:
            yield f"{ref} is not declared"
        elif len(ref.indices) != len(tensors[ref.name].axes):
            yield f"{ref} has {len(ref.indices)} indices but {tensors[ref.name]}"
    for index in equation.open_indices - outer:
        yield f"index {index} of {equation.target} is not bound"


def unbound(expression: Basic, scope: Set[Basic]) -> Set[Index]:
    """The indices that neither a loop nor a reduction binds."""
    return free_indices(expression) - scope

"""One step: what only its own step of a recurrence reads has no axis for the steps.

    for t<T:                                          for t<T:
        B[t,j] = sum_{q<d} H[t,q] U[q,j]    [j<d]         B[j] = sum_{q<d} H[t,q] U[q,j]    [j<d]
        H[t+1,j] = tanh(B[t,j])             [j<d]         H[t+1,j] = tanh(B[j])             [j<d]

d numbers for B instead of T d.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from sympy import Expr
from sympy.core.basic import Basic

from derive.calculus.expressions.tensor import Index, Kind, Ref, Tensor
from derive.calculus.program.program import Equation, Program, Recurrence, map_equations


def one_step(program: Program, kept: Set[str] = frozenset()) -> Program:
    """The program whose recurrences hold one step of what only that step reads; `kept` stay whole."""
    places = _places(program, {*program.outputs, *kept})
    if not places:
        return program
    changed = map_equations(program, lambda equation: _narrowed(equation, places))
    return replace(changed, locals=tuple(_tensor(tensor, places) for tensor in program.locals))


def step_axis(equation: Equation, index: Index) -> int | None:
    """Which axis of an equation's target is the step itself; None where none is, or another is written."""
    steps = [place for place, at in enumerate(equation.target.indices) if at.has(index)]
    alone = len(steps) == 1 and equation.target.indices[steps[0]] == index
    return steps[0] if alone and not equation.accumulates else None


def _places(program: Program, whole: Set[str]) -> dict[str, int]:
    """The tensors that lose an axis, and which."""
    found: dict[str, int] = {}
    for statement in program.statements:
        if isinstance(statement, Recurrence):
            for position, equation in enumerate(statement.equations):
                place = step_axis(equation, statement.index)
                real = program.tensor(equation.name).kind is Kind.REAL
                if place is not None and real and equation.name not in whole:
                    before, later = statement.equations[:position], statement.equations[position + 1 :]
                    parts = (*(one for one in before if one.name == equation.name), equation)
                    if all(step_axis(one, statement.index) == place for one in parts) and _own_step_reads(
                        program, parts, later, place, statement.index
                    ):
                        found[equation.name] = place
    return found


def _own_step_reads(
    program: Program, parts: tuple[Equation, ...], later: tuple[Equation, ...], place: int, index: Index
) -> bool:
    """Whether nothing but the equations after its last in the step reads it, and those at their own step."""
    name = parts[0].name
    readers = [other for other in program.equations() if name in other.reads]
    return (
        len(program.defining(name)) == len(parts)
        and all(any(reader is one for one in later) for reader in readers)
        and all(at.indices[place] == index for one in readers for at in one.references if at.name == name)
    )


def _narrowed(equation: Equation, places: dict[str, int]) -> Equation:
    changed: dict[Basic, Basic] = {}
    for ref in {*equation.references, equation.target}:
        if ref.name in places:
            changed[ref] = Ref(ref.name, *_without(ref.indices, places[ref.name]))
    if not changed:
        return equation
    target = changed.get(equation.target, equation.target)
    assert isinstance(target, Ref)
    return replace(equation, target=target, value=equation.value.xreplace(changed))


def _tensor(tensor: Tensor, places: dict[str, int]) -> Tensor:
    if tensor.name not in places:
        return tensor
    place = places[tensor.name]
    return replace(tensor, axes=(*tensor.axes[:place], *tensor.axes[place + 1 :]))


def _without(indices: tuple[Expr, ...], place: int) -> tuple[Expr, ...]:
    return (*indices[:place], *indices[place + 1 :])

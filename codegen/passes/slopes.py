"""Slopes: what a cotangent is multiplied by is computed in the forward step, where its parts are at hand.

    for l<L:                                          for l<L:
        E[l,i] = exp(-|F[l,i]|)                           E[l,i] = exp(-|F[l,i]|)
        G[l,i] = F[l,i]/(1 + E[l,i])                      G[l,i] = F[l,i]/(1 + E[l,i])
                                                          F_slope[l,i] = (1 + E[l,i] (..) F[l,i])/(..)
    for l<L reversed:                                 for l<L reversed:
        F_bar[l,i] = G_bar[l,i] (1 + ..)/(..)             F_bar[l,i] = G_bar[l,i] F_slope[l,i]

Where nothing else of the pullback reads two or more of the parts: one array of all steps instead of those.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Add, Expr, Integer, Mul

from derive.calculus.expressions.nodes import Reduction, Where
from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.tensor import Ref, Tensor
from derive.calculus.program.compose import free_name
from derive.calculus.program.program import Equation, Program, Recurrence

FEWEST = 2  # arrays that go for the one that comes


def slopes(program: Program) -> Program:
    """The program with such slopes, each an array of all steps."""
    for place, loop in enumerate(program.statements):
        if isinstance(loop, Recurrence) and loop.reverse:
            for number in range(len(loop.equations)):
                program = _with_slope(program, place, number)
    return program


def _with_slope(program: Program, place: int, number: int) -> Program:
    """The program with the slope of one equation of a reversed loop, if it is worth an array."""
    loop = program.statements[place]
    assert isinstance(loop, Recurrence)
    equation = loop.equations[number]
    bar, forward = _cotangent(loop, equation), _forward(program, loop, equation)
    slope = None if bar is None else slope_of(equation.value, bar)
    if bar is None or slope is None or forward is None:
        return program
    name = free_name(f"{equation.name.removesuffix('_bar')}_slope", set(program.tensors))
    target = Ref(name, *equation.target.indices)
    last = max(k for k, each in enumerate(forward.equations) if each.name in equation.reads)
    inserted = _inserted(forward.equations, last + 1, Equation(target, equation.ranges, slope))
    pulled = replace(equation, value=bar * target)
    changed = {
        id(forward): replace(forward, equations=inserted),
        id(loop): replace(loop, equations=(*loop.equations[:number], pulled, *loop.equations[number + 1 :])),
    }
    statements = tuple(changed.get(id(each), each) for each in program.statements)
    return program.with_statements(statements, [Tensor(name, program.tensor(equation.name).axes)])


def _inserted(equations: tuple[Equation, ...], place: int, one: Equation) -> tuple[Equation, ...]:
    return (*equations[:place], one, *equations[place:])


def slope_of(value: Expr, bar: Ref) -> Expr | None:
    """c of value = c bar, by its terms and factors; None where it is something else."""
    if value == bar:
        return Integer(1)
    if isinstance(value, Mul):
        own = [factor for factor in value.args if factor.has(bar)]
        inner = slope_of(own[0], bar) if len(own) == 1 else None
        return None if inner is None else Mul(inner, *(factor for factor in value.args if factor not in own))
    if isinstance(value, Add):
        parts = [slope_of(term, bar) for term in value.args]
        return None if None in parts else Add(*parts)
    if isinstance(value, Where) and value.other == 0 and not value.condition.has(bar):
        inner = slope_of(value.chosen, bar)
        return None if inner is None else Where(value.condition, inner, 0)
    return None


def _cotangent(loop: Recurrence, equation: Equation) -> Ref | None:
    """The one element that an equation reads of its own loop, with the equation's own indices."""
    own = {each.name for each in loop.equations}
    read = [ref for ref in equation.references if ref.name in own]
    if len(read) != 1 or equation.accumulates or holds(equation.value, Reduction):
        return None
    return read[0] if set(read[0].indices) | {loop.index} == set(equation.target.indices) else None


def _forward(program: Program, loop: Recurrence, equation: Equation) -> Recurrence | None:
    """The loop that computes what the slope is made of, where nothing else after it reads enough of that."""
    free = [ref for ref in equation.references if _is_of_step(program, ref, loop, equation)]
    loops = [each for each in program.statements if isinstance(each, Recurrence) and not each.reverse]
    for each in loops:
        own = {one.name for one in each.equations}
        gone = [ref for ref in free if ref.name in own and _is_read_once_after(program, ref.name, each)]
        alike = each.index == loop.index and each.extent == loop.extent
        known = own | {equation.name} | {one.name for one in loop.equations}
        outside = {ref.name for ref in equation.references} - known - {t.name for t in program.inputs}
        if alike and len(gone) >= FEWEST and not outside:
            return each
    return None


def _is_of_step(program: Program, ref: Ref, loop: Recurrence, equation: Equation) -> bool:
    """Whether an element is of this step, and its tensor as large as the equation's."""
    definitions = program.defining(ref.name)
    if not definitions or set(ref.indices) != set(equation.target.indices) or loop.index not in ref.indices:
        return False
    return all(set(one.target.indices) == {*one.loops, loop.index} for one in definitions)


def _is_read_once_after(program: Program, name: str, forward: Recurrence) -> bool:
    """Whether the forward loop reads a tensor at its own step alone, and one equation after it."""
    if name in program.outputs:
        return False
    readers = [each for each in program.equations() if name in each.reads]
    inside = [each for each in readers if any(each is one for one in forward.equations)]
    steps = [ref for each in inside for ref in each.references if ref.name == name]
    return len(inside) + 1 == len(readers) and all(forward.index in ref.indices for ref in steps)

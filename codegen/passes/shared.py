"""Shared: an elementwise value with a division that two equations compute has a name.

G[l,i] = F[l,i] (C[l,i] - C[l,i] E[l,i]/(1 + E[l,i]))       Q[l,i] = C[l,i] - C[l,i] E[l,i]/(1 + E[l,i])
F_bar[l,i] = G_bar[l,i] (C[l,i] - C[l,i] E[l,i]/(..))       G[l,i] = F[l,i] Q[l,i]
                                                            F_bar[l,i] = G_bar[l,i] Q[l,i]
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from sympy import Add, Expr, Pow, preorder_traversal

from derive.calculus.expressions.nodes import Reduction, Where, free_indices
from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.tensor import Axis, Ref, Tensor, refs
from derive.calculus.program.compose import free_name
from derive.calculus.program.program import Equation, Program, Recurrence, Statement, map_equations


def shared(program: Program) -> Program:
    """The program in which such values are computed once."""
    counts = Counter(node for equation in program.equations() for node in _candidates(equation))
    for value in sorted((node for node, count in counts.items() if count > 1), key=str):
        program = _named(program, value)
    return program


def _candidates(equation: Equation) -> set[Expr]:
    """Sums of elements with a division among them; of a sum in a sum the outer one."""
    if equation.accumulates or holds(equation.value, Reduction):
        return set()
    sums = [node for node in preorder_traversal(equation.value) if isinstance(node, Add) and _divides(node)]
    inner = {part for node in sums for part in preorder_traversal(node) if part is not node}
    return {node for node in sums if node not in inner}


def _divides(value: Add) -> bool:
    divisors = [
        node
        for node in preorder_traversal(value)
        if isinstance(node, Pow) and node.exp.is_negative and len(refs(node.base)) > 0
    ]
    return bool(divisors) and not holds(value, Where)


def _named(program: Program, value: Expr) -> Program:
    """The program with a name for the value, computed where it is read first."""
    first = next(equation for equation in program.equations() if equation.value.has(value))
    free = free_indices(value)
    loop = next((s for s in program.statements if isinstance(s, Recurrence) and first in s.equations), None)
    extents = dict(first.ranges) | ({loop.index: loop.extent} if loop is not None else {})
    if not free <= set(extents):
        return program
    indices = tuple(index for index in extents if index in free)
    if loop is not None and loop.index in free:
        indices = (loop.index, *(index for index in indices if index != loop.index))
    name = free_name("Q", set(program.tensors))
    whole = Ref(name, *indices)
    ranges = tuple((index, extents[index]) for index in indices if loop is None or index != loop.index)
    definition = Equation(whole, ranges, value, given=True)
    changed = map_equations(program, lambda equation: _reading(equation, value, whole))
    statements = _inserted(changed, program, first, definition)
    tensor = Tensor(name, tuple(Axis(str(index), extents[index]) for index in indices))
    return changed.with_statements(statements, [tensor])


def _reading(equation: Equation, value: Expr, name: Ref) -> Equation:
    if not equation.value.has(value):
        return equation
    return replace(equation, value=equation.value.xreplace({value: name}))


def _inserted(
    changed: Program, program: Program, first: Equation, definition: Equation
) -> tuple[Statement, ...]:
    """The statements with the definition before its first reader."""
    found: list[Statement] = []
    for now, before in zip(changed.statements, program.statements, strict=True):
        if isinstance(now, Recurrence) and isinstance(before, Recurrence):
            place = next((k for k, one in enumerate(before.equations) if one is first), None)
            equations = list(now.equations)
            if place is not None:
                equations.insert(place, definition)
            found.append(replace(now, equations=tuple(equations)))
            continue
        if before is first:
            found.append(definition)
        found.append(now)
    return tuple(found)

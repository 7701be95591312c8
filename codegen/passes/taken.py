"""Taken: what a step computes from a residual that it reads for the last time is of that step, as that is.

    for l<L reversed:                                  for l<L reversed:
        F_bar[j] = G_bar[j] exp(F[l,j])                    F_bar[l,j] = G_bar[j] exp(F[l,j])

F_bar[l] may lie where F[l] lay then, element by element.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace

from sympy.core.basic import Basic

from derive.calculus.expressions.nodes import reduces
from derive.calculus.expressions.tensor import Axis, Ref, Tensor
from derive.calculus.program.program import Equation, Program, Recurrence


def taken(program: Program, hosts: Mapping[str, str]) -> Program:
    """The program in which each of these has an axis for the steps, as its host has."""
    changed = tuple(
        replace(one, equations=tuple(_moved(each, hosts, one) for each in one.equations))
        if isinstance(one, Recurrence)
        else one
        for one in program.statements
    )
    declared = tuple(_tensor(t, program, hosts) for t in program.locals)
    return replace(program, statements=changed, locals=declared)


def hosts_of(program: Program, residuals: Set[str]) -> dict[str, str]:
    """What may take the place of a residual, each with that."""
    found: dict[str, str] = {}
    for loop in (one for one in program.statements if isinstance(one, Recurrence)):
        for one in loop.equations:
            for host in sorted(one.reads & residuals - set(found.values())):
                if one.name not in found and _takes(one, host, loop, program):
                    found[one.name] = host
    return found


def _takes(one: Equation, host: str, loop: Recurrence, program: Program) -> bool:
    """Whether a value of one step alone is the last that follows from a residual, at its own place."""
    shapes = program.tensor(one.name).shape, program.tensor(host).shape[1:]
    if reduces(one.value) or one.accumulates or shapes[0] != shapes[1] or one.name in program.outputs:
        return False
    if one.target.has(loop.index) or len(program.defining(one.name)) > 1:
        return False
    readers = [other for other in program.equations() if host in other.reads]
    if any(other not in loop.equations for other in readers):
        return False
    own = {ref.indices for ref in one.references if ref.name == host}
    steps = {ref.indices[0] for other in readers for ref in other.references if ref.name == host}
    if own != {(loop.index, *one.target.indices)} or steps != {loop.index}:
        return False
    place, last = loop.equations.index(one), max(loop.equations.index(other) for other in readers)
    between = loop.equations[place + 1 : last + 1]
    return all(not reduces(other.value) and one.name not in other.reads for other in between)


def _moved(equation: Equation, hosts: Mapping[str, str], loop: Recurrence) -> Equation:
    """An equation that reads and writes these at their step."""
    changed: dict[Basic, Basic] = {
        ref: Ref(ref.name, loop.index, *ref.indices)
        for ref in (equation.target, *equation.references)
        if ref.name in hosts
    }
    if not changed:
        return equation
    target = changed.get(equation.target, equation.target)
    assert isinstance(target, Ref)
    return replace(equation, target=target, value=equation.value.xreplace(changed))


def _tensor(tensor: Tensor, program: Program, hosts: Mapping[str, str]) -> Tensor:
    if tensor.name not in hosts:
        return tensor
    step: Axis = program.tensor(hosts[tensor.name]).axes[0]
    return replace(tensor, axes=(step, *tensor.axes))

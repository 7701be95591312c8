"""Outputs that may lie where an input lies: each element is made of that one element of the input.

    m_new[i] = G[i] (1 - beta1) + beta1 m[i]      m_new may be the array m
    W_new[i] = W[i] - lr m_new[i]                 W_new may be W

All that reads the input must read the target's own element, none of it in a sum, no later than the output is
made: then, in whatever order elements are computed, none is read that is written over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from derive.calculus.expressions.nodes import reduces
from derive.calculus.expressions.tensor import Kind, Tensor
from derive.calculus.program.program import Equation, Program, Recurrence

Hosts: TypeAlias = Mapping[str, tuple[str, ...]]
"""Outputs, each with the inputs where it may lie."""
REALS = (Kind.REAL, Kind.STATE)


def overwriting(program: Program) -> Hosts:
    """The outputs that may lie where an input lies."""
    found = {name: tuple(_hosts(program.tensor(name), program)) for name in program.outputs}
    return {name: hosts for name, hosts in found.items() if hosts}


def _hosts(output: Tensor, program: Program) -> Iterator[str]:
    """The inputs that an output may lie on."""
    for tensor in program.inputs:
        alike = tensor.shape == output.shape and {tensor.kind, output.kind} <= set(REALS)
        if output.axes and alike and _made_of(output.name, tensor.name, program):
            yield tensor.name


def _made_of(output: str, given: str, program: Program) -> bool:
    """Whether every equation that reads an input does so element by element, and the output's is the last."""
    reading = [one for one in program.statements if given in _reads(one)]
    last = reading[-1] if reading else None
    alone = isinstance(last, Equation) and (last,) == program.defining(output)
    return alone and all(isinstance(one, Equation) and _by_element(one, given) for one in reading)


def _reads(statement: Equation | Recurrence) -> frozenset[str]:
    if isinstance(statement, Equation):
        return statement.reads
    return frozenset[str]().union(*(one.reads for one in statement.equations))


def _by_element(equation: Equation, name: str) -> bool:
    """Whether an equation reads of a tensor the element that it makes, each once."""
    target = equation.target.indices
    own = [ref for ref in equation.references if ref.name == name]
    each = sorted(target, key=str) == sorted(equation.loops, key=str)
    return each and not reduces(equation.value) and all(ref.indices == target for ref in own)

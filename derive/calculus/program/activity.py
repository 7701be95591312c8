"""Which tensors a derivative passes through: they depend on what is varied, and the output on them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from derive.calculus.expressions.tensor import refs
from derive.calculus.program.program import Equation, Program, real_names


@cache
def reads(equation: Equation) -> frozenset[str]:
    """The tensors that an equation reads, its target's indices included."""
    found = {ref.name for ref in refs(equation.value)}
    for index in equation.target.indices:
        found |= {ref.name for ref in refs(index)}
    return frozenset(found)


def varying(program: Program, wrt: Iterable[str]) -> frozenset[str]:
    """The real tensors that depend on `wrt`."""
    found, real = set(wrt), real_names(program)
    before = -1
    while before < len(found):  # again, for what a recurrence reads before it is written
        before = len(found)
        for equation in program.equations():
            if equation.name in real and not equation.frozen and reads(equation) & found:
                found.add(equation.name)
    return frozenset(found)


def reaching(program: Program, outputs: Iterable[str]) -> frozenset[str]:
    """The tensors that the outputs depend on."""
    found = set(outputs)
    before = -1
    while before < len(found):
        before = len(found)
        for equation in reversed(list(program.equations())):
            if equation.name in found:
                found |= reads(equation)
    return frozenset(found)


def active(program: Program, wrt: Iterable[str], outputs: Iterable[str]) -> frozenset[str]:
    """The tensors between `wrt` and the outputs."""
    return varying(program, wrt) & reaching(program, outputs)

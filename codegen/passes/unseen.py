"""Unseen: what neither a maximum nor the exponentials below it read is minus infinity in the scores.

    R[t,s] = sum_n A[t,n] B[s,n]                        R[t,s] = where(t >= s, sum_n A[t,n] B[s,n], -oo)
    M[t] = max_r where(t >= r, R[t,r], -oo)             M[t] = max_r R[t,r]
    E[t,s] = where(t >= s, exp(R[t,s] - M[t]), 0)       E[t,s] = exp(R[t,s] - M[t])

One pass over a mask instead of two, for programs of whole arrays. Each row has a place that is seen; where
its maximum is no number, or infinite, the row is no number with the guard either.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from sympy import exp, oo
from sympy.core.basic import Basic

from codegen.passes.masks import falling
from derive.calculus.expressions.nodes import Largest, Nonnegative, Where
from derive.calculus.expressions.tensor import Index, Ref, refs
from derive.calculus.program.program import Equation, Program, map_equations


@dataclass(frozen=True)
class Scores:
    """The equation of the scores, of their maximum, and of the exponentials."""

    scores: Equation
    largest: Equation
    exponentials: Equation
    condition: Basic


def unseen(program: Program) -> Program:
    """The program with such scores."""
    for equation in tuple(program.equations()):
        found = _scores(program, equation)
        if found is not None:
            program = map_equations(program, partial(_changed, found=found))
    return program


def _changed(equation: Equation, found: Scores) -> Equation:
    value = equation.value
    if equation is found.scores:
        return replace(equation, value=Where(found.condition, value, -oo))
    if equation is found.largest and isinstance(value, Largest) and isinstance(value.body, Where):
        return replace(equation, value=Largest(value.body.chosen, *value.ranges))
    if equation is found.exponentials and isinstance(value, Where):
        return replace(equation, value=value.chosen)
    return equation


def _scores(program: Program, largest: Equation) -> Scores | None:
    """The three equations, by that of the maximum."""
    value = largest.value
    if not isinstance(value, Largest) or not isinstance(value.body, Where) or len(value.ranges) != 1:
        return None
    inner, ((index, _),) = value.body, value.ranges
    if not isinstance(inner.chosen, Ref) or inner.other != -oo or not _is_of_places(inner.condition, index):
        return None
    name = inner.chosen.name
    made, readers = program.defining(name), [one for one in program.equations() if name in one.reads]
    if len(made) != 1 or len(readers) != 2 or name in program.outputs or made[0].accumulates:
        return None
    condition = _at(inner.condition, inner.chosen, made[0].target)
    own = next((one for one in readers if one is not largest), None)
    if condition is None or own is None or not _are_exponentials(own, made[0], condition, largest):
        return None
    return Scores(made[0], largest, own, condition)


def _is_of_places(condition: Basic, index: Index) -> bool:
    """Whether it compares places, and holds at place 0 of every row."""
    return isinstance(condition, Nonnegative) and not refs(condition) and index in falling(condition)


def _at(condition: Basic, read: Ref, whole: Ref) -> Basic | None:
    """A condition on the elements read as one on those of the equation that defines them."""
    if not all(isinstance(at, Index) for at in (*read.indices, *whole.indices)):
        return None
    return condition.xreplace(dict(zip(read.indices, whole.indices, strict=True)))


def _are_exponentials(equation: Equation, scores: Equation, condition: Basic, largest: Equation) -> bool:
    """E = where(c, exp(R - M), 0)."""
    value = equation.value
    if not isinstance(value, Where) or value.other != 0 or not isinstance(value.chosen, exp):
        return False
    read = [ref for ref in refs(value) if ref.name == scores.name]
    tops = [ref for ref in refs(value) if ref.name == largest.name]
    if len(read) != 1 or len(tops) != 1 or value.chosen.args[0] != read[0] - tops[0]:
        return False
    swap = dict(zip(scores.target.indices, read[0].indices, strict=True))
    row = tuple(at.xreplace(swap) for at in largest.target.indices)
    return condition.xreplace(swap) == value.condition and tops[0].indices == row

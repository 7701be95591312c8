"""Ties of a maximum: y = max_q x[q] has dy/dx[q] = [x[q] = y]/count, count = sum_q [x[q] = y].

The count is an equation of its own, so that it is computed once for each maximum.
"""

from __future__ import annotations

from dataclasses import replace

from derive.calculus.nodes import Largest
from derive.calculus.partials import ties
from derive.calculus.program import Equation
from derive.calculus.tensor import Kind, Ref, Tensor


def tie_count(equation: Equation, tensor: Tensor) -> tuple[Equation, Tensor] | None:
    """The equation of the count of ties, where an equation's value is a maximum."""
    if not isinstance(equation.value, Largest):
        return None
    count = replace(tensor, name=equation.name + "_ties", kind=Kind.REAL)
    target = Ref(count.name, *equation.target.indices)
    return Equation(target, equation.ranges, ties(equation.value, equation.target)), count


def named_maximum(equation: Equation) -> tuple[Ref, Ref] | None:
    """The maximum that an equation defines, and its count of ties."""
    if not isinstance(equation.value, Largest):
        return None
    return equation.target, Ref(equation.name + "_ties", *equation.target.indices)

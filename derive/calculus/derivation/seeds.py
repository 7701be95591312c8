"""Cotangents that are known: L_bar = 1, so that a pullback of a loss is its gradient.

H_bar[i,j] = (S[i,j] - [j = y[i]]) L_bar/m        H_bar[i,j] = (S[i,j] - [j = y[i]])/m
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sympy import Integer

from derive.calculus.expressions.normal import normal
from derive.calculus.expressions.tensor import refs
from derive.calculus.program.program import Equation, Program, map_equations


def with_unit_seeds(joint: Program, seeds: Sequence[str]) -> Program:
    """The program with every element of the seeds 1; they are inputs no more."""

    def with_ones(equation: Equation) -> Equation:
        ones = {ref: Integer(1) for ref in refs(equation.value) if ref.name in seeds}
        if not ones:
            return equation
        return replace(equation, value=normal(equation.value.xreplace(ones), dict(equation.ranges)))

    inputs = tuple(tensor for tensor in joint.inputs if tensor.name not in seeds)
    return replace(map_equations(joint, with_ones), inputs=inputs)

"""Differences that cancel, replaced by the function that has them whole: the rows of `rules/stable.py`."""

from __future__ import annotations

from dataclasses import replace

from derive.calculus.program import Equation, Program, map_equations
from derive.calculus.rules.rewriting import rewritten
from derive.calculus.rules.stable import ROWS


def differences(program: Program) -> Program:
    """The program with every such difference replaced.

    Y[i] = x[i] (1 + erf(x[i]))
    becomes
    Y[i] = x[i] erfc(-x[i])
    """
    return map_equations(program, _whole)


def _whole(equation: Equation) -> Equation:
    value = rewritten(equation.value, ROWS)
    return equation if value == equation.value else replace(equation, value=value)

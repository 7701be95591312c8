"""Differences that cancel, replaced by the function that has them whole: the rows of `rules/stable.py`."""

from __future__ import annotations

from dataclasses import replace

from sympy import Add, Expr, Mul
from sympy.core.function import Function

from derive.calculus.program import Equation, Program, map_equations
from derive.calculus.rules.rewriting import rewritten
from derive.calculus.rules.stable import EARLY, ROWS
from derive.calculus.stable.logform import definition
from derive.calculus.tensor import Ref


def differences(program: Program) -> Program:
    """The program with every such difference replaced; last before emission.

    Y[i] = x[i] (1 + erf(x[i]))
    becomes
    Y[i] = x[i] erfc(-x[i])
    """
    return map_equations(program, _whole)


def early_differences(program: Program) -> Program:
    """The program with those replaced whose derivative is none the longer, names seen through; before
    differentiation, so that the name of a kernel is that of the whole.

    F[i] = erf(x[i]), Y[i] = x[i] (1 + F[i])
    becomes
    F[i] = erf(x[i]), Y[i] = x[i] erfc(-x[i])
    """
    heads = tuple(head for row in EARLY for head in row.heads)
    if not any(equation.value.has(*heads) for equation in program.equations()):
        return program

    def whole(equation: Equation) -> Equation:
        sums = equation.value.atoms(Add)
        found = {total: rewritten(_opened(total, program, heads), EARLY) for total in sums}
        replaced = {total: new for total, new in found.items() if not new.has(*heads) and new != total}
        return replace(equation, value=equation.value.xreplace(replaced)) if replaced else equation

    return map_equations(program, whole)


def _opened(total: Add, program: Program, heads: tuple[type[Function], ...]) -> Expr:
    """A sum with the names in its terms that stand for such a function replaced by it."""
    found = {}
    for ref in (factor for term in total.args for factor in Mul.make_args(term) if isinstance(factor, Ref)):
        meaning = definition(ref, program)
        if isinstance(meaning, heads):
            found[ref] = meaning
    return total.xreplace(found)


def _whole(equation: Equation) -> Equation:
    value = rewritten(equation.value, ROWS)
    return equation if value == equation.value else replace(equation, value=value)

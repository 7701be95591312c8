"""A number that a name has added is not taken off again: what is left is read instead.

    Y[i] = 1 - exp(-exp(x[i])),  x_bar[i] = Y_bar[i] (1 - Y[i]) exp(x[i])
    becomes
    x_bar[i] = Y_bar[i] exp(-exp(x[i])) exp(x[i])

1 - Y is 0 as soon as Y has rounded to 1. Sums over an index are not computed again.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Add, Expr
from sympy.core.basic import Basic

from derive.calculus.expressions.nodes import Reduction, rebuilt
from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.tensor import Ref, names_read
from derive.calculus.program.program import Equation, Program, map_equations
from derive.calculus.stable.logform import definition


def uncancelled(program: Program) -> Program:
    """The program with every such difference opened."""
    shifted = {e.name for e in program.equations() if isinstance(e.value, Add) and e.value.as_coeff_Add()[0]}

    def opened(equation: Equation) -> Equation:
        if not shifted & names_read(equation.value):
            return equation
        value = _visit(equation.value, program)
        return equation if value == equation.value else replace(equation, value=value)

    return map_equations(program, opened) if shifted else program


def _visit(node: Basic, program: Program) -> Basic:
    if isinstance(node, Ref) or not node.args or not holds(node, Ref):
        return node
    node = rebuilt(node, (_visit(argument, program) for argument in node.args))
    return _opened(node, program) if isinstance(node, Add) else node


def _opened(total: Add, program: Program) -> Expr:
    number, rest = total.as_coeff_Add()
    for term in Add.make_args(rest) if number else ():
        scale, name = term.as_coeff_Mul()
        meaning = definition(name, program) if isinstance(name, Ref) else None
        if meaning is None or holds(meaning, Reduction):
            continue
        own, left = meaning.as_coeff_Add()
        if own and number + scale * own == 0:
            return Add(scale * left, *(other for other in Add.make_args(rest) if other != term))
    return total

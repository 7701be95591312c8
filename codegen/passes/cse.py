"""Common subexpressions: an equation or a whole reduction that was computed already is read instead.

    T[i] = sum_{q<k} E[i,q]
    S[i,j] = E[i,j]/sum_{r<k} E[i,r]
    U[a] = sum_{q<k} E[a,q]
becomes
    T[i] = sum_{q<k} E[i,q]
    S[i,j] = E[i,j]/T[i]
and whoever read U reads T.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from sympy.core.basic import Basic

from codegen.passes.canonical import spelling
from codegen.passes.verify import unbound
from derive.calculus.nodes import Reduction
from derive.calculus.occurrence import nodes_of
from derive.calculus.program import Equation, Program, Recurrence, Statement
from derive.calculus.tensor import Ref, TensorName


def cse(program: Program) -> Program:
    """The program in which nothing whole is computed twice."""
    known: dict[str, str] = {}
    renamed: dict[Basic, Basic] = {}
    count = Counter(equation.name for equation in program.equations())
    statements: list[Statement] = []
    for statement in program.statements:
        if isinstance(statement, Recurrence):
            inner = tuple(_renamed(equation, renamed) for equation in statement.equations)
            statements.append(replace(statement, equations=inner))
            continue
        equation = _reading(_renamed(statement, renamed), known)
        whole = count[equation.name] == 1 and _whole(equation)
        spelled = spelling(equation.value, equation.ranges) if whole else ""
        earlier = known.get(spelled)
        if earlier is not None and equation.name not in program.outputs:
            renamed[TensorName(equation.name)] = TensorName(earlier)
            continue
        statements.append(equation)
        if whole:
            known.setdefault(spelled, equation.name)
    return program.with_statements(tuple(statements))


def _whole(equation: Equation) -> bool:
    """Whether the equation assigns every element of its target, in the order of its loops."""
    return not equation.accumulates and equation.target.indices == equation.loops


def _renamed(equation: Equation, renamed: dict[Basic, Basic]) -> Equation:
    if not renamed:
        return equation
    return replace(equation, value=equation.value.xreplace(renamed), target=equation.target.xreplace(renamed))


def _reading(equation: Equation, known: dict[str, str]) -> Equation:
    """The equation with its proper subreductions read from the names that hold them."""
    found: dict[Basic, Basic] = {}
    for node in nodes_of(equation.value, Reduction):
        if node != equation.value:
            free = unbound(node, set())
            ranges = tuple((index, extent) for index, extent in equation.ranges if index in free)
            name = known.get(spelling(node, ranges))
            if name is not None:
                found[node] = Ref(name, *(index for index, _ in ranges))
    return replace(equation, value=equation.value.xreplace(found)) if found else equation

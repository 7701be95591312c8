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
from dataclasses import dataclass, field, replace

from sympy.core.basic import Basic

from codegen.passes.canonical import spelling
from codegen.passes.verify import unbound
from derive.calculus.expressions.nodes import Range, Reduction
from derive.calculus.expressions.occurrence import nodes_of
from derive.calculus.expressions.tensor import Ref, TensorName
from derive.calculus.program.program import Equation, Program, expanded


def cse(program: Program) -> Program:
    """The program in which nothing whole is computed twice, in a step of a recurrence neither."""
    names = _Names(Counter(equation.name for equation in program.equations()), set(program.outputs))
    return program.with_statements(expanded(program, names.read))


@dataclass
class _Names:
    """What has been computed so far, by how it is spelled, and the names that are read by another."""

    count: Counter[str]
    outputs: set[str]
    known: dict[str, str] = field(default_factory=dict)
    renamed: dict[Basic, Basic] = field(default_factory=dict)

    def read(self, equation: Equation, outer: tuple[Range, ...]) -> list[Equation]:
        """The equation in which what is known is read by its name; none where that is all of it."""
        loops = (*outer, *equation.ranges)
        equation = _reading(_renamed(equation, self.renamed), self.known, loops)
        whole = self.count[equation.name] == 1 and _whole(equation, loops)
        spelled = spelling(equation.value, loops) if whole else ""
        earlier = self.known.get(spelled)
        if earlier is not None and equation.name not in self.outputs:
            self.renamed[TensorName(equation.name)] = TensorName(earlier)
            return []
        if whole:
            self.known.setdefault(spelled, equation.name)
        return [equation]


def _whole(equation: Equation, loops: tuple[Range, ...]) -> bool:
    """Whether the equation assigns every element of its target, in the order of its loops."""
    return not equation.accumulates and equation.target.indices == tuple(index for index, _ in loops)


def _renamed(equation: Equation, renamed: dict[Basic, Basic]) -> Equation:
    if not renamed:
        return equation
    return replace(equation, value=equation.value.xreplace(renamed), target=equation.target.xreplace(renamed))


def _reading(equation: Equation, known: dict[str, str], loops: tuple[Range, ...]) -> Equation:
    """The equation with its proper subreductions read from the names that hold them."""
    found: dict[Basic, Basic] = {}
    for node in nodes_of(equation.value, Reduction):
        if node != equation.value:
            free = unbound(node, set())
            ranges = tuple((index, extent) for index, extent in loops if index in free)
            name = known.get(spelling(node, ranges))
            if name is not None:
                found[node] = Ref(name, *(index for index, _ in ranges))
    return replace(equation, value=equation.value.xreplace(found)) if found else equation

"""What a derivation may cost, counted in operations: the same on every machine, whatever its clock.

    (1 + e^x)(1 + sin x) ... (4 + erf x)    more than TERMS terms: stays a product
    an equation of more than LONG nodes     differentiated in parts, of at least PART nodes
    a derivative of NODES nodes and more    refused, naming the equation
    more VISITS than a program may make     refused, naming the equation and its longest term

A layer of the registry makes less than 2,000 visits, of expressions of less than 400 nodes and 20 terms.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Expr, Mul

from derive.calculus.expressions.limits import excerpt, weight
from derive.calculus.expressions.nodes import Sum, Where
from derive.calculus.program.program import Equation, Program
from derive.errors import DeriveError

TERMS = 256
LONG = 200
PART = 20
NODES = 4_000
VISITS = 10_000
VISITS_EACH = 1_000
REMEDY = "give parts of the formula that it is the derivative of names, as equations of their own"


class BlowUp(DeriveError):
    """A derivative that would take too long to bring to its form, or be too long to read."""


@dataclass
class Budget:
    """The visits that are left, and the equation in work."""

    program: str
    left: int
    equation: Equation | None = None

    @classmethod
    def of(cls, program: Program) -> Budget:
        """An allowance, and some more for each equation."""
        return cls(program.name, VISITS + VISITS_EACH * sum(1 for _ in program.equations()))

    def enter(self, equation: Equation) -> None:
        """Begin an equation; BlowUp where it is too long."""
        self.equation = equation
        nodes = weight(equation.value)
        if nodes > NODES:
            raise BlowUp(
                f"{self.program}: {equation.target} = {excerpt(str(_heaviest(equation.value)))} ... "
                f"has {nodes} nodes, more than {NODES}; {REMEDY}"
            )

    def visit(self) -> None:
        """Count one node; BlowUp where none is left."""
        self.left -= 1
        if self.left < 0:
            assert self.equation is not None
            term = excerpt(str(_heaviest(self.equation.value)))
            raise BlowUp(
                f"{self.program}: the simplification of {self.equation.target}, whose longest term is "
                f"{term}, takes more than its share of operations; {REMEDY}"
            )


def _heaviest(value: Expr) -> Expr:
    """The longest term of a sum, the longest factor of a product."""
    parts = [part for part in value.args if isinstance(part, Expr)]
    return max(parts, key=lambda part: (weight(part), str(part))) if parts else value


def multiplies_out(value: Expr) -> bool:
    """Whether a value has at most TERMS terms when its products are multiplied out."""
    return _terms(value) <= TERMS


def _terms(value: Expr) -> int:
    if isinstance(value, Add):
        return sum(map(_terms, value.args))
    if isinstance(value, Sum):
        return _terms(value.body)
    if isinstance(value, Where):
        return _terms(value.chosen)
    count = 1
    for factor in value.args if isinstance(value, Mul) else ():
        count *= _terms(factor)
    return count

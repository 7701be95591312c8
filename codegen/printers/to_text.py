"""Equations to text, in the notation that definitions are written in.

A1[i,j] = sum_{p<n} X[i,p] W1[p,j] + b[j]
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sympy import Add, And, Expr, Mul, Not, Or, Pow, Rational, Symbol, oo
from sympy.core.basic import Basic

from codegen.printers.factors import comparison, conjuncts, is_indicator, numerator_denominator, signed_terms
from derive.calculus.expressions.kinks import extreme
from derive.calculus.expressions.nodes import (
    Condition,
    Finite,
    FloorDiv,
    IsZero,
    Nonnegative,
    Reduction,
    Remainder,
    VectorMap,
    Where,
)
from derive.calculus.expressions.tensor import Index, Ref
from derive.calculus.program.program import Equation, Statement

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4


def statement_text(statement: Statement) -> list[str]:
    """A statement line by line."""
    if isinstance(statement, Equation):
        return [equation_text(statement)]
    backwards = " backwards" if statement.reverse else ""
    head = f"for {statement.index} < {text(statement.extent)}{backwards}:"
    return [head, *("    " + equation_text(equation) for equation in statement.equations)]


@cache
def equation_text(equation: Equation) -> str:
    """One equation; += where it accumulates."""
    order = tuple(index for index in equation.target.indices if isinstance(index, Index))
    value = _Writer(order).text(equation.value)
    return f"{text(equation.target)} {'+=' if equation.accumulates else '='} {value}"


def text(node: Basic) -> str:
    """An expression or a condition."""
    return _Writer(()).text(node)


@dataclass(frozen=True)
class _Writer:
    """Writes factors in the order of a target's indices."""

    order: tuple[Index, ...]

    def text(self, node: Basic) -> str:
        return self._written(node)[0]

    def _written(self, node: Basic) -> tuple[str, int]:
        if isinstance(node, Symbol):
            return str(node.name), ATOM
        if isinstance(node, Ref):
            indices = ",".join(self.text(index) for index in node.indices)
            return (f"{node.name}[{indices}]" if indices else node.name), ATOM
        if isinstance(node, Add):
            return self._sum(node), SUM
        if isinstance(node, Mul) or (isinstance(node, Pow) and node.exp.could_extract_minus_sign()):
            return self._product(node), PRODUCT
        if isinstance(node, Pow):
            return self._power(node), POWER
        if isinstance(node, Reduction) and not isinstance(node, VectorMap):
            ranges, body = self._ranges(node)
            return f"{node.operator}_{{{ranges}}} {self._in(body, PRODUCT)}", PRODUCT
        if isinstance(node, Where):
            return self._where(node), ATOM
        return self._other(node)

    def _other(self, node: Basic) -> tuple[str, int]:
        if isinstance(node, FloorDiv | Remainder):
            sign = "//" if isinstance(node, FloorDiv) else "%"
            return f"({self._in(node.args[0], POWER)}{sign}{self._in(node.args[1], POWER)})", ATOM
        if isinstance(node, Condition):
            return self._comparison(node), SUM
        if isinstance(node, And | Or):
            word = " and " if isinstance(node, And) else " or "
            parts = conjuncts(node) if isinstance(node, And) else node.args
            return word.join(self.text(part) for part in parts), SUM
        if isinstance(node, Not) and isinstance(node.args[0], IsZero):
            return self.text(node.args[0]).replace(" == ", " != "), SUM
        if isinstance(node, Not):
            return f"not ({self.text(node.args[0])})", ATOM
        if isinstance(node, Rational) and not node.is_Integer:
            return f"{node.p}/{node.q}", PRODUCT
        if node.is_Function:
            return (
                f"{node.func.__name__.lower()}({', '.join(self.text(argument) for argument in node.args)})",
                ATOM,
            )
        return str(node), SUM if str(node).startswith("-") else ATOM

    def _comparison(self, node: Condition) -> str:
        if isinstance(node, Finite):
            return f"{self.text(node.expression)} is finite"
        left, sign, right = comparison(node)
        return f"{self.text(left)} {sign} {self.text(right)}"

    def _in(self, node: Basic, level: int) -> str:
        written, own = self._written(node)
        return written if own >= level else f"({written})"

    def _sum(self, node: Add) -> str:
        pieces: list[str] = []
        for negative, term in signed_terms(node):
            sign = ("-" if negative else "") if not pieces else (" - " if negative else " + ")
            pieces.append(sign + self._in(term, PRODUCT if negative else SUM))
        return "".join(pieces)

    def _product(self, node: Expr) -> str:
        sign, number, above, below = numerator_denominator(node, self.order)
        top = [str(number.p)] if number.is_Rational and number.p != 1 else []
        top += [str(number)] if not number.is_Rational else []
        top += [
            self._in(factor, POWER if place + 1 < len(above) else PRODUCT)
            for place, factor in enumerate(above)
        ]
        bottom = [str(number.q)] if number.is_Rational and number.q != 1 else []
        bottom += [self._in(factor, POWER) for factor in below]
        written = " ".join(top) or "1"
        if bottom:
            written += "/" + (bottom[0] if len(bottom) == 1 else f"({' '.join(bottom)})")
        return ("-" if sign < 0 else "") + written

    def _power(self, node: Pow) -> str:
        if node.exp == Rational(1, 2):
            return f"sqrt({self.text(node.base)})"
        return f"{self._in(node.base, ATOM)}^{self._in(node.exp, ATOM)}"

    def _ranges(self, node: Reduction) -> tuple[str, Expr]:
        """The ranges and the body; a guard that bounds the one index is its range: sum_{s<=t}."""
        body = node.body
        if len(node.ranges) == 1 and isinstance(body, Where) and isinstance(body.condition, Nonnegative):
            left, sign, right = comparison(body.condition)
            if right in node.bound and not left.has(*node.bound):
                left, sign, right = right, {">": "<", ">=": "<="}.get(sign, sign), left
            if left in node.bound and sign in ("<", "<=") and body.other in (0, -oo):
                return f"{left}{sign}{self.text(right)}", body.chosen
        return ",".join(f"{index}<{self.text(extent)}" for index, extent in node.ranges), body

    def _where(self, node: Where) -> str:
        if is_indicator(node):
            return f"[{self.text(node.condition)}]"
        larger = extreme(node)
        if larger is not None and node.other != 0:
            return f"{larger[0]}({self.text(larger[1])}, {self.text(larger[2])})"
        return f"where({self.text(node.condition)}, {self.text(node.chosen)}, {self.text(node.other)})"

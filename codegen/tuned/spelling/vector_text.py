"""Expressions to C over whole vectors: the lanes are consecutive values of one index.

    where(Z2[i,j] > 0, A1_bar, 0)   FN(select)(load(Z2 + i * PAD(D) + j) > all(0), A1_bar, all(0))
    E[i,j]/T[i]                     FN(over)(load(E + i * PAD(K) + j), T[i])
    S[i,j] - [j == y[i]]            .. FN(select)(FN(lane)() == every(b->y[i] - j), all(1), all(0))

An element that does not depend on the lanes' index is sent to all lanes. What vectors cannot do (elements
that lie apart, functions without a vector form) is refused by `Unvectorised`, and a scalar nest is written
instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeGuard

from sympy import And, Expr, Mul, Not, Or, Pow, Symbol
from sympy.core.basic import Basic

from codegen.printers.factors import comparison, conjuncts
from codegen.printers.to_c import FUNCTIONS, LESS, POSTFIX, PRODUCT, ToC, is_integer
from derive.calculus.expressions.kinks import extreme
from derive.calculus.expressions.nodes import (
    Condition,
    Finite,
    IsZero,
    Nonnegative,
    Positive,
    Where,
    free_indices,
)
from derive.calculus.expressions.tensor import Index, IntegerRef, Ref, refs


class Unvectorised(Exception):
    """An expression that has no form over vectors."""


LANE = Index("lane")


def divides(node: Basic) -> TypeGuard[Pow]:
    """Whether a node is a division by what is not a number."""
    return isinstance(node, Pow) and bool(node.exp.is_negative) and not node.is_number


@dataclass(frozen=True)
class ToVector(ToC):
    """`vector` spells an element as a vector; `scalar` writes integers and single elements."""

    lane: Index = LANE
    scalar: ToC | None = None
    vector: Callable[[Ref], str] = str

    @property
    def single(self) -> ToC:
        assert self.scalar is not None
        return self.scalar

    def vec(self, node: Basic) -> str:
        """An expression that is a vector even where it is one number."""
        return self.real(node) if self._varies(node) else f"all((real)({self._number(node)}))"

    def _number(self, node: Basic) -> str:
        """One number for all lanes."""
        if self.lane in free_indices(node):
            raise Unvectorised(f"{node} varies by lane")
        return self.single.real(node)

    def _varies(self, node: Basic) -> bool:
        real = any(not isinstance(ref, IntegerRef) for ref in refs(node))
        return real or any(
            isinstance(s, Symbol) and not isinstance(s, Index) and s.name in self.locals
            for s in node.free_symbols
        )

    locals: frozenset[str] = frozenset()

    def _real(self, node: Basic) -> tuple[str, int]:
        if isinstance(node, Ref) and not isinstance(node, IntegerRef):
            return self.vector(node), POSTFIX
        if isinstance(node, Where):
            return self._where(node)
        if not node.is_number and is_integer(node):
            if self.lane in free_indices(node):
                raise Unvectorised(f"{node} varies by lane")
            return f"(real)({self.single.integer(node)})", POSTFIX
        if not node.is_number and not self._varies(node):
            return f"({self._number(node)})", POSTFIX
        fixed = [f for f in node.args if self._divides_all(f)] if isinstance(node, Mul) else []
        rest = Mul(*(f for f in node.args if f not in fixed)) if fixed else node
        if fixed and self._varies(rest):
            return f"{self.real(rest, PRODUCT)} * ({self._number(Mul(*fixed))})", PRODUCT
        return self._over_one(node) or super()._real(node)

    def _over_one(self, node: Basic) -> tuple[str, int] | None:
        """Vectors divided by one number, which would be their only division: its inverse takes less time."""
        below = [f for f in node.args if divides(f)] if isinstance(node, Mul) else []
        rest = Mul(*(f for f in node.args if f not in below))
        if not below or not all(map(self._single, below)) or self._single(rest):
            return None
        self.used.own.add("over")
        number = Mul(*(1 / f for f in below))
        return f"FN(over)({self.vec(rest)}, {self.single.real(number)})", POSTFIX

    def _divides_all(self, node: Basic) -> bool:
        """Whether a factor is one by a size: vectors are multiplied by its inverse, one number."""
        return (
            isinstance(node, Pow)
            and bool(node.exp.is_negative)
            and not (node.is_number or self._varies(node))
        )

    def _where(self, node: Where) -> tuple[str, int]:
        condition = node.condition
        chosen, other = node.chosen, node.other
        if (
            isinstance(condition, Positive)
            and chosen == condition.expression
            and other == 0
            and self._varies(chosen)
        ):
            inner = self.vec(chosen)
            return f"FN(select)({inner} < all(0), all(0), {inner})", POSTFIX
        larger = extreme(node)
        if larger is not None and larger[2].is_number and other != 0 and self._varies(larger[1]):
            name = {"max": "larger", "min": "smaller"}[larger[0]]
            self.used.own.add(name)
            return f"FN({name})({self.vec(larger[1])}, {self.vec(larger[2])})", POSTFIX
        if self._uniform(condition):
            text = self.single.condition(condition, LESS + 1)
            return f"({text} ? {self.vec(chosen)} : {self.vec(other)})", POSTFIX
        return f"FN(select)({self.mask(condition)}, {self.vec(chosen)}, {self.vec(other)})", POSTFIX

    def _uniform(self, node: Basic) -> bool:
        """Whether a condition is one for all lanes."""
        return self.lane not in free_indices(node) and (not self._varies(node) or self._single(node))

    def _single(self, node: Basic) -> bool:
        """Whether all that a node reads is one number for all lanes."""
        return not any(
            isinstance(s, Symbol) and not isinstance(s, Index) and s.name in self.locals
            for s in node.free_symbols
        ) and all(self.lane not in free_indices(ref) for ref in refs(node))

    def mask(self, node: Basic) -> str:
        """A condition as lanes of all bits or none."""
        if isinstance(node, And):
            return "(" + " & ".join(self.mask(part) for part in conjuncts(node)) + ")"
        if isinstance(node, Or):
            return "(" + " | ".join(self.mask(part) for part in node.args) + ")"
        if isinstance(node, Not):
            return f"~{self.mask(node.args[0])}"
        if self._uniform(node):
            return f"every({self.single.condition(node)} ? -1 : 0)"
        if isinstance(node, Finite):
            inner = self.vec(node.expression)
            return f"({inner} - {inner} == all(0))"
        if isinstance(node, Condition) and is_integer(node.expression):
            return self._lane_mask(node)
        if isinstance(node, Condition):
            left, sign, right = comparison(node)
            return f"({self.vec(left)} {sign} {self.vec(right)})"
        raise Unvectorised(str(node))

    def _lane_mask(self, node: Condition) -> str:
        """A comparison of integers of which one counts lanes: its coefficient is 1 or -1."""
        expression = node.expression
        slope = expression.coeff(self.lane, 1)
        rest = expression - slope * self.lane
        if slope not in (1, -1) or self.lane in free_indices(rest):
            raise Unvectorised(str(node))
        signs: dict[type[Basic], str] = {Positive: ">", Nonnegative: ">=", IsZero: "=="}
        sign = signs[type(node)]
        if slope == 1:
            return f"(FN(lane)() {sign} every({self.single.integer(-rest - self.lane)}))"
        return f"(every({self.single.integer(rest - self.lane)}) {sign} FN(lane)())"

    def _call(self, node: Basic) -> tuple[str, int]:
        name = type(node).__name__
        if name == "sign":
            self.used.own.add(name)
            return f"FN(sign)({self.vec(node.args[0])})", POSTFIX
        if name not in FUNCTIONS:
            raise Unvectorised(name)
        return super()._call(node)

    def _macro(self, name: str) -> str:
        self.used.macros.add(name)
        return f"FN({name})"

    def _repeated(self, base: Expr, whole: int, root: list[str]) -> tuple[str, int]:
        name = {2: "square", 3: "cube", 4: "fourth_power"}[whole]
        self.used.own.add(name)
        factors = [f"FN({name})({self.real(base)})", *root]
        return " * ".join(factors), PRODUCT if root else POSTFIX

    def _power(self, base: Expr, exponent: Expr) -> tuple[str, int]:
        whole, half = divmod(2 * exponent, 2) if (2 * exponent).is_Integer else (0, 0)
        if whole > 4 or (whole == 0 and half == 0):
            return f"{self._macro('pow')}({self.vec(base)}, {self.vec(exponent)})", POSTFIX
        return super()._power(base, exponent)

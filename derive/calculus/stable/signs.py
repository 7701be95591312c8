"""Which values are plainly positive, or not negative, by what their names stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from sympy import Abs, Add, Expr, Mul, Pow, cosh, exp

from derive.calculus.expressions.nodes import Positive, Sum, Where
from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.tensor import Ref
from derive.calculus.program.program import Equation, Program

BELOW, ZERO, ABOVE = -1, 0, 1
DEEPEST = 12


class Signs:
    """ABOVE for a value that is positive, ZERO for one that is not negative, BELOW where neither is plain."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._names: dict[str, int] = {}

    def positive(self, value: Expr) -> bool:
        return self.of(value) == ABOVE

    def nonnegative(self, value: Expr) -> bool:
        return self.of(value) >= ZERO

    def of(self, value: Expr) -> int:
        """The least that is plain of a value."""
        if value.is_number or not holds(value, Ref):
            return ABOVE if value.is_positive else ZERO if value.is_nonnegative else BELOW
        for kind, rule in self._rules.items():
            if isinstance(value, kind):
                return rule(value)
        return BELOW

    @cached_property
    def _rules(self) -> Mapping[type[Expr], Callable[[Any], int]]:
        return {
            Ref: lambda value: self._of_name(value.name),
            exp: lambda _: ABOVE,
            cosh: lambda _: ABOVE,
            Abs: lambda value: max(self.of(value.args[0]), ZERO),
            Add: self._of_terms,
            Mul: self._of_product,
            Pow: self._of_power,
            Sum: lambda value: self.of(value.body),
            Where: lambda value: min(self._within(value), self.of(value.other)),
        }

    def _of_terms(self, value: Add) -> int:
        parts = [self.of(term) for term in value.args]
        return max(parts) if min(parts) >= ZERO else BELOW

    def _within(self, value: Where) -> int:
        """A branch under its own condition: x where x > 0."""
        return ABOVE if value.condition == Positive(value.chosen) else self.of(value.chosen)

    def _of_product(self, value: Mul) -> int:
        return min(self.of(factor) for factor in value.args)

    def _of_power(self, value: Pow) -> int:
        base = self.of(value.base)
        if base == BELOW:
            return ZERO if value.exp.is_even else BELOW
        return base if value.exp.is_positive else (ABOVE if base == ABOVE else ZERO)

    def _of_name(self, name: str) -> int:
        if name not in self._names:
            self._names[name] = BELOW
            found = self._defining.get(name, [])
            if len(found) == 1 and not found[0].accumulates:
                self._names[name] = self.of(found[0].value)
        return self._names[name]

    @cached_property
    def _defining(self) -> dict[str, list[Equation]]:
        found: dict[str, list[Equation]] = {}
        for equation in self._program.equations():
            found.setdefault(equation.name, []).append(equation)
        return found

"""Which values are plainly positive, or not negative, by what their names stand for."""

from __future__ import annotations

from functools import cached_property

from sympy import Abs, Add, Expr, Mul, Pow, cosh, exp

from derive.calculus.nodes import Positive, Sum, Where
from derive.calculus.program import Equation, Program
from derive.calculus.tensor import Ref

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
        if value.is_number or not value.has(Ref):
            return ABOVE if value.is_positive else ZERO if value.is_nonnegative else BELOW
        if isinstance(value, Ref):
            return self._of_name(value.name)
        if isinstance(value, exp | cosh):
            return ABOVE
        if isinstance(value, Abs):
            return self.of(value.args[0]) if self.of(value.args[0]) == ABOVE else ZERO
        if isinstance(value, Add):
            parts = [self.of(term) for term in value.args]
            return max(parts) if min(parts) >= ZERO else BELOW
        if isinstance(value, Mul):
            return self._of_product(value)
        if isinstance(value, Pow):
            return self._of_power(value)
        if isinstance(value, Sum):
            return self._of_sum(value)
        if isinstance(value, Where):
            return min(self._within(value), self.of(value.other))
        return BELOW

    def _within(self, value: Where) -> int:
        """A branch under its own condition: x where x > 0."""
        return ABOVE if value.condition == Positive(value.chosen) else self.of(value.chosen)

    def _of_product(self, value: Mul) -> int:
        squared = [f for f in value.args if value.args.count(f) == 2]
        return min(self.of(f) for f in value.args if f not in squared)

    def _of_power(self, value: Pow) -> int:
        base = self.of(value.base)
        if base == BELOW:
            return ZERO if value.exp.is_even else BELOW
        return base if value.exp.is_positive else (ABOVE if base == ABOVE else ZERO)

    def _of_sum(self, value: Sum) -> int:
        """A sum of positive terms is positive where it has one; a guard may leave it none."""
        return self.of(value.body)

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

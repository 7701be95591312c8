"""Elementwise array forms: products, sums, functions, conditions, branches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sympy import Expr

from derive.calculus.arrays.base import Axes, Form, widest


@dataclass(frozen=True)
class Product(Form):
    """The elementwise product."""

    factors: tuple[Form, ...]

    @property
    def axes(self) -> Axes:
        return widest(self.factors)

    @property
    def operands(self) -> tuple[Form, ...]:
        return self.factors


@dataclass(frozen=True)
class Quotient(Form):
    """The elementwise quotient."""

    numerator: Form
    denominator: Form

    @property
    def axes(self) -> Axes:
        return widest((self.numerator, self.denominator))

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.numerator, self.denominator)

    @cached_property
    def integral(self) -> bool:
        return False


@dataclass(frozen=True)
class Total(Form):
    """The elementwise sum of terms, some of them Negative."""

    terms: tuple[Form, ...]

    @property
    def axes(self) -> Axes:
        return widest(self.terms)

    @property
    def operands(self) -> tuple[Form, ...]:
        return self.terms


@dataclass(frozen=True)
class Negative(Form):
    """-x."""

    operand: Form

    @property
    def axes(self) -> Axes:
        return self.operand.axes

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.operand,)


@dataclass(frozen=True)
class Power(Form):
    """x^a elementwise, a a number."""

    base: Form
    exponent: Expr

    @property
    def axes(self) -> Axes:
        return self.base.axes

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.base,)

    @cached_property
    def integral(self) -> bool:
        return self.base.integral and bool(self.exponent.is_integer and self.exponent.is_nonnegative)


@dataclass(frozen=True)
class Apply(Form):
    """A scalar function of every element: exp(Z), or sigma_i'(Z W), undetermined."""

    function: str
    operand: Form
    selectors: tuple[Expr, ...] = ()
    order: int = 0
    known: bool = True

    @property
    def axes(self) -> Axes:
        return self.operand.axes

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.operand,)

    @cached_property
    def integral(self) -> bool:
        return False


@dataclass(frozen=True)
class VectorApply(Form):
    """sigma(z) of the vectors along the last dimension; of order 1 its Jacobian J_sigma(z),
    with the vector's dimension twice: component, then the one it is differentiated by.
    """

    function: str
    operand: Form
    selectors: tuple[Expr, ...] = ()
    order: int = 0
    components: Expr | None = None

    @property
    def axes(self) -> Axes:
        width = self.operand.axes[-1]
        component = width if self.components is None else self.components
        return (*self.operand.axes[:-1], component, *((width,) * self.order))

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.operand,)


@dataclass(frozen=True)
class Divided(Form):
    """a // b, or a % b, of integers."""

    left: Form
    right: Form
    remainder: bool = False

    @property
    def axes(self) -> Axes:
        return widest((self.left, self.right))

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.left, self.right)


@dataclass(frozen=True)
class Compare(Form):
    """operand > 0, operand >= 0 or operand == 0, elementwise."""

    relation: str
    operand: Form

    @property
    def axes(self) -> Axes:
        return self.operand.axes

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.operand,)


@dataclass(frozen=True)
class Logic(Form):
    """and, or, not of conditions."""

    operator: str
    parts: tuple[Form, ...]

    @property
    def axes(self) -> Axes:
        return widest(self.parts)

    @property
    def operands(self) -> tuple[Form, ...]:
        return self.parts


@dataclass(frozen=True)
class Indicator(Form):
    """[condition]: 1 where it holds, else 0."""

    condition: Form

    @property
    def axes(self) -> Axes:
        return self.condition.axes

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.condition,)


@dataclass(frozen=True)
class Select(Form):
    """chosen where the condition holds, else other; a value not chosen has no effect, not even inf or nan."""

    condition: Form
    chosen: Form
    other: Form

    @property
    def axes(self) -> Axes:
        return widest(self.operands)

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.condition, self.chosen, self.other)

    @cached_property
    def integral(self) -> bool:
        return self.chosen.integral and self.other.integral

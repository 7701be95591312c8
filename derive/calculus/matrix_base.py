"""What every array form has, and the forms that have no operands: numbers, tensors, positions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sympy import Expr

from derive.errors import DeriveError

Axes = tuple[Expr, ...]


class MatrixFormError(DeriveError):
    """An index expression that no array form covers, or operands whose sizes do not match."""


@dataclass(frozen=True)
class Form:
    """An array-valued expression."""

    @property
    def axes(self) -> Axes:
        """The size of each dimension, in order."""
        raise NotImplementedError

    @property
    def operands(self) -> tuple[Form, ...]:
        """The forms this one is made of."""
        return ()

    @property
    def rank(self) -> int:
        return len(self.axes)

    @cached_property
    def transposes(self) -> int:
        """How many transposes occur inside."""
        return sum(operand.transposes for operand in self.operands)

    @cached_property
    def integral(self) -> bool:
        """Whether the elements are integers (positions, labels) instead of reals."""
        return bool(self.operands) and all(operand.integral for operand in self.operands)


def widest(forms: tuple[Form, ...]) -> Axes:
    """The axes of elementwise operands, scalars aside."""
    return max((form.axes for form in forms), key=len, default=())


@dataclass(frozen=True)
class Number(Form):
    """A scalar: a number, or an expression in sizes and fixed indices."""

    value: Expr

    @property
    def axes(self) -> Axes:
        return ()

    @cached_property
    def integral(self) -> bool:
        return bool(self.value.is_integer)


@dataclass(frozen=True)
class Array(Form):
    """A named tensor, whole along its axes; fixed indices are subscripts at their places: W_i, A[t, :, 0]."""

    name: str
    extents: Axes
    subscripts: tuple[tuple[int, Expr], ...] = ()
    integer: bool = False

    @property
    def axes(self) -> Axes:
        return self.extents

    @cached_property
    def integral(self) -> bool:
        return self.integer


@dataclass(frozen=True)
class Positions(Form):
    """0, 1, ..., n-1."""

    extent: Expr

    @property
    def axes(self) -> Axes:
        return (self.extent,)

    @cached_property
    def integral(self) -> bool:
        return True

"""What every array form has, and the forms that have no operands: numbers, tensors, positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache, cached_property
from typing import Any

from sympy import Expr
from sympy.core.basic import Basic

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


def renamed(form: Form, names: Mapping[Basic, Basic]) -> Form:
    """The form of other tensors and sizes."""
    if not names:
        return form
    return _with_names(form, names, {str(old): str(new) for old, new in names.items()})


def _with_names(part: Any, symbols: Mapping[Basic, Basic], texts: Mapping[str, str]) -> Any:
    if isinstance(part, str):
        return texts.get(part, part)
    if isinstance(part, Basic):
        return part.xreplace(symbols)
    if isinstance(part, tuple):
        return tuple(_with_names(one, symbols, texts) for one in part)
    if isinstance(part, Form):
        kind: Any = type(part)
        return kind(*(_with_names(getattr(part, name), symbols, texts) for name in _field_names(kind)))
    return part


@cache
def _field_names(kind: Any) -> tuple[str, ...]:
    return tuple(item.name for item in fields(kind))


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

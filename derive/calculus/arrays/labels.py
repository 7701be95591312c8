"""Covered parts: array forms whose dimensions still carry their indices, in no fixed order.

A part is asked for in the order that is needed; it is built in that order or transposed as a whole,
whichever takes fewer transposes. So transposes end up where a person would write them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sympy import Expr

from derive.calculus.arrays.algebra import broadcast, transpose
from derive.calculus.arrays.base import Form
from derive.calculus.expressions.tensor import Index

Order = tuple[Index, ...]


@dataclass(frozen=True, eq=False)
class Part:
    """An array form to be: its indices in natural order, how to build it in any order, and what the
    contractions inside cost.
    """

    order: Order
    build: Callable[[Order], Form]
    cost: int = 0
    built: dict[Order, Form] = field(default_factory=dict)

    @cached_property
    def labels(self) -> frozenset[Index]:
        return frozenset(self.order)

    def form(self, order: Order) -> Form:
        """The array form with dimensions in this order, a permutation of its own."""
        if order not in self.built:
            direct = self.build(order)
            if direct.transposes and len(order) == 2:
                turned = transpose(self.build(order[::-1]))
                direct = turned if turned.transposes <= direct.transposes else direct
            self.built[order] = direct
        return self.built[order]

    def aligned(self, order: Order, extents: Mapping[Index, Expr]) -> Form:
        """The array form as an operand among others of this order: missing dimensions are repeated."""
        if not self.order:
            return self.form(())
        own = tuple(index for index in order if index in self.labels)
        kept = tuple(place for place, index in enumerate(order) if index in self.labels)
        return broadcast(self.form(own), tuple(extents[index] for index in order), kept)


def fixed_order(form: Form, order: Order) -> Part:
    """A part that exists in one order and is transposed into the others."""

    def build(wanted: Order) -> Form:
        return transpose(form, tuple(order.index(index) for index in wanted))

    return Part(order, build)


def scalar(form: Form) -> Part:
    """A part without dimensions."""
    return Part((), lambda _: form)


def united(parts: Iterable[Part]) -> Order:
    """The indices of several parts: those of the widest first, so that it need not be transposed."""
    listed = sorted(parts, key=lambda part: -len(part.order))
    return tuple(dict.fromkeys(index for part in listed for index in part.order))

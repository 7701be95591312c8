"""What an array form says, element by element: the way back from arrays to indices.

element(Xᵀ G, (p, j))  =  sum_{q<m}(X[q,p]*G[q,j])
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import sympy
from sympy import Add, And, Expr, Mul, Not, Or
from sympy.codegen.cfunctions import expm1, log1p

from derive.calculus.arrays.base import Array, Form, Number, Positions
from derive.calculus.arrays.forms import (
    Broadcast,
    Diagonal,
    Einsum,
    Gather,
    MatMul,
    OneHot,
    Outer,
    Reduced,
    Transpose,
)
from derive.calculus.arrays.pointwise import (
    Apply,
    Compare,
    Divided,
    Indicator,
    Logic,
    Negative,
    Power,
    Product,
    Quotient,
    Select,
    Total,
    VectorApply,
)
from derive.calculus.expressions.functions import erfc
from derive.calculus.expressions.nodes import (
    ArgLargest,
    Finite,
    FloorDiv,
    IsZero,
    Largest,
    Nonnegative,
    Opaque,
    Positive,
    Remainder,
    Sum,
    VectorMap,
    Where,
)
from derive.calculus.expressions.tensor import Index, Ref

At = tuple[Expr, ...]
_RELATIONS: dict[str, Callable[[Expr], Any]] = {
    ">": Positive,
    ">=": Nonnegative,
    "==": IsZero,
    "finite": Finite,
}
_FUNCTIONS: dict[str, Any] = {"log1p": log1p, "expm1": expm1, "erfc": erfc}
_REDUCTIONS: dict[str, Callable[..., Expr]] = {"sum": Sum, "max": Largest, "argmax": ArgLargest}
_LOGIC: dict[str, Callable[..., Any]] = {"and": And, "or": Or, "not": Not}


def element(form: Form, at: At) -> Expr:
    """The element of an array form at a position, as an index expression."""
    return _Reading(count())(form, at)


class _Reading:
    """One reading, with a supply of fresh indices."""

    def __init__(self, numbers: Iterator[int]) -> None:
        self.numbers = numbers

    def fresh(self) -> Index:
        return Index(f"bound{next(self.numbers)}")

    def __call__(self, form: Form, at: At) -> Any:
        """The element of any form; scalars have one element only."""
        return _READERS[type(form)](self, form, at if form.rank else ())

    def matmul(self, form: MatMul, at: At) -> Expr:
        inner, stacked = self.fresh(), form.stacked
        rows = form.left.rank - 1
        left = self(form.left, (*at[:rows], inner))
        right = self(form.right, (*at[:stacked], inner, *at[rows:]))
        return Sum(left * right, (inner, form.left.axes[-1]))

    def reduced(self, form: Reduced, at: At) -> Expr:
        bound = {place: self.fresh() for place in form.over}
        rest = iter(at)
        inside = tuple(bound[k] if k in bound else next(rest) for k in range(form.operand.rank))
        ranges = ((index, form.operand.axes[place]) for place, index in bound.items())
        return _REDUCTIONS[form.operator](self(form.operand, inside), *ranges)

    def einsum(self, form: Einsum, at: At) -> Expr:
        known: dict[int, Expr] = dict(zip(form.output, at, strict=True))
        ranges = []
        for letters, factor in zip(form.inputs, form.factors, strict=True):
            for letter, size in zip(letters, factor.axes, strict=True):
                if letter not in known:
                    known[letter] = self.fresh()
                    ranges.append((known[letter], size))
        factors = (
            self(factor, tuple(known[letter] for letter in letters))
            for letters, factor in zip(form.inputs, form.factors, strict=True)
        )
        return Sum(Mul(*factors), *ranges)

    def vector(self, form: VectorApply, at: At) -> Expr:
        rows, inner = form.operand.rank - 1, self.fresh()
        body = self(form.operand, (*at[:rows], inner))
        outputs = (*form.selectors, at[rows])
        return VectorMap(form.function, outputs, body, (inner, form.operand.axes[-1]), at[rows + 1 :])


def _array(form: Array, at: At) -> Expr:
    subscripts, rest = dict(form.subscripts), iter(at)
    indices = [subscripts[k] if k in subscripts else next(rest) for k in range(form.rank + len(subscripts))]
    return Ref(form.name, *indices, integer=form.integer)


def _applied(read: _Reading, form: Apply, at: At) -> Expr:
    argument = read(form.operand, at)
    if form.known:
        function = _FUNCTIONS.get(form.function) or getattr(sympy, form.function)
        return function(argument)
    return Opaque(form.function, form.selectors, argument, form.order)


def _one_hot(read: _Reading, form: OneHot, at: At) -> Expr:
    return Where(IsZero(at[-1] - read(form.labels, at[:-1])), 1, 0)


def _transposed(form: Transpose, at: At) -> At:
    return tuple(at[form.order.index(k)] for k in range(form.rank))


def _divided(read: _Reading, form: Divided, at: At) -> Expr:
    kind = Remainder if form.remainder else FloorDiv
    return kind(read(form.left, at), read(form.right, at))


_READERS: dict[type[Form], Callable[[_Reading, Any, At], Any]] = {
    Number: lambda _, form, __: form.value,
    Array: lambda _, form, at: _array(form, at),
    Positions: lambda _, __, at: at[0],
    Transpose: lambda read, form, at: read(form.operand, _transposed(form, at)),
    Broadcast: lambda read, form, at: read(form.operand, tuple(at[k] for k in form.kept)),
    Diagonal: lambda read, form, at: read(form.operand, (at[0], at[0])),
    MatMul: _Reading.matmul,
    Outer: lambda read, form, at: read(form.left, at[:1]) * read(form.right, at[1:]),
    Product: lambda read, form, at: Mul(*(read(factor, at) for factor in form.factors)),
    Quotient: lambda read, form, at: read(form.numerator, at) / read(form.denominator, at),
    Total: lambda read, form, at: Add(*(read(term, at) for term in form.terms)),
    Negative: lambda read, form, at: -read(form.operand, at),
    Power: lambda read, form, at: read(form.base, at) ** form.exponent,
    Apply: _applied,
    VectorApply: _Reading.vector,
    Divided: _divided,
    Reduced: _Reading.reduced,
    OneHot: _one_hot,
    Compare: lambda read, form, at: _RELATIONS[form.relation](read(form.operand, at)),
    Logic: lambda read, form, at: _LOGIC[form.operator](*(read(part, at) for part in form.parts)),
    Indicator: lambda read, form, at: Where(read(form.condition, at), 1, 0),
    Select: lambda read, form, at: Where(*(read(operand, at) for operand in form.operands)),
    Gather: lambda read, form, at: Ref(
        form.name, *(read(s, at) for s in form.selectors), integer=form.integer
    ),
    Einsum: _Reading.einsum,
}

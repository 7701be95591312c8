"""Places that count a whole tensor off in rows: X[(i c + j)//n, (i c + j)%n] is X.reshape(a, c).

The places are one number, written in the sizes of the axes as digits. Two digits next to each other are one:

    A//n, A%n          A
    (A//n)%k, A%n      A % (k n)
    s, t               s n + t       any other two, n the size of the second axis
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sympy import Add, Expr, Integer, Mul, expand, prod

from codegen.printers.numpy_text import Code, call
from derive.calculus.arrays.base import Form, Number, Positions
from derive.calculus.arrays.forms import Broadcast, Gather
from derive.calculus.arrays.pointwise import Divided, Negative, Product, Total
from derive.calculus.expressions.nodes import FloorDiv, Remainder
from derive.calculus.expressions.tensor import Index

if TYPE_CHECKING:
    from codegen.printers.to_numpy import NumpyPrinter


def reshape_code(printer: NumpyPrinter, form: Gather) -> Code | None:
    """The reshape that a gather is, if it is one; a gather of another rank or size is none."""
    whole = not form.unproved and expand(prod(form.sizes) - prod(form.extents)) == 0
    if not whole or form.sizes == form.extents:
        return None
    dims = tuple(Index(f"_{k}") for k in range(form.rank))
    places = [_scalar(selector, dims) for selector in form.selectors]
    number = _number([place for place in places if place is not None], form.sizes)
    counted = sum((d * prod(form.extents[k + 1 :]) for k, d in enumerate(dims)), Integer(0))
    if None in places or expand(number - counted) != 0:
        return None
    return call(f"{printer.name(form.name)}.reshape", *map(printer.size, form.extents))


def _number(digits: list[Expr], sizes: tuple[Expr, ...]) -> Expr:
    """The number that is written in these digits."""
    value, size = digits[-1], sizes[-1]
    for digit, radix in zip(digits[-2::-1], sizes[-2::-1], strict=False):
        value, size = _joined(digit, radix, value, size), radix * size
    return value


def _joined(high: Expr, radix: Expr, low: Expr, size: Expr) -> Expr:
    if isinstance(low, Remainder) and expand(low.args[1] - size) == 0:
        count = low.args[0]
        if _same(high, FloorDiv(count, size)):
            return count
        if (
            isinstance(high, Remainder)
            and _same(high.args[0], FloorDiv(count, size))
            and high.args[1] == radix
        ):
            return Remainder(count, expand(radix * size))
    return high * size + low


def _same(one: Expr, other: Expr) -> bool:
    """Whether two integer quotients are equal, by their parts."""
    if isinstance(one, FloorDiv) and isinstance(other, FloorDiv):
        return all(expand(a - b) == 0 for a, b in zip(one.args, other.args, strict=True))
    return bool(expand(one - other) == 0)


def _scalar(form: Form, dims: tuple[Index, ...]) -> Expr | None:
    """An integer form as an expression in positions along these dimensions; None where it reads tensors."""
    if isinstance(form, Number):
        return form.value
    if isinstance(form, Positions):
        return dims[0]
    if isinstance(form, Broadcast):
        return _scalar(form.operand, tuple(dims[k] for k in form.kept))
    parts = [_scalar(operand, dims) for operand in form.operands]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or not known:
        return None
    if isinstance(form, Divided):
        return (Remainder if form.remainder else FloorDiv)(expand(known[0]), known[1])
    if isinstance(form, Negative):
        return -known[0]
    if isinstance(form, Product | Total):
        return (Mul if isinstance(form, Product) else Add)(*known)
    return None

"""Places that stand still for some steps: X[e, h//2, w//3] is X.repeat(2, axis=1).repeat(3, axis=2).

A number counted off with such digits reads a reshaped tensor: F[e, a b o + b (h//2) + w//3] is
F.reshape(m, c, a, b) with its last two axes repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sympy import Expr, Integer, expand, prod

from codegen.printers.numpy_text import Code
from derive.calculus.arrays.base import Form, Number, Positions
from derive.calculus.arrays.forms import Broadcast, Gather
from derive.calculus.arrays.pointwise import Divided, Product, Total

if TYPE_CHECKING:
    from codegen.printers.to_numpy import NumpyPrinter


@dataclass(frozen=True)
class Digit:
    """stride * (position along dim // count)."""

    dim: int
    count: int
    stride: Expr


def repeat_code(printer: NumpyPrinter, form: Gather) -> Code | None:
    """The array with some axes repeated, one after the other; None for any other gather."""
    found = _once_and_again(printer, form)
    return None if found is None else Code("".join(found))


def repeated_quotient(printer: NumpyPrinter, above: Form, below: Form) -> Code | None:
    """(X / Y).repeat(2, axis=1), where both are repeated alike."""
    if not isinstance(above, Gather) or not isinstance(below, Gather):
        return None
    parts = _once_and_again(printer, above), _once_and_again(printer, below)
    if parts[0] is None or parts[1] is None or parts[0][1] != parts[1][1]:
        return None
    return Code(f"({parts[0][0]} / {parts[1][0]}){parts[0][1]}")


def _once_and_again(printer: NumpyPrinter, form: Gather) -> tuple[str, str] | None:
    """The array, reshaped if need be, and the calls that repeat its axes."""
    digits = [_digits(selector, tuple(range(form.rank))) for selector in form.selectors]
    axes: list[Expr] = []
    counts: list[int] = []
    for found, size in zip(digits, form.sizes, strict=True):
        if found is None or [digit.dim for digit in found] != list(range(len(axes), len(axes) + len(found))):
            return None
        parts = [_once(form.extents[digit.dim], digit.count) for digit in found]
        if None in parts or not _counted(found, [part for part in parts if part is not None], size):
            return None
        axes += [part for part in parts if part is not None]
        counts += [digit.count for digit in found]
    if len(axes) < form.rank or all(count == 1 for count in counts):
        return None
    text = printer.name(form.name)
    if len(axes) > len(form.sizes):
        text += f".reshape({', '.join(map(printer.size, axes))})"
    again = [f".repeat({count}, axis={axis})" for axis, count in enumerate(counts) if count > 1]
    return text, "".join(again)


def _once(extent: Expr, count: int) -> Expr | None:
    """How many different places there are, where each stands equally often."""
    found = expand(extent / count)
    whole = all(term.as_coeff_Mul()[0].is_integer for term in found.as_ordered_terms())
    return found if whole else None


def _counted(digits: list[Digit], axes: list[Expr], size: Expr) -> bool:
    """Whether the digits count the whole axis off, each place once."""
    strides = [prod(axes[k + 1 :], start=Integer(1)) for k in range(len(axes))]
    same = all(expand(digit.stride - stride) == 0 for digit, stride in zip(digits, strides, strict=True))
    return same and expand(prod(axes) - size) == 0


def _digits(form: Form, dims: tuple[int, ...]) -> list[Digit] | None:
    """The digits of an integer form, the slowest first as they stand; None where it is no sum of such."""
    if isinstance(form, Broadcast):
        return _digits(form.operand, tuple(dims[k] for k in form.kept))
    if isinstance(form, Positions):
        return [Digit(dims[0], 1, Integer(1))]
    if isinstance(form, Divided):
        return _divided(form, dims)
    if isinstance(form, Product):
        return _scaled(form, dims)
    if isinstance(form, Total):
        parts = [_digits(term, dims) for term in form.terms]
        found = [digit for part in parts for digit in part or ()]
        return None if None in parts else sorted(found, key=lambda digit: digit.dim)
    return None


def _divided(form: Divided, dims: tuple[int, ...]) -> list[Digit] | None:
    """position // count, for a count that is a number."""
    left: Form = form.left
    if isinstance(left, Broadcast):
        dims = tuple(dims[k] for k in left.kept)
        left = left.operand
    count = form.right.value if isinstance(form.right, Number) else None
    if form.remainder or not isinstance(left, Positions) or not isinstance(count, Integer) or count < 1:
        return None
    return [Digit(dims[0], int(count), Integer(1))]


def _scaled(form: Product, dims: tuple[int, ...]) -> list[Digit] | None:
    """stride * digit."""
    numbers = [factor.value for factor in form.factors if isinstance(factor, Number)]
    rest = [factor for factor in form.factors if not isinstance(factor, Number)]
    inner = _digits(rest[0], dims) if len(rest) == 1 else None
    if inner is None:
        return None
    scale = prod(numbers, start=Integer(1))
    return [Digit(digit.dim, digit.count, digit.stride * scale) for digit in inner]

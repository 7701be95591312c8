"""Products and quotients in NumPy: 2 * X, r[:, None] * X, X * (L_bar / m)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sympy import Expr, Integer, Mul, Rational

from codegen.printers.factors import leads
from codegen.printers.numpy_text import POWER, PRODUCT, Code
from derive.calculus.arrays.base import Form, Number
from derive.calculus.arrays.forms import Broadcast
from derive.calculus.arrays.pointwise import Apply

if TYPE_CHECKING:
    from codegen.printers.to_numpy import NumpyPrinter


def multiplied(
    printer: NumpyPrinter, form: Form, factors: tuple[Form, ...], below: Form | None = None
) -> Code:
    """A product over a scalar. Scalars are multiplied first; they lead as numbers and beside a repeated
    vector, else they follow: 2 * X, r[:, None] * X, X * (L_bar / m).
    """
    arrays = tuple(factor for factor in factors if factor.rank)
    codes = printer.operands(form, arrays)
    small = [code for factor, code in zip(arrays, codes, strict=True) if isinstance(factor, Broadcast)]
    large = [code for code in codes if code not in small]
    above, under, numeric = _scale(printer, factors, below)
    if not above:
        return _over(_joined([*large, *small]) if codes else Code("1"), under)
    scale = _over(_joined(above), under)
    if small or numeric:
        return _joined([scale, *small, *large])
    return _joined([*large, scale]) if large else scale


def _scale(
    printer: NumpyPrinter, factors: tuple[Form, ...], below: Form | None
) -> tuple[list[Code], list[Code], bool]:
    """The scalar factors above and below the line, and whether they are numbers alone."""
    value = Mul(*(factor.value for factor in factors if isinstance(factor, Number)))
    value = value / below.value if isinstance(below, Number) else value
    called = (factor.function for factor in factors if isinstance(factor, Apply))
    whole = _is_literal(value) or leads(value, called)
    top, bottom = (value, Integer(1)) if whole else value.as_numer_denom()
    scalars = [
        printer.converted(factor) for factor in factors if not factor.rank and not isinstance(factor, Number)
    ]
    above = [*([printer.scalars.code(top)] if top != 1 else []), *scalars]
    under = [printer.scalars.code(bottom)] if bottom != 1 else []
    if below is not None and not isinstance(below, Number):
        under.append(printer.converted(below))
    return above, under, not scalars


def _is_literal(value: Expr) -> bool:
    """Whether a number is written as a decimal rather than as a ratio."""
    if isinstance(value, Rational):
        return value.p != 1 and bool(Rational(repr(float(value))) == value)
    return bool(value.is_number)


def _over(above: Code, under: list[Code]) -> Code:
    if not under:
        return above
    bottom = under[0] if len(under) == 1 else _joined(under)
    return Code(f"{above.at(PRODUCT)} / {bottom.at(POWER)}", PRODUCT)


def _joined(codes: list[Code]) -> Code:
    """A product; products inside are bracketed, for A @ B binds no tighter than *."""
    return codes[0] if len(codes) == 1 else Code(" * ".join(code.at(POWER) for code in codes), PRODUCT)

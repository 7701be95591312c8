"""Scalars in Python: numbers, sizes and loop indices. A Python number never widens an array's dtype."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import sympy
from sympy import Add, Expr, Integer, Mul, Pow, Rational

from codegen.printers.numpy_text import ATOM, POWER, PRODUCT, SIGN, SUM, Code
from derive.calculus.expressions.nodes import FloorDiv, Remainder
from derive.calculus.expressions.tensor import Index, Ref, Size
from derive.errors import DeriveError

FUNCTIONS = (
    {"Abs": "abs"}
    | {f"a{name}": f"arc{name}" for name in ("tan", "sinh", "cosh", "tanh")}
    | {name: name for name in ("exp", "log", "log1p", "expm1", "tanh", "sinh", "cosh", "sin", "cos", "tan")}
)


@dataclass
class Scalars:
    """Prints scalars; collects the names of the sizes that were used."""

    element: Callable[[Ref], Code]
    used: set[str] = field(default_factory=set)

    def code(self, value: Expr) -> Code:
        """The text of a scalar expression."""
        if isinstance(value, Size):
            self.used.add(value.name)
            return Code(value.name)
        if isinstance(value, Index):
            return Code(value.name)
        if isinstance(value, Ref):
            return self.element(value)
        if isinstance(value, FloorDiv | Remainder):
            sign = " // " if isinstance(value, FloorDiv) else " % "
            left, right = (self.code(argument) for argument in value.args)
            return Code(left.at(PRODUCT) + sign + right.at(SIGN), PRODUCT)
        if value.is_number:
            return _number(value)
        return self._composite(value)

    def _composite(self, value: Expr) -> Code:
        if isinstance(value, Add):
            return self._sum(value)
        if isinstance(value, Mul):
            return self._product(value)
        if isinstance(value, Pow):
            base, exponent = (self.code(argument) for argument in value.args)
            return Code(f"{base.atom}**{exponent.at(POWER)}", POWER)
        if isinstance(value, sympy.Function) and len(value.args) == 1 and type(value).__name__ in FUNCTIONS:
            return Code(f"float(np.{FUNCTIONS[type(value).__name__]}({self.code(value.args[0]).text}))")
        raise DeriveError(f"the scalar {value} has no NumPy spelling")

    def _sum(self, value: Add) -> Code:
        terms = sorted(value.args, key=lambda term: (term.could_extract_minus_sign(), term.is_number))
        text = self.code(terms[0]).at(SUM)
        for term in terms[1:]:
            negative = term.could_extract_minus_sign()
            inner = self.code(-term if negative else term)
            text += (" - " if negative else " + ") + inner.at(PRODUCT if negative else SUM)
        return Code(text, SUM)

    def _product(self, value: Mul) -> Code:
        if value.could_extract_minus_sign():
            return Code(f"-{self.code(-value).at(PRODUCT)}", SIGN)
        above, below = value.as_numer_denom()
        top = [self.code(factor).at(SIGN) for factor in sorted(Mul.make_args(above), key=_has_axes)]
        if below == 1:
            return Code(" * ".join(top), PRODUCT)
        return Code(f"{' * '.join(top)} / {self.code(below).at(SIGN)}", PRODUCT)


def _has_axes(factor: Expr) -> bool:
    """Elements of arrays follow the scalars of a product."""
    return isinstance(factor, Ref) and bool(factor.indices)


def _number(value: Expr) -> Code:
    if value.is_infinite:
        return Code("np.inf") if value == sympy.oo else Code("-np.inf", SIGN)
    if value == sympy.pi:
        return Code("np.pi")
    if isinstance(value, Integer):
        return Code(str(value), ATOM if value >= 0 else SIGN)
    if isinstance(value, Rational) and not _is_decimal(value):
        return Code(f"{value.p} / {value.q}", PRODUCT)
    number = float(value)
    return Code(repr(number), ATOM if number >= 0 else SIGN)


def _is_decimal(value: Rational) -> bool:
    """Whether a fraction is what its shortest decimal says, as 1/2 and 1/100000."""
    return bool(Rational(repr(float(value))) == value)

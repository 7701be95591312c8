"""The two working precisions, and every constant that follows from one: x = m 2^e, m of `digits` bits.

float     digits 24, exponents -126..127         double     digits 53, exponents -1022..1023
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import mpmath
from mpmath import mpf


@dataclass(frozen=True)
class Precision:
    """A binary format of IEEE 754."""

    real: str
    digits: int
    bias: int

    def rounded(self, value: mpf) -> mpf:
        """The nearest number of the format; ties to even."""
        with mpmath.workprec(self.digits):
            return +mpf(value)

    def literal(self, value: mpf) -> str:
        """A number of the format in C, with all its digits."""
        number = float(value)
        if mpf(number) != value or self.rounded(value) != value:
            raise ValueError(f"{value} is no {self.real}")
        text = mpmath.nstr(mpf(number), 9 if self.real == "float" else 17, strip_zeros=True)
        text = text if "." in text or "e" in text else text + ".0"
        return text + ("f" if self.real == "float" else "")

    @property
    def magic(self) -> mpf:
        """1.5 2^(digits-1): adding it rounds to an integer, which is then in the low bits."""
        return mpf(3) * mpf(2) ** (self.digits - 2)

    @property
    def smallest_exponent(self) -> int:
        """The smallest subnormal number is 2 to this."""
        return 2 - self.bias - self.digits

    def bits(self, value: mpf) -> str:
        """The bits of a normal positive number, as an integer in C."""
        mantissa, exponent = mpmath.frexp(value)
        field = (int(exponent) - 1 + self.bias) << (self.digits - 1)
        whole = field + int(mpmath.ldexp(mantissa, self.digits)) - (1 << (self.digits - 1))
        return f"{whole:#x}"

    def parts(self, value: mpf, widths: tuple[int, ...]) -> list[mpf]:
        """A constant as a sum: leading parts of so many bits, and the rest."""
        found: list[mpf] = []
        for width in widths:
            found.append(_truncated(value, width))
            value -= found[-1]
        return [*found, self.rounded(value)]


def _truncated(value: mpf, width: int) -> mpf:
    exponent = math.floor(mpmath.log(value, 2))
    scale = mpf(2) ** (width - 1 - exponent)
    return mpmath.floor(value * scale) / scale


FLOAT = Precision("float", 24, 127)
DOUBLE = Precision("double", 53, 1023)
PRECISIONS = {precision.real: precision for precision in (FLOAT, DOUBLE)}

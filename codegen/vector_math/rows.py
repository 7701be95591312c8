"""What is approximated, as data: f(r) = fixed(r) + r^factor q(u(r)) on a reduced domain.

    exp     e^r            = 1 + r q(r)           |r| <= ln(2)/2
    expm1   e^r - 1        = r + r^2 q(r)         |r| <= ln(2)/2
    log1p   ln(1 + r)      = r + r^2 q(r)         1/sqrt(2) <= 1 + r <= sqrt(2)
    sin     sin(r)/r       = 1 + u q(u)           u = r^2, |r| <= pi/4
    cos     cos(r)         = 1 + u q(u)           u = r^2, |r| <= pi/4
    erf     erf(r)/r       = 1 + q(u)             u = r^2, |r| <= 1
    erfc    (a + 4) e^(a^2) erfc(a) = q(u)        u = (a - 4)/(a + 4), a >= 0 up to where erfc(a) rounds to 0

Each domain is wider by 2^-12 of itself, for the reduced argument is itself rounded. The weight makes errors
relative to f. The last map is due to M. Shepherd and J. Laframboise (Math. Comp. 36, 1981).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mpmath
from mpmath import mpf

from codegen.vector_math.precision import Precision

Function = Callable[[mpf], mpf]
CENTRE = 4
"""Where (a - c)/(a + c) is 0."""


@dataclass(frozen=True)
class Row:
    """g and w of one fit, its domain, and how many of the last place's units it may be off: 2^-spare.

    Where c0 is no number of the format, rounding it alone costs up to 2^-2 of a unit.
    """

    name: str
    value: Function
    weight: Function
    domain: Callable[[Precision], tuple[mpf, mpf]]
    spare: int = 3


def _half_log2(_: Precision) -> tuple[mpf, mpf]:
    end = _padded(mpmath.log(2) / 2)
    return -end, end


def _around_one(_: Precision) -> tuple[mpf, mpf]:
    root = mpmath.sqrt(2)
    return 1 / root - 1 - mpf(2) ** -12, root - 1 + mpf(2) ** -12


def _eighth_turn(_: Precision) -> tuple[mpf, mpf]:
    return mpf(0), _padded(mpmath.pi / 4) ** 2


def _up_to_one(_: Precision) -> tuple[mpf, mpf]:
    return mpf(0), _padded(mpf(1))


def _mapped(precision: Precision) -> tuple[mpf, mpf]:
    end = vanishing_erfc(precision)
    return mpf(-1), (end - CENTRE) / (end + CENTRE)


def vanishing_erfc(precision: Precision) -> mpf:
    """Where erfc(a) is well below half of the smallest number; exact in either precision."""
    a, smallest = mpf(8), mpf(2) ** (precision.smallest_exponent - 1)
    while mpmath.erfc(a) > smallest:
        a += mpf(1) / 8
    return a


def _padded(end: mpf) -> mpf:
    return end * (1 + mpf(2) ** -12)


def _scaled_erfc(u: mpf) -> mpf:
    a = CENTRE * (1 + u) / (1 - u)
    return (a + CENTRE) * mpmath.exp(a * a) * mpmath.erfc(a)


def _sine(u: mpf) -> mpf:
    return mpmath.sin(mpmath.sqrt(u)) / mpmath.sqrt(u)


def _cosine(u: mpf) -> mpf:
    return mpmath.cos(mpmath.sqrt(u))


def _erf(u: mpf) -> mpf:
    return mpmath.erf(mpmath.sqrt(u)) / mpmath.sqrt(u)


ROWS = (
    Row("exp", lambda r: mpmath.expm1(r) / r, lambda r: r / mpmath.exp(r), _half_log2),
    Row("expm1", lambda r: (mpmath.expm1(r) - r) / r**2, lambda r: r**2 / mpmath.expm1(r), _half_log2),
    Row("log1p", lambda r: (mpmath.log1p(r) - r) / r**2, lambda r: r**2 / mpmath.log1p(r), _around_one),
    Row("sin", lambda u: (_sine(u) - 1) / u, lambda u: u / _sine(u), _eighth_turn),
    Row("cos", lambda u: (_cosine(u) - 1) / u, lambda u: u / _cosine(u), _eighth_turn),
    Row("erf", lambda u: _erf(u) - 1, lambda u: 1 / _erf(u), _up_to_one),
    Row("erfc", _scaled_erfc, lambda u: 1 / _scaled_erfc(u), _mapped, spare=2),
)

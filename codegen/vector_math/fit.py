"""The polynomials of one precision, fitted: the fewest coefficients that keep to 2^-spare units.

max |f - p| / |f| <= 2^-spare 2^(1-digits),   coefficients rounded one after the other
"""

from __future__ import annotations

from dataclasses import dataclass

import mpmath
from mpmath import mpf

from codegen.vector_math.precision import Precision
from codegen.vector_math.remez import deviations, minimax, rounded_minimax, sampled
from codegen.vector_math.rows import ROWS, Row

WORKING_DIGITS = 50
LARGEST_SIZE = 40


@dataclass(frozen=True)
class Polynomial:
    """Coefficients, the constant one first, and the largest error of the fit relative to f."""

    coefficients: tuple[mpf, ...]
    error: mpf


def fitted(row: Row, precision: Precision) -> Polynomial:
    """The shortest polynomial of a row that keeps to its bound."""
    with mpmath.workdps(WORKING_DIGITS):
        bound = mpf(2) ** (1 - precision.digits - row.spare)
        domain = row.domain(precision)
        for size in range(_shortest(row, domain, bound), LARGEST_SIZE):
            target = sampled(row.value, row.weight, domain, size)
            coefficients = rounded_minimax(target, size, precision.rounded)
            error = max(map(abs, deviations(target, coefficients)))
            if error <= bound:
                return Polynomial(tuple(coefficients), error)
    raise ValueError(f"{row.name} has no polynomial of {LARGEST_SIZE} coefficients within {bound}")


def fitted_all(precision: Precision) -> dict[str, Polynomial]:
    """The polynomials of all rows."""
    return {row.name: fitted(row, precision) for row in ROWS}


def _shortest(row: Row, domain: tuple[mpf, mpf], bound: mpf) -> int:
    """How many real coefficients suffice."""
    target = sampled(row.value, row.weight, domain, LARGEST_SIZE)
    low, high = 2, LARGEST_SIZE
    while low < high:
        middle = (low + high) // 2
        error = max(map(abs, deviations(target, minimax(target, middle))))
        low, high = (low, middle) if error <= bound else (middle + 1, high)
    return low

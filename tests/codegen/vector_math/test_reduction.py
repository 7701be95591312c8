"""Reduced arguments are exact but for the last part: rational arithmetic over every k that can occur."""

import math
from fractions import Fraction

import mpmath
import pytest

from codegen.vector_math.precision import DOUBLE, FLOAT, Precision
from codegen.vector_math.text import EXPONENT_BITS, TURN_LIMIT

BOTH = pytest.mark.parametrize("precision", [FLOAT, DOUBLE], ids=["float", "double"])


def digits_of(number: Fraction) -> int:
    """How many bits a number needs."""
    return (abs(number.numerator) // (number.numerator & -number.numerator or 1)).bit_length()


def parts(precision: Precision, constant: str, widths: tuple[int, ...]) -> list[Fraction]:
    with mpmath.workdps(80):
        value = {"ln2": mpmath.log(2), "half_pi": mpmath.pi / 2}[constant] * 1
        return [Fraction(float(part)) for part in precision.parts(value, widths)]


def off(found: list[Fraction], constant: str) -> float:
    """How far the sum of the parts is from the constant."""
    with mpmath.workdps(80):
        value = {"ln2": mpmath.log(2), "half_pi": mpmath.pi / 2}[constant]
        total = sum(mpmath.mpf(p.numerator) / p.denominator for p in found)
        return float(abs(total - value))


@BOTH
def test_k_times_the_leading_part_of_ln2_is_exact(precision: Precision) -> None:
    exponent_bits = EXPONENT_BITS[precision.real]
    high, low = found = parts(precision, "ln2", (precision.digits - exponent_bits,))
    largest = precision.bias + precision.digits + 2
    assert largest < 2**exponent_bits
    assert all(digits_of(k * high) <= precision.digits for k in range(1, largest + 1))
    assert off(found, "ln2") * largest < 2.0 ** -(precision.digits + 8)
    assert abs(low) < high / 2 ** (precision.digits - exponent_bits - 1)


@BOTH
def test_x_less_k_high_is_exact(precision: Precision) -> None:
    """Both ends of each k's numbers x, and its middle: the difference fits the digits of the format."""
    (high, _), digits = (
        parts(precision, "ln2", (precision.digits - EXPONENT_BITS[precision.real],)),
        precision.digits,
    )
    for k in range(1, precision.bias + digits + 2):
        for place in (Fraction(-1, 2), Fraction(-1, 3), Fraction(0), Fraction(1, 7), Fraction(1, 2)):
            x = nearest((k + place) * Fraction(math.log(2)), digits)
            assert x == k * high or digits_of(x - k * high) <= digits, (k, place)


def nearest(x: Fraction, digits: int) -> Fraction:
    """A number of so many digits."""
    scale = Fraction(2) ** (digits - 1 - math.floor(math.log2(x)))
    return Fraction(round(x * scale)) / scale


def test_k_times_the_parts_of_half_pi_is_exact() -> None:
    """For doubles two parts of 36 bits, for floats (reduced in double) one; k < 2^16 up to the limit."""
    largest = math.ceil(TURN_LIMIT * 2 / math.pi) + 1
    assert largest < 2**17
    first, second, third = parts(DOUBLE, "half_pi", (36, 36))
    assert all(digits_of(part) <= 36 for part in (first, second))
    assert 36 + largest.bit_length() <= 53
    assert off([first, second, third], "half_pi") * largest < 2.0**-105
    assert off(parts(DOUBLE, "half_pi", (36,)), "half_pi") * largest < 2.0**-70


def test_no_float_below_the_limit_is_so_near_to_a_multiple_that_double_fails() -> None:
    """min |x - k pi/2| over all k and the two floats beside each multiple; the reduction is off by 2^-70."""
    with mpmath.workdps(60):
        half_pi = Fraction(int(mpmath.floor(mpmath.pi / 2 * mpmath.mpf(2) ** 150)), 2**150)
    smallest = Fraction(1)
    for k in range(1, math.ceil(TURN_LIMIT * 2 / math.pi) + 1):
        multiple = k * half_pi
        smallest = min(smallest, abs(nearest(multiple, 24) - multiple))
    assert smallest > Fraction(1, 2**36)


def test_planted_a_wider_part_is_not_exact() -> None:
    high = parts(FLOAT, "ln2", (20,))[0]
    assert any(digits_of(k * high) > 24 for k in range(1, 150))

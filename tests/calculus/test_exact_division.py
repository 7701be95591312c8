"""Sizes are integers: (4 a + 6)//2 is 2 a + 3."""

import pytest
from sympy import Integer

from derive.calculus.expressions.nodes import FloorDiv, Remainder
from derive.calculus.expressions.tensor import Index, Size

a, b, i = Size("a"), Size("b"), Index("i")


@pytest.mark.parametrize(
    ("size", "divisor"), [(4 * a + 6, 2), (6 * a * b + 3 * b + 7, 3), (2 * a - 1, 2), (4 * a + 7, 4)]
)
def test_the_quotient_is_that_of_every_size(size: object, divisor: int) -> None:
    quotient, rest = FloorDiv(size, Integer(divisor)), Remainder(size, Integer(divisor))
    assert not quotient.atoms(FloorDiv)
    for x in range(1, 6):
        for y in range(1, 4):
            number = int(size.subs({a: x, b: y}))  # type: ignore[attr-defined]
            assert int(quotient.subs({a: x, b: y})) == number // divisor
            assert int(rest.subs({a: x, b: y})) == number % divisor


def test_others_stay() -> None:
    assert FloorDiv(3 * a, Integer(2)).func is FloorDiv
    assert FloorDiv(2 * i, Integer(2)).func is FloorDiv
    assert FloorDiv(a, b).func is FloorDiv

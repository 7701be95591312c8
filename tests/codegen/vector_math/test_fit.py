"""Fits: best approximations, and what is kept is what is fitted, to the bit."""

import mpmath
import pytest
from mpmath import mpf

from codegen.vector_math.coefficients import as_kept, kept
from codegen.vector_math.fit import fitted
from codegen.vector_math.precision import DOUBLE, FLOAT, PRECISIONS
from codegen.vector_math.remez import Target, deviations, minimax, rounded_minimax, sampled
from codegen.vector_math.rows import ROWS

BY_NAME = {row.name: row for row in ROWS}
QUICK = ("exp", "expm1", "sin", "cos", "erf")


def square_grid() -> Target:
    return sampled(lambda u: u**2, lambda u: mpf(1), (mpf(-1), mpf(1)), 2)


def test_the_best_line_for_a_square_is_one_half() -> None:
    """|u^2 - 1/2| <= 1/2 on [-1, 1], by Chebyshev; 0 is not on the grid."""
    constant, slope = minimax(square_grid(), 2)
    assert abs(constant - mpf(1) / 2) < 1e-3
    assert abs(slope) < 1e-12


def test_the_error_alternates() -> None:
    target = sampled(mpmath.exp, lambda u: mpf(1), (mpf(0), mpf(1)), 4)
    errors = deviations(target, minimax(target, 4))
    largest = max(map(abs, errors))
    tops = [error for error in errors if abs(error) > largest * (1 - mpf(10) ** -6)]
    assert [error > 0 for error in tops] in ([i % 2 == s for i in range(5)] for s in (0, 1))


def test_rounding_one_after_the_other_beats_rounding_at_once() -> None:
    row = BY_NAME["exp"]
    with mpmath.workdps(50):
        target = sampled(row.value, row.weight, row.domain(FLOAT), 6)
        one_by_one = rounded_minimax(target, 6, FLOAT.rounded)
        at_once = [FLOAT.rounded(c) for c in minimax(target, 6)]
        first, second = (max(map(abs, deviations(target, c))) for c in (one_by_one, at_once))
    assert first < second


@pytest.mark.parametrize("name", QUICK)
def test_float_is_kept_as_fitted(name: str) -> None:
    assert as_kept({name: fitted(BY_NAME[name], FLOAT)})[name] == kept()["float"]["polynomials"][name]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(BY_NAME) - set(QUICK)))
def test_float_is_kept_as_fitted_slowly(name: str) -> None:
    assert as_kept({name: fitted(BY_NAME[name], FLOAT)})[name] == kept()["float"]["polynomials"][name]


@pytest.mark.long
@pytest.mark.parametrize("name", BY_NAME)
def test_double_is_kept_as_fitted(name: str) -> None:
    assert as_kept({name: fitted(BY_NAME[name], DOUBLE)})[name] == kept()["double"]["polynomials"][name]


@pytest.mark.parametrize("real", PRECISIONS)
def test_what_is_kept_keeps_to_its_bound(real: str) -> None:
    precision = PRECISIONS[real]
    for name, row in kept()[real]["polynomials"].items():
        assert float.fromhex(row["error"]) <= 2.0 ** (1 - precision.digits - BY_NAME[name].spare), name
        assert all(precision.rounded(mpf(float.fromhex(c))) == float.fromhex(c) for c in row["coefficients"])

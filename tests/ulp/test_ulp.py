"""The largest error of emitted float32 over the whole range, in units of the last place (ulp).

What is counted, and why (docs/decisions/0012-counting-ulp.md):

* a normal result, in its own ulp;
* a derivative that crosses 0, in the larger of its own ulp and 1/128 ulp of x f''(x), by which it changes
  where x does relatively: next to the zero no formula knows more than x itself does, and its own ulp shrinks
  to nothing. The bounds 256 and 512 then say 2 and 4 roundings of x there; in the tails the
  unit is up to twice the ulp;
* a result below |x| 2^-126, faint, in its ulp as well, but to 64 at least: x exp(-|x|) has no more digits
  than exp(-|x|), which is subnormal there.

`-m long` tries all finite numbers (every.py, which prints the errors as a command); the rest of the time 4.2
million of them, some of each exponent, and all near -2.04, where softplus = log1p(exp(-|x|)) counts the
errors of both functions in full.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import mpmath
import numpy as np
import pytest

from tests.codegen.emitted_c import COMPILERS, Array
from tests.ulp.emitted import Pair, in_c, in_numpy
from tests.ulp.every import worst_of_all
from tests.ulp.functions import FUNCTIONS, Function
from tests.ulp.inputs import around, stratified

TARGETS = [
    pytest.param(in_numpy, id="numpy"),
    pytest.param(
        in_c, id="c", marks=(pytest.mark.compiler, pytest.mark.skipif(not COMPILERS, reason="no C compiler"))
    ),
]
Emit = Callable[[str, Path], Callable[[Array], Pair]]
SMALLEST = 2.0**-126
FAINT_ULP = 64
SHARE = 128
"""The part of a rounding of x that is one unit where a derivative crosses 0."""


@dataclass(frozen=True)
class Errors:
    """The largest errors in ulp: of normal results, of faint ones, and of all in their own ulp."""

    normal: float
    faint: float
    plain: float


def errors(x: Array, found: Array, right: Array, change: Array | None = None) -> Errors:
    """The largest errors; infinite where something is not a number."""
    with np.errstate(all="ignore"):
        own = _ulp(right)
        unit = own if change is None else np.maximum(own, _ulp(change) / SHARE)
        off = np.abs(found.astype(np.float64) - right)
    counted, plain = (np.where(np.isfinite(off), off / u, np.inf) for u in (unit, own))
    faint = np.abs(right) < SMALLEST * np.maximum(np.abs(x), 1)
    return Errors(counted[~faint].max(initial=0), counted[faint].max(initial=0), float(plain.max()))


def _ulp(right: Array) -> Array:
    return np.spacing(np.minimum(np.abs(right), np.finfo(np.float32).max).astype(np.float32)).astype(float)


@dataclass(frozen=True)
class Right:
    """Where a function is taken, its value and gradient there, and x f''(x) if the derivative crosses 0."""

    x: Array
    value: Array
    gradient: Array
    change: Array | None

    @classmethod
    def of(cls, function: Function, x: Array) -> "Right":
        wide = x.astype(np.float64)
        change = function.change(wide) if function.crosses else None
        return cls(wide, function.value(wide), function.gradient(wide), change)


@lru_cache(maxsize=1)
def right_at_stratified(name: str) -> Right:
    """What both targets are compared with."""
    return Right.of(FUNCTIONS[name], np.concatenate([stratified(), around(-2.04)]))


def both_errors(found: Pair, right: Right) -> tuple[Errors, Errors]:
    """The errors of value and gradient."""
    value = errors(right.x, found[0], right.value)
    return value, errors(right.x, found[1], right.gradient, right.change)


def asserted(name: str, found: Pair, right: Right) -> None:
    """Both errors within their bounds."""
    function = FUNCTIONS[name]
    bounds = (function.value_ulp, function.gradient_ulp)
    for what, bound in zip(both_errors(found, right), bounds, strict=True):
        assert what.normal <= bound, (name, what)
        assert what.faint <= max(bound, FAINT_ULP), (name, what)


@pytest.mark.parametrize("emit", TARGETS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors_are_small_over_the_whole_range(name: str, emit: Emit, tmp_path: Path) -> None:
    right = right_at_stratified(name)
    asserted(name, emit(name, tmp_path)(right.x.astype(np.float32)), right)


@pytest.mark.long
@pytest.mark.compiler
@pytest.mark.skipif(not COMPILERS, reason="no C compiler to compare in")
@pytest.mark.parametrize("target", ["numpy", "c"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors_are_small_at_every_number(name: str, target: str) -> None:
    function = FUNCTIONS[name]
    bounds = (function.value_ulp, function.gradient_ulp)
    for worst, bound in zip(worst_of_all(name, target), bounds, strict=True):
        assert worst.normal <= bound, (name, worst.normal_at)
        assert worst.faint <= max(bound, FAINT_ULP), (name, worst.faint_at)


def test_an_error_counts_in_its_own_ulp_but_where_a_derivative_crosses_zero() -> None:
    x, right = np.ones(2), np.array([1.0, 2.0**-20])
    off = right + 2.0**-23
    assert errors(x, off, right) == Errors(2.0**20, 0, 2.0**20)
    assert errors(x, off, right, x) == Errors(SHARE, 0, 2.0**20)
    assert errors(x, off * np.nan, right).normal == np.inf


def test_faint_results_are_counted_apart() -> None:
    x, right = np.array([-100.0]), np.array([2.0**-121])
    assert errors(x, right + 2.0**-143, right) == Errors(0, 2, 2)
    assert errors(x, right * np.nan, right).faint == np.inf
    assert errors(x / 10, right + 2.0**-143, right) == Errors(2, 0, 2)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_references_are_right(name: str) -> None:
    """To 1e-12 of the value, or of 1 where it crosses 0, with 60 digits and more at both ends."""
    function = FUNCTIONS[name]
    narrow = name.startswith("gelu")
    ends = np.linspace(-40, 4 if narrow else 6.9, 100)
    x = np.concatenate([s * 2.0**ends for s in (-1, 1)]).astype(np.float32)
    wide = x.astype(np.float64)
    for found, order in ((function.value(wide), 0), (function.gradient(wide), 1)):
        with mpmath.workdps(400 if narrow else 150):
            right = [mpmath.diff(function.exact, mpmath.mpf(v), order) for v in wide.tolist()]
        for place, (a, b) in enumerate(zip(found.tolist(), right, strict=True)):
            assert abs(a - b) <= 1e-12 * abs(b) + 1e-300, (wide[place], order)

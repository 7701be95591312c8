"""The functions whose error is bounded in ulp: formula, bounds, and what is right, in doubles.

Each reference has no cancellation but where the derivative crosses 0, and is compared with 50 digits.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import mpmath
import numpy as np

from tests.codegen.emitted_c import Array

Reference = Callable[[Array], Array]


@dataclass(frozen=True)
class Function:
    """A formula in x[i], the largest errors of value and gradient in ulp, both in doubles and in digits.

    `crosses` says whether the derivative is 0 at some x other than 0.
    """

    formula: str
    value_ulp: float
    gradient_ulp: float
    value: Reference
    gradient: Reference
    exact: Callable[[mpmath.mpf], mpmath.mpf]
    crosses: bool = False

    def change(self, x: Array) -> Array:
        """x f''(x): how much the derivative changes with the relative change of x."""
        step = 2.0**-16
        return (self.gradient(x * (1 + step)) - self.gradient(x * (1 - step))) / (2 * step)


def _decay(x: Array) -> Array:
    return np.exp(-np.abs(x))


def _sigmoid(x: Array) -> Array:
    return np.where(x >= 0, 1, _decay(x)) / (1 + _decay(x))


def _sigmoid_slope(x: Array) -> Array:
    return _decay(x) / (1 + _decay(x)) ** 2


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(_decay(x))


def _silu_slope(x: Array) -> Array:
    """s(x) (1 + x s(-x))."""
    bounded = np.clip(x, -1e3, 1e3)
    return _sigmoid(x) * (1 + bounded * _sigmoid(-bounded))


_erfc = np.frompyfunc(math.erfc, 1, 1)


def _normal(x: Array) -> Array:
    """P(a normal number < x)."""
    return np.asarray(_erfc(np.clip(x, -40, 40) * -math.sqrt(0.5)), float) / 2


def _gelu(x: Array) -> Array:
    return x * _normal(x)


def _gelu_slope(x: Array) -> Array:
    bounded = np.clip(x, -40, 40)
    return _normal(x) + bounded * np.exp(-bounded * bounded / 2) / math.sqrt(2 * math.pi)


_SLOPE = 2 * math.sqrt(2 / math.pi)


def _inner(x: Array) -> Array:
    return _SLOPE * (x + 0.044715 * x**3)


def _gelu_tanh(x: Array) -> Array:
    return x * _sigmoid(_inner(x))


def _gelu_tanh_slope(x: Array) -> Array:
    bounded = np.clip(x, -30, 30)
    inner = _inner(bounded)
    slope = _SLOPE * (1 + 3 * 0.044715 * bounded**2)
    return _sigmoid(inner) * (1 + bounded * slope * _sigmoid(-inner))


def _exact_sigmoid(x: mpmath.mpf) -> mpmath.mpf:
    return 1 / (1 + mpmath.exp(-x))


FUNCTIONS = {
    "sigmoid": Function("1/(1 + exp(-x[i]))", 3, 5, _sigmoid, _sigmoid_slope, _exact_sigmoid),
    "tanh": Function("tanh(x[i])", 2, 5, np.tanh, lambda x: 4 * _sigmoid_slope(2 * x), mpmath.tanh),
    "softplus": Function(
        "log(1 + exp(x[i]))", 3, 3, _softplus, _sigmoid, lambda x: mpmath.log(1 + mpmath.exp(x))
    ),
    "silu": Function(
        "x[i]/(1 + exp(-x[i]))",
        5,
        256,
        lambda x: x * _sigmoid(x),
        _silu_slope,
        lambda x: x * _exact_sigmoid(x),
        crosses=True,
    ),
    "gelu_tanh": Function(
        "x[i] (1 + tanh(sqrt(2/pi) (x[i] + 0.044715 x[i]^3)))/2",
        256,
        512,
        _gelu_tanh,
        _gelu_tanh_slope,
        lambda x: x * (1 + mpmath.tanh(mpmath.sqrt(2 / mpmath.pi) * (x + x**3 * 44715 / 10**6))) / 2,
        crosses=True,
    ),
    "gelu_erf": Function(
        "x[i] (1 + erf(x[i]/sqrt(2)))/2",
        256,
        512,
        _gelu,
        _gelu_slope,
        lambda x: x * (1 + mpmath.erf(x / mpmath.sqrt(2))) / 2,
        crosses=True,
    ),
}

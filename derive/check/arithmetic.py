"""Number systems for the reference interpreter: float64, float32, or any number of decimal digits.

Integers are int64 in each of them. What has no value (log of a negative number, 1/0) is nan or infinite,
never an error: a guard may hide it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import mpmath
import numpy as np
from sympy import Expr

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Number: TypeAlias = str | int
SHARED_NAMES = ("exp", "log", "tanh", "sinh", "cosh", "sin", "cos", "tan", "log1p", "expm1", "sign")
INVERSE = ("atan", "asinh", "acosh", "atanh")


@dataclass(frozen=True)
class Arithmetic:
    """How reals are held, converted and mapped."""

    name: str
    dtype: np.dtype[Any]
    functions: Mapping[str, Callable[[Any], Any]]
    power: Callable[[Any, Any], Any]
    constant: Callable[[Expr], Any]
    convert: Callable[[Any], Any]

    def cast(self, values: Any) -> Array:
        """The values as reals of this arithmetic; decimal digits take floats exactly."""
        array = np.asarray(values)
        if array.dtype == self.dtype and self.dtype != object:
            return array
        with np.errstate(all="ignore"):  # nan stands for what is not there
            return np.asarray(self.convert(array), dtype=self.dtype)

    def filled(self, shape: tuple[int, ...], value: float) -> Array:
        """An array of one value."""
        return np.full(shape, self.cast(value)[()], dtype=self.dtype)


@cache
def arithmetic(number: Number) -> Arithmetic:
    """The arithmetic of "float64", "float32", or of so many decimal digits."""
    if isinstance(number, int):
        return _decimal(number)
    if number not in ("float64", "float32"):
        raise ValueError(f"number is 'float64', 'float32' or a count of digits, not {number!r}")
    return _binary(np.dtype(number))


def _binary(dtype: np.dtype[Any]) -> Arithmetic:
    functions = {name: getattr(np, name) for name in SHARED_NAMES}
    functions |= {name: getattr(np, f"arc{name[1:]}") for name in INVERSE}
    functions["Abs"] = np.abs
    functions |= {name: _rounded(np.frompyfunc(getattr(math, name), 1, 1), dtype) for name in ("erf", "erfc")}

    def constant(expression: Expr) -> Any:
        return dtype.type(float(expression))

    return Arithmetic(dtype.name, dtype, functions, np.power, constant, lambda array: array.astype(dtype))


def _rounded(function: Callable[[Any], Any], dtype: np.dtype[Any]) -> Callable[[Any], Any]:
    return lambda values: np.asarray(function(values)).astype(dtype)


def _decimal(digits: int) -> Arithmetic:
    context = mpmath.MPContext()
    context.dps = digits
    names = (*SHARED_NAMES, *INVERSE, "erf", "erfc")
    functions = {name: _defined(context, getattr(context, name)) for name in names}
    functions["Abs"] = _defined(context, abs)

    def constant(expression: Expr) -> Any:
        if expression.is_Rational:
            return context.mpf(int(expression.p)) / int(expression.q)
        return (
            context.mpf(str(expression.evalf(digits + 5)))
            if expression.is_finite
            else context.mpf(float(expression))
        )

    convert = np.frompyfunc(context.convert, 1, 1)
    power = np.frompyfunc(_real_or_nan(context, context.power), 2, 1)
    return Arithmetic(f"{digits} digits", np.dtype(object), functions, power, constant, convert)


def _defined(context: Any, function: Callable[..., Any]) -> Callable[[Any], Any]:
    return np.frompyfunc(_real_or_nan(context, function), 1, 1)


def _real_or_nan(context: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function where its value is real; nan where it is complex, infinite where it divides by 0."""

    def total(*arguments: Any) -> Any:
        try:
            value = function(*arguments)
        except ZeroDivisionError:
            return context.inf
        except (ValueError, OverflowError):
            return context.nan
        return value if isinstance(value, context.mpf) else context.nan

    return total

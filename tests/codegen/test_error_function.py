"""erf and erfc, which NumPy lacks: the emitted functions against 40 digits, and their derivatives."""

from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from sympy import exp, pi, sqrt

from codegen.numpy.fallbacks import fallbacks
from derive.calculus.definition.define import define
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.functions import erfc
from derive.calculus.expressions.tensor import Tensor
from tests.codegen.emitted_numpy import imported

BOUNDS = {"erf": 5, "erfc": 8}


def emitted(name: str, folder: Path) -> Any:
    source = "\n\n\n".join(["import numpy as np", *fallbacks({name})])
    return getattr(imported(source, folder, name), name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", BOUNDS)
def test_errors_in_ulp(name: str, dtype: type, tmp_path: Path, rng: np.random.Generator) -> None:
    end = {"erf": 6.0, "erfc": 10.0 if dtype is np.float32 else 26.5}[name]
    x = np.concatenate(
        [rng.uniform(-6, end, 1500), rng.uniform(-1, 5, 1500), 2.0 ** rng.uniform(-40, 1, 500)]
    )
    x = np.concatenate([x, -(2.0 ** rng.uniform(-40, 1, 500)), [0.46875, -0.46875, 4.0, -4.0]]).astype(dtype)
    found = emitted(name, tmp_path)(x)
    assert found.dtype == dtype
    with mpmath.workdps(40):
        right = [getattr(mpmath, name)(mpmath.mpf(v)) for v in x.tolist()]
        errors = [abs(float(mpmath.mpf(a) - b)) for a, b in zip(found.tolist(), right, strict=True)]
    ulp = np.spacing(np.abs(np.array(right, float)).astype(dtype)).astype(float)
    assert (np.array(errors) / ulp).max() <= BOUNDS[name]


def test_ends(tmp_path: Path) -> None:
    ends = np.array([np.inf, -np.inf, 1e20, -1e20, np.nan])
    np.testing.assert_array_equal(emitted("erfc", tmp_path)(ends), [0, 2, 0, 2, np.nan])
    np.testing.assert_array_equal(emitted("erf", tmp_path)(ends), [1, -1, 1, -1, np.nan])


def test_erfc_of_a_negative_argument_stays_whole() -> None:
    x = Tensor("x", ())[()]
    assert isinstance(erfc(-x), erfc)
    assert erfc(0 * x) == 1


def test_its_derivative_is_sympys() -> None:
    program = vjp(define("tail(x) -> y\n    y = erfc(x)"))
    x, bar = Tensor("x", ())[()], Tensor("y_bar", ())[()]
    (last,) = program.defining("x_bar")
    assert (last.value + 2 * exp(-(x**2)) / sqrt(pi) * bar).equals(0)

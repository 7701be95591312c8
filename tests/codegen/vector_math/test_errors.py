"""The largest error in units of the last place, on the kernel sets that this machine runs; the same bits.

Float: 4.2 million numbers of every exponent and sign, -m long all of them. Double: half a million.
"""

import ctypes
import shutil
from functools import cache
from pathlib import Path

import mpmath
import numpy as np
import pytest

from codegen.vector_math.coefficients import measured
from codegen.vector_math.kernel_sets import BY_NAME, KERNEL_SETS
from codegen.vector_math.measure import Array, applied, compiled, references, runnable, stratified, units
from codegen.vector_math.program import program
from codegen.vector_math.text import PARTS
from tests.codegen.emitted_c import COMPILERS, run
from tests.ulp.inputs import every

pytestmark = [pytest.mark.compiler, pytest.mark.skipif("gcc" not in COMPILERS, reason="no gcc")]
SETS = [each.name for each in KERNEL_SETS if runnable(each)]
BINS = {"float": 8192, "double": 128}
CLOSE = ("exp", "log", "tanh", "logistic")
SPECIAL: dict[str, list[float]] = {
    # at      inf      -inf       nan       0.0   -0.0
    "exp": [np.inf, 0.0, np.nan, 1.0, 1.0],
    "expm1": [np.inf, -1.0, np.nan, 0.0, -0.0],
    "log": [np.inf, np.nan, np.nan, -np.inf, -np.inf],
    "log1p": [np.inf, np.nan, np.nan, 0.0, -0.0],
    "tanh": [1.0, -1.0, np.nan, 0.0, -0.0],
    "logistic": [1.0, 0.0, np.nan, 0.5, 0.5],
    "erf": [1.0, -1.0, np.nan, 0.0, -0.0],
    "erfc": [0.0, 2.0, np.nan, 1.0, 1.0],
    "sin": [np.nan, np.nan, np.nan, 0.0, -0.0],
    "cos": [np.nan, np.nan, np.nan, 1.0, 1.0],
    "sqrt": [np.inf, np.nan, np.nan, 0.0, -0.0],
    "rsqrt": [0.0, np.nan, np.nan, np.inf, -np.inf],
}


def bound(real: str, name: str) -> float:
    return 2 if real == "float" and name in CLOSE else 4


@cache
def inputs(real: str) -> Array:
    return stratified(real, BINS[real], seed=7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vector_math")


@pytest.fixture(scope="module")
def right(folder: Path) -> ctypes.CDLL:
    return references(folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("real", ["float", "double"])
def test_errors_keep_to_their_bounds(real: str, name: str, right: ctypes.CDLL, tmp_path: Path) -> None:
    x = inputs(real)
    exact = applied(right, f"right_{name}", x.astype(np.longdouble))
    for kernels in SETS:
        found = applied(compiled([name], real, BY_NAME[kernels], tmp_path), f"all_{name}", x)
        error = units(found, exact)
        worst = int(np.argmax(error))
        assert error[worst] <= bound(real, name), (kernels, x[worst], found[worst], error[worst])


@pytest.mark.long
@pytest.mark.parametrize("name", PARTS)
def test_errors_keep_to_their_bounds_at_every_float(name: str, right: ctypes.CDLL, tmp_path: Path) -> None:
    libraries = {kernels: compiled([name], "float", BY_NAME[kernels], tmp_path) for kernels in SETS}
    for x in every():
        exact = applied(right, f"right_{name}", x.astype(np.longdouble))
        for kernels, library in libraries.items():
            error = units(applied(library, f"all_{name}", x), exact).max()
            assert error <= bound("float", name), (kernels, x[0], error)


@pytest.mark.parametrize("kernels", SETS)
@pytest.mark.parametrize("real", ["float", "double"])
def test_special_numbers(real: str, kernels: str, folder: Path) -> None:
    x = np.resize(np.array([np.inf, -np.inf, np.nan, 0.0, -0.0]), 80).astype(inputs(real).dtype)
    library = compiled(PARTS, real, BY_NAME[kernels], folder)
    for name, expected in SPECIAL.items():
        found = applied(library, f"all_{name}", x)[:5]
        assert np.array_equal(found, np.array(expected, x.dtype), equal_nan=True), (name, found)
        number = ~np.isnan(found)
        assert (np.signbit(found) == np.signbit(expected))[number].all(), (name, found)


@pytest.mark.skipif("clang" not in COMPILERS, reason="no clang")
@pytest.mark.parametrize("kernels", SETS)
@pytest.mark.parametrize("real", ["float", "double"])
def test_gcc_and_clang_agree_in_bits(real: str, kernels: str, folder: Path) -> None:
    x = stratified(real, 64, seed=3)
    both = [compiled(PARTS, real, BY_NAME[kernels], folder, compiler) for compiler in ("gcc", "clang")]
    for name in PARTS:
        first, second = (applied(library, f"all_{name}", x) for library in both)
        number = ~(np.isnan(first) & np.isnan(second))
        assert first[number].tobytes() == second[number].tobytes(), name


@pytest.mark.parametrize("real", ["float", "double"])
def test_the_error_that_is_printed_is_within_the_bound(real: str) -> None:
    for name in PARTS:
        assert {"avx512", "avx2", "sse2", "plain"} <= set(measured(real, name))
        assert max(measured(real, name).values()) <= bound(real, name), name


def test_the_reference_is_right_in_fifty_digits(right: ctypes.CDLL) -> None:
    x = stratified("double", 16)[::37].astype(np.longdouble)
    x = x[(np.abs(x) < 1e5) & (np.abs(x) > 1e-300)]
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.choice(x, 200), rng.uniform(-30, 30, 200)]).astype(np.longdouble)
    functions = {
        **{name: getattr(mpmath, name) for name in ("exp", "expm1", "tanh", "erf", "erfc", "sin", "cos")},
        "logistic": lambda v: 1 / (1 + mpmath.exp(-v)),
    }
    for name, function in functions.items():
        found = applied(right, f"right_{name}", x)
        with mpmath.workdps(50):
            for v, y in zip(x, found, strict=True):
                exact = function(mpmath.mpf(float(v)))
                if 1e-300 < abs(exact) < 1e300:
                    assert (
                        abs(mpmath.mpf(float(y)) + mpmath.mpf(float(y - float(y))) - exact)
                        < abs(exact) * 2.0**-61
                    )


def test_an_error_is_seen() -> None:
    right = np.array([1.0, 2.0, np.inf, np.nan], np.longdouble)
    found = np.array([1 + 2.0**-22, 2.0, np.inf, np.nan], np.float32)
    assert units(found, right).tolist() == [2, 0, 0, 0]
    assert units(found[[0, 1, 0, 1]], right).tolist()[2:] == [np.inf, np.inf]


MAIN = """
#include <stdio.h>
int main(void)
{{
    static real x[4096], y[4096];
    unsigned state = 1;
    for (int i = 0; i < 4096; i++) {{
        state = state * 1664525u + 1013904223u;
        x[i] = (real)((int)(state >> 8) - 8388608) / (real)1e5;
    }}
    {calls}
    return 0;
}}
"""
EMULATED = ("aarch64-linux-gnu-gcc", "qemu-aarch64")


@pytest.mark.skipif(not all(map(shutil.which, EMULATED)), reason="no cross compiler or emulator of AArch64")
@pytest.mark.skipif("avx2" not in SETS, reason="no AVX2")
@pytest.mark.parametrize("real", ["float", "double"])
def test_neon_has_the_bits_of_avx2(real: str, tmp_path: Path) -> None:
    """Both have fused multiply-add, and 2^k in two factors."""
    calls = "".join(
        f'all_{name}(x, y, 4096); for (int i = 0; i < 4096; i++) printf("%a\\n", (double)y[i]);\n'
        for name in sorted(PARTS)
    )
    printed = []
    for kernels, compiler, emulator in (("neon", EMULATED[0], [EMULATED[1]]), ("avx2", "gcc", [])):
        source = tmp_path / f"{kernels}.c"
        source.write_text(program(PARTS, real, BY_NAME[kernels]) + MAIN.format(calls=calls), encoding="utf-8")
        run(compiler, "-O2", "-std=gnu11", "-static", source, "-o", tmp_path / kernels, "-lm")
        printed.append(run(*emulator, tmp_path / kernels).replace("-nan", "nan"))
    assert printed[0].count("\n") == 4096 * len(PARTS)
    assert printed[0] == printed[1]

"""The largest error of each function in units of the last place, over numbers of every exponent and sign.

    ulp(y) = spacing of `real` at y, at least the smallest subnormal number;  |f(x) - y| / ulp(y)

The reference is the long double of libm, whose error is 2^-11 of a double's unit and less.
"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from codegen.vector_math.kernel_sets import KERNEL_SETS, KernelSet
from codegen.vector_math.program import program
from codegen.vector_math.text import PARTS

Array = np.ndarray[Any, np.dtype[Any]]
REFERENCES = """
#include <math.h>
#define OVER(name, f) void right_##name(const long double *x, long double *y, long n); \\
    void right_##name(const long double *x, long double *y, long n) \\
    { for (long i = 0; i < n; i++) { long double v = x[i]; y[i] = f; } }
OVER(exp, expl(v)) OVER(expm1, expm1l(v)) OVER(log, logl(v)) OVER(log1p, log1pl(v)) OVER(tanh, tanhl(v))
OVER(logistic, v < 0 ? expl(v) / (1 + expl(v)) : 1 / (1 + expl(-v)))
OVER(erf, erfl(v)) OVER(erfc, erfcl(v)) OVER(sin, sinl(v)) OVER(cos, cosl(v))
OVER(sqrt, sqrtl(v)) OVER(rsqrt, 1 / sqrtl(v))
"""
FLAGS = ("-O2", "-std=gnu11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-fPIC", "-shared")
RANGES = {"float": (np.uint32, 23, 255), "double": (np.uint64, 52, 2047)}


def stratified(real: str, bins: int, seed: int = 0) -> Array:
    """Of each sign and exponent one number in each bin, both ends exactly; then what has no exponent."""
    word, fraction, exponents = RANGES[real]
    rng, width = np.random.default_rng(seed), 2**fraction // bins
    mantissas = np.arange(bins, dtype=np.int64) * width + rng.integers(0, width, (2, exponents, bins))
    mantissas[..., 0], mantissas[..., -1] = 0, 2**fraction - 1
    places = np.arange(2 * exponents).reshape(2, exponents, 1)
    fields = (places // exponents * (exponents + 1) + places % exponents).astype(word)
    drawn = (mantissas.astype(word) + (fields << word(fraction))).ravel().view(real_type(real))
    extra = np.array([np.inf, -np.inf, np.nan, 1e30], drawn.dtype)
    padding = np.ones(-(drawn.size + extra.size) % 64, drawn.dtype)
    return np.concatenate([drawn, extra, padding])


def real_type(real: str) -> type[np.floating[Any]]:
    """NumPy's name of it."""
    return np.float32 if real == "float" else np.float64


def runnable(kernels: KernelSet) -> bool:
    """Whether this machine can run a kernel set."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return kernels.name == "plain"
    return set(kernels.needs) <= set(flags)


def compiled(
    functions: Iterable[str], real: str, kernels: KernelSet, folder: Path, compiler: str = "gcc"
) -> ctypes.CDLL:
    """The functions of a set as loops over arrays."""
    source = folder / f"{kernels.name}_{real}_{compiler}.c"
    source.write_text(program(functions, real, kernels), encoding="utf-8")
    return built(source, compiler)


def references(folder: Path) -> ctypes.CDLL:
    """The same in long double."""
    source = folder / "references.c"
    source.write_text(REFERENCES, encoding="utf-8")
    return built(source, "gcc")


def built(source: Path, compiler: str) -> ctypes.CDLL:
    """One file as a shared library."""
    library = source.with_suffix(".so")
    subprocess.run([compiler, *FLAGS, str(source), "-o", str(library), "-lm"], check=True)
    return ctypes.CDLL(str(library))


def applied(library: ctypes.CDLL, name: str, x: Array) -> Array:
    """y = f(x), by a function over arrays."""
    y = np.empty_like(x)
    library[name](ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data), ctypes.c_long(x.size))
    return y


def units(found: Array, right: Array) -> Array:
    """The error of each number in units of the last place; infinite where kinds differ, 0 where alike."""
    largest = np.finfo(found.dtype).max
    with np.errstate(all="ignore"):
        rounded = right.astype(found.dtype)
        unit = np.spacing(np.minimum(np.abs(rounded), largest)).astype(np.longdouble)
        off = np.abs(found.astype(np.longdouble) - right) / unit
        alike = np.isnan(found) & np.isnan(right) | (found == rounded) & ~np.isfinite(rounded)
        off = np.where(np.isfinite(off), off, np.where(alike, 0, np.inf))
        return np.where(np.isinf(rounded) & np.isinf(found) & (found == rounded), 0, off)


def largest_errors(real: str, bins: int) -> dict[str, dict[str, float]]:
    """By function and kernel set, for the sets that this machine can run."""
    x = stratified(real, bins)
    sets = [each for each in KERNEL_SETS if runnable(each)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        right, libraries = references(folder), {s.name: compiled(PARTS, real, s, folder) for s in sets}
        found: dict[str, dict[str, float]] = {}
        for function in PARTS:
            exact = applied(right, f"right_{function}", x.astype(np.longdouble))
            found[function] = {
                kernels: float(units(applied(library, f"all_{function}", x), exact).max())
                for kernels, library in libraries.items()
            }
    return found

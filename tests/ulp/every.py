"""The largest errors at all finite float32 numbers: python -m tests.ulp.every [NAME ...] [--target numpy|c].

The emitted code runs in chunks that stay in cache; right values and errors are computed in C (reference.c),
so that one function and target take some minutes of one core.
"""

from __future__ import annotations

import argparse
import ctypes
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.codegen.emitted_c import Array, library, pointer
from tests.ulp.emitted import Pair, in_c, in_numpy
from tests.ulp.functions import FUNCTIONS
from tests.ulp.inputs import EXPONENTS

CHUNK = 2**14
REFERENCE = Path(__file__).with_name("reference.c")
EMITTED = {"numpy": in_numpy, "c": in_c}


@dataclass(frozen=True)
class Worst:
    """Of normal results, of faint ones, of all in their own ulp, half a unit at least; and the x of each."""

    normal: float
    faint: float
    plain: float
    normal_at: float
    faint_at: float
    plain_at: float

    def __str__(self) -> str:
        counts = ((self.normal, self.normal_at), (self.faint, self.faint_at), (self.plain, self.plain_at))
        return "  ".join(f"{error:9.3f} at {x:<15.9g}" for error, x in counts)


class Comparison:
    """The largest errors of one function so far."""

    def __init__(self, name: str, folder: Path) -> None:
        source = folder / REFERENCE.name
        shutil.copy(REFERENCE, source)
        self.library = library(source, "-O2", "-Wno-missing-field-initializers", "-Wno-missing-braces")
        self.function = self.library.known(name.encode())
        assert self.function >= 0, name
        self.sums = np.tile([0.5, 0.5, 0.5, 0, 0, 0], (2, 1))

    def __call__(self, x: Array, found: Pair) -> None:
        value, gradient = map(np.ascontiguousarray, found)
        assert value.dtype == gradient.dtype == x.dtype == np.float32
        arrays = map(pointer, (x, value, gradient, self.sums))
        self.library.worst_of(self.function, ctypes.c_size_t(x.size), *arrays)

    @property
    def worst(self) -> tuple[Worst, Worst]:
        """Of the value and of the gradient."""
        return Worst(*self.sums[0].tolist()), Worst(*self.sums[1].tolist())


def chunks(exponents: Iterable[int] = range(EXPONENTS)) -> Iterator[Array]:
    """All finite numbers of these exponents, both signs."""
    for exponent in exponents:
        for sign in range(2):
            for start in range(0, 2**23, CHUNK):
                first = (sign << 31) + (exponent << 23) + start
                yield np.arange(first, first + CHUNK, dtype=np.uint32).view(np.float32)


def worst_of_all(name: str, target: str, exponents: Iterable[int] = range(EXPONENTS)) -> tuple[Worst, Worst]:
    """The largest errors of value and gradient of a function, as it is emitted for a target."""
    with TemporaryDirectory() as folder:
        both = EMITTED[target](name, Path(folder))
        comparison = Comparison(name, Path(folder))
        for x in chunks(exponents):
            comparison(x, both(x))
        return comparison.worst


def main() -> None:
    """Print a line for each function, target, and value or gradient."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", default=list(FUNCTIONS))
    parser.add_argument("--target", choices=EMITTED, action="append")
    given = parser.parse_args()
    heads = ("normal", "faint", "in its own ulp")
    sys.stdout.write(
        f"{'function':10} {'target':7} {'of':8} " + "  ".join(f"{head:>28}" for head in heads) + "\n"
    )
    for name in given.names:
        for target in given.target or EMITTED:
            for what, worst in zip(("value", "gradient"), worst_of_all(name, target), strict=True):
                sys.stdout.write(f"{name:10} {target:7} {what:8} {worst}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Every kernel set that can run here, NEON under emulation, against the plain C: three steps of training."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from codegen.emit import render
from codegen.plan.plan import plan_network
from codegen.vector_math.kernel_sets import KERNEL_SETS
from codegen.vector_math.measure import runnable
from derive.networks.registry import variant
from tests.codegen.emitted_c import COMPILERS, run, write

pytestmark = [pytest.mark.compiler, pytest.mark.skipif("gcc" not in COMPILERS, reason="no gcc")]
MAIN = """
#include "NAME.h"
#include <stdio.h>

static NAME_params p;
static NAME_gradients v;
static NAME_workspace w;
static NAME_real X[ROWS][COLUMNS];
static int32_t y[ROWS];

int main(void)
{
    unsigned state = 1;
    for (int i = 0; i < ROWS; i++) {
        y[i] = i % 3;
        for (int j = 0; j < COLUMNS; j++) {
            state = state * 1664525u + 1013904223u;
            X[i][j] = (NAME_real)((int)(state >> 8) - 8388608) / (NAME_real)4e6;
        }
    }
    NAME_init(&p, 5);
    const NAME_batch b = {.m = ROWS, .X = X, .y = y};
    for (int t = 0; t < 3; t++) {
        NAME_real loss;
        if (NAME_momentum_step(&p, &v, &b, &w, LR, &loss) != 0)
            return 1;
        printf("%.17g\\n", (double)loss);
    }
    const NAME_real *x = (const NAME_real *)&p;
    for (size_t i = 0; i < sizeof p / sizeof *x; i++)
        printf("%.17g\\n", (double)x[i]);
    return 0;
}
"""
SIZES = ({"n": 17, "d": 13, "k": 3}, {"n": 48, "d": 19, "k": 3})
"""Odd ones, and columns beside whole vectors of every width."""
EMULATED = ("aarch64-linux-gnu-gcc", "qemu-aarch64")
CHOICES = [
    (place + 1, one.name) for place, one in enumerate(KERNEL_SETS) if one.name != "plain" and runnable(one)
]


@pytest.fixture(scope="module", params=SIZES, ids=["odd", "beside"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """two_layer_tanh of odd sizes, plain and tuned, and a program that trains it."""
    found = tmp_path_factory.mktemp("kernel_sets")
    network = variant("two_layer_tanh", "odd", None, request.param, (), "stable")
    text = MAIN.replace("NAME", "odd").replace("ROWS", "11").replace("COLUMNS", str(request.param["n"]))
    arguments = "(odd_real)0.1, (odd_real)0.9, (odd_real)0.01"
    write(found, {**render(plan_network(network), ("c", "tuned")), "main.c": text.replace("LR", arguments)})
    return found


def printed(
    folder: Path, source: str, *flags: str, compiler: str = "gcc", emulator: tuple[str, ...] = ()
) -> np.ndarray:
    """The numbers that the program prints with one of the two implementations."""
    out = folder / ("program_" + "_".join((source, compiler, *flags)).replace("-", "").replace(".", ""))
    run(compiler, "-O2", "-std=gnu11", *flags, folder / source, folder / "main.c", "-o", out, "-lm")
    return np.array([float(line) for line in run(*emulator, out).split()])


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(("choice", "name"), CHOICES, ids=[name for _, name in CHOICES])
def test_a_kernel_set_computes_what_plain_c_computes(
    folder: Path, choice: int, name: str, compiler: str
) -> None:
    right = printed(folder, "odd.c", "-DODD_DOUBLE")
    found = printed(folder, "odd_tuned.c", "-DODD_DOUBLE", f"-DODD_SET={choice}", compiler=compiler)
    assert np.allclose(found, right, rtol=1e-12, atol=1e-14)
    single = printed(folder, "odd_tuned.c", f"-DODD_SET={choice}", compiler=compiler)
    assert np.allclose(single, right, rtol=1e-4, atol=1e-6)


@pytest.mark.skipif(not all(map(shutil.which, EMULATED)), reason="no cross compiler or emulator of AArch64")
def test_neon_computes_what_plain_c_computes(folder: Path) -> None:
    for flag, close in ((("-DODD_DOUBLE",), 1e-12), ((), 1e-4)):
        right = printed(folder, "odd.c", *flag)
        found = printed(
            folder, "odd_tuned.c", *flag, "-static", compiler=EMULATED[0], emulator=(EMULATED[1],)
        )
        assert np.allclose(found, right, rtol=close, atol=close / 100)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_no_warning(folder: Path, compiler: str) -> None:
    flags = (
        "-Wall",
        "-Wextra",
        *(("-Wconversion", "-Wshadow") if compiler == "gcc" else ()),
        "-Werror",
        "-c",
    )
    for macro in ("-DODD_FLOAT", "-DODD_DOUBLE"):
        run(compiler, "-O2", "-std=gnu11", *flags, macro, folder / "odd_tuned.c", "-o", folder / "warned.o")

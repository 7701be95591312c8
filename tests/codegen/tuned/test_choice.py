"""Which kernel set runs is kept in the caller's workspace, whatever that holds before, and in no variable."""

import platform
import re
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

from codegen.emit import render
from codegen.plan.plan import plan_layer, plan_network
from codegen.tuned.source.layer_module import render_tuned_layer
from derive.layers.registry import layer as layer_program
from derive.networks.registry import variant
from tests.codegen.emitted_c import COMPILERS, run, write
from tests.codegen.tuned.driven import SETS, widest
from tests.codegen.tuned.test_tuned_layers import TunedLayer

pytestmark = [pytest.mark.compiler, pytest.mark.skipif("gcc" not in COMPILERS, reason="no gcc")]
MAIN = r"""
#define ODD_TUNED
#include "odd.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROWS = 11, STEPS = 3, LAST = sizeof(odd_workspace) - sizeof(uintptr_t) };
static odd_params p;
static odd_gradients v;
static odd_real X[ROWS][ODD_N];
static int32_t y[ROWS];
static uintptr_t first;
int asked;

static odd_workspace *filled(const char *kind, odd_workspace *w)
{
    unsigned char *bytes = (unsigned char *)w;
    if (!strcmp(kind, "moved")) { /* to the next place, which is that of no cache line either */
        memmove(bytes + sizeof(odd_real), bytes, sizeof *w);
        return (odd_workspace *)(bytes + sizeof(odd_real));
    }
    if (!strcmp(kind, "kept"))
        return w;
    for (size_t i = 0; i < sizeof *w; i++)
        bytes[i] = !strcmp(kind, "ones") ? 0xff : !strcmp(kind, "random") ? (unsigned char)(rand() >> 7) : 0;
    const uintptr_t wrong = !strcmp(kind, "beside") ? first + sizeof(void *) : (uintptr_t)&odd_init;
    if (!strcmp(kind, "function") || !strcmp(kind, "beside"))
        memcpy(bytes + LAST, &wrong, sizeof wrong);
    return w;
}

/* A workspace whose last bytes are in a page that cannot be touched. */
static odd_workspace *inaccessible(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (LAST + page - 1) / page;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    unsigned char *all = mmap(0, (pages + 1) * page, PROT_READ | PROT_WRITE, flags, -1, 0);
    mprotect(all + pages * page, page, PROT_NONE);
    return (odd_workspace *)(all + pages * page - LAST);
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "kept";
    for (int i = 0; i < ROWS; i++) {
        y[i] = i % ODD_K;
        for (int j = 0; j < ODD_N; j++)
            X[i][j] = (odd_real)rand() / RAND_MAX - (odd_real)0.5;
    }
    odd_init(&p, 5);
    const odd_batch b = {.m = ROWS, .X = X, .y = y};
    const int apart = !strcmp(kind, "inaccessible");
    odd_workspace *w = apart ? inaccessible() : calloc(2, sizeof *w);
    odd_real loss;
    const odd_batch none = {.m = 0, .X = X, .y = y};
    odd_momentum_step(&p, &v, &none, w, (odd_real)0.1, (odd_real)0.9, (odd_real)0.01, &loss);
    if (!apart && memcmp((unsigned char *)w + LAST, &first, sizeof first)) /* a refused call writes nothing */
        return 2;
    for (int t = 0; t < STEPS; t++) {
        w = apart ? w : filled(kind, w);
        if (odd_momentum_step(&p, &v, &b, w, (odd_real)0.1, (odd_real)0.9, (odd_real)0.01, &loss) != ODD_OK)
            return 1;
        printf("%a\n", (double)loss);
        if (!apart)
            memcpy(&first, (unsigned char *)w + LAST, sizeof first);
    }
    for (size_t i = 0; i < sizeof p / sizeof(odd_real); i++)
        printf("%a\n", (double)((const odd_real *)&p)[i]);
    fprintf(stderr, "%d\n", asked);
    return 0;
}
"""
ASKED = "static const ONE(set) *odd_widest(void)\n{"
FILLS = {"kept": 1, "moved": 1, "ones": 3, "random": 3, "zeros": 3, "function": 3, "beside": 3}
"""What a workspace holds before each of three steps, and how often the processor is asked then."""
SETS_ARE_CHOSEN = platform.machine() == "x86_64"
VARIABLE = re.compile(r"^\S* +[bBdDcCgGsSuV] (?!\.gomp)(.*)$", re.MULTILINE)
"""A symbol that can be written to; OpenMP's lock is the compiler's."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose sets hold tables, one all of which is inlined, and a layer."""
    found = tmp_path_factory.mktemp("choice")
    for name, sizes in (("odd", {"n": 48, "d": 19, "k": 3}), ("small", {"n": 5, "d": 7, "k": 3})):
        network = variant("two_layer_tanh", name, None, sizes, (), "stable")
        write(found, render(plan_network(network), ("c", "tuned")))
    write(found, render_tuned_layer(plan_layer(layer_program("linear")), {"m": 29, "n": 37, "d": 19}))
    return found


def variables(source: Path, compiler: str, *flags: str) -> list[str]:
    """What a file has that can be written to. Tables of addresses are none where these need no loader."""
    made = source.with_suffix(f".{compiler}.o")
    run(compiler, "-O2", "-std=gnu11", "-fno-pic", *flags, "-c", source, "-o", made)
    return VARIABLE.findall(run("nm", made))


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(
    ("name", "flag"),
    [("odd", "-fno-openmp"), ("odd", "-fopenmp"), ("small", "-fopenmp"), ("linear", "-fno-openmp")],
)
def test_no_variable(folder: Path, name: str, compiler: str, flag: str) -> None:
    assert variables(folder / f"{name}_tuned.c", compiler, flag) == []


@pytest.mark.skipif(not SETS_ARE_CHOSEN, reason="one set")
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("kept", ["static uintptr_t set;", "static _Thread_local uintptr_t set = 1;"])
def test_a_variable_is_found(folder: Path, tmp_path: Path, kept: str, compiler: str) -> None:
    text = (folder / "odd_tuned.c").read_text(encoding="utf-8")
    asked = "uintptr_t set;\n    memcpy(&set, last, sizeof set);\n"
    assert text.count(asked) == 1
    write(tmp_path, {"odd.h": (folder / "odd.h").read_text(encoding="utf-8")})
    write(tmp_path, {"odd_tuned.c": text.replace(asked, f"{kept}\n")})
    (found,) = variables(tmp_path / "odd_tuned.c", compiler)
    assert found.startswith("set") or found.endswith(".set")


def program(folder: Path, compiler: str, *flags: str) -> Path:
    """The program above, in which the file counts how often it asks the processor."""
    made = folder / f"{compiler}{'_'.join(flags)}"
    if not made.exists():
        text = (folder / "odd_tuned.c").read_text(encoding="utf-8")
        files = {"odd_tuned.c": text.replace(ASKED, f"{ASKED}\n    extern int asked;\n    asked++;")}
        write(made, {**files, "odd.h": (folder / "odd.h").read_text(encoding="utf-8"), "main.c": MAIN})
        sources = (made / "odd_tuned.c", made / "main.c")
        run(compiler, "-O1", "-std=gnu11", *flags, *sources, "-o", made / "program", "-lm")
    return made / "program"


def printed(built: Path, kind: str) -> tuple[list[str], int]:
    """The numbers, and how often the processor was asked."""
    found = subprocess.run([built, kind], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return found.stdout.split(), int(found.stderr)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("fill", FILLS)
def test_whatever_the_workspace_holds(folder: Path, fill: str, compiler: str) -> None:
    wanted, _ = printed(program(folder, compiler, *widest("odd")), "kept")
    found, asked = printed(program(folder, compiler), fill)
    assert found == wanted
    assert asked == (FILLS[fill] if SETS_ARE_CHOSEN else 0)


@pytest.mark.parametrize("kernels", SETS)
def test_a_set_that_is_asked_for_is_neither_kept_nor_looked_for(folder: Path, kernels: str) -> None:
    built = program(folder, "gcc", f"-DODD_SET={SETS[kernels]}")
    found, asked = printed(built, "inaccessible")
    assert (found, asked) == (printed(built, "kept")[0], 0)


@pytest.mark.skipif(not SETS_ARE_CHOSEN, reason="one set")
def test_a_set_that_is_chosen_is_kept_there(folder: Path) -> None:
    done = subprocess.run([program(folder, "gcc"), "inaccessible"], capture_output=True, check=False)
    assert done.returncode == -signal.SIGSEGV


def test_a_layer_chooses_too(tmp_path: Path, rng: np.random.Generator) -> None:
    plan = plan_layer(layer_program("linear"))
    sizes = {"m": 5, "n": 7, "d": 3}
    inputs = {"X": rng.standard_normal((5, 7)), "W": rng.standard_normal((7, 3)), "b": rng.standard_normal(3)}
    fixed = TunedLayer(plan, sizes, tmp_path / "fixed")
    layer = TunedLayer(plan, sizes, tmp_path / "layer", "-g")
    wanted = fixed.call("forward", plan.forward, inputs)["Y"]
    for bits in (0, 0xFF, 0x5A):
        layer.workspace.view(np.uint8)[:] = bits
        for _ in range(2):
            assert np.array_equal(layer.call("forward", plan.forward, inputs)["Y"], wanted)

"""Every function at odd sizes under the sanitizers of addresses, undefined behaviour and threads: no report.

A twin of each source with one fault is reported, so that silence means something.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.codegen.emitted_c import COMPILERS
from tests.codegen.tuned.driven import CASES, SETS, SIZES, Driven, driven, output

pytestmark = [pytest.mark.compiler, pytest.mark.skipif("gcc" not in COMPILERS, reason="no gcc")]
FLAGS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DBARE")
RUN = sorted({(name, kernels) for name, kernels, _ in CASES})
SMALLEST, WIDEST = "two_layer_tanh", next(iter(SETS))
THREADS = ("-g", "-fopenmp", "-fsanitize=thread", "-DBARE")
ARCHER = next(iter(sorted(Path("/usr/lib").glob("llvm-*/lib/libarcher.so"))), None)
VALGRIND = ("valgrind", "--error-exitcode=9", "--quiet", "--leak-check=full")


@pytest.mark.parametrize(("odd", "kernels"), RUN, indirect=["odd"])
def test_no_report(odd: Driven, kernels: str) -> None:
    program = odd.program(odd.tuned, "gcc", odd.chosen(SETS[kernels]), *FLAGS)
    for examples in (1, SIZES[odd.name.removeprefix("odd_")]["m"]):
        assert output(program, examples)


@pytest.mark.parametrize("kernels", SETS)
@pytest.mark.parametrize("odd", [SMALLEST], indirect=True)
def test_no_report_without_optimisation(odd: Driven, kernels: str) -> None:
    program = odd.program(odd.tuned, "gcc", "-O0", odd.chosen(SETS[kernels]), *FLAGS)
    assert output(program, SIZES[SMALLEST]["m"])


def broken(folder: Path, text: str, fault: str) -> Driven:
    """The smallest network with one place of its tuned source changed."""
    made = driven(SMALLEST, folder)
    source = folder / made.tuned
    emitted = source.read_text(encoding="utf-8")
    assert text in emitted
    source.write_text(emitted.replace(text, fault), encoding="utf-8")
    return made


def said(program: Path, *before: str, **environment: str) -> str:
    """What a program says on stderr, be it of a fault or not."""
    words = [*before, str(program), str(SIZES[SMALLEST]["m"])]
    found = subprocess.run(words, capture_output=True, check=False, env={**os.environ, **environment})
    return found.stderr.decode()


def test_a_row_too_many_is_reported(tmp_path: Path) -> None:
    """A batch of one example more than there is, inside of the kernels."""
    made = broken(
        tmp_path,
        "const odd_two_layer_tanh_batch *b = x->b;",
        "odd_two_layer_tanh_batch more = *x->b, *b = &more; more.m += 40;",
    )
    program = made.program(made.tuned, "gcc", made.chosen(SETS[WIDEST]), *FLAGS)
    assert "AddressSanitizer" in said(program)


@pytest.mark.skipif(
    "clang" not in COMPILERS or ARCHER is None, reason="no clang whose OpenMP tells of threads"
)
class TestThreads:
    """OpenMP's barriers are known to the sanitizer by the tool that comes with clang's library."""

    environment = {
        "OMP_NUM_THREADS": "2",
        "OMP_DYNAMIC": "false",
        "OMP_TOOL_LIBRARIES": str(ARCHER),
        "TSAN_OPTIONS": "ignore_noninstrumented_modules=1",
    }

    @pytest.mark.parametrize("odd", SIZES, indirect=True)
    def test_no_race(self, odd: Driven) -> None:
        program = odd.program(odd.tuned, "clang", odd.chosen(SETS[WIDEST]), *THREADS)
        words = [program, str(SIZES[odd.name.removeprefix("odd_")]["m"])]
        found = subprocess.run(words, capture_output=True, check=False, env=self.environment)
        assert found.returncode == 0, found.stderr.decode()[:2000]
        assert "WARNING" not in found.stderr.decode()

    def test_a_phase_that_does_not_wait_is_reported(self, tmp_path: Path) -> None:
        made = broken(
            tmp_path,
            '#define SHARED _Pragma("omp for schedule(static)")',
            '#define SHARED _Pragma("omp for schedule(static) nowait")',
        )
        program = made.program(made.tuned, "clang", made.chosen(SETS[WIDEST]), *THREADS)
        assert "data race" in said(program, **self.environment)


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="no valgrind")
@pytest.mark.parametrize("odd", [SMALLEST], indirect=True)
def test_valgrind_is_silent(odd: Driven) -> None:
    """It knows no AVX-512, so the widest set that it runs is asked for; values that are not set are its own."""
    kernels = "avx2" if "avx2" in SETS else next(reversed(SETS))
    program = odd.program(odd.tuned, "gcc", "-g", "-DBARE", odd.chosen(SETS[kernels]))
    words = [*VALGRIND, str(program), str(SIZES[SMALLEST]["m"])]
    found = subprocess.run(words, capture_output=True, check=False)
    assert found.returncode == 0, found.stderr.decode()[:2000]

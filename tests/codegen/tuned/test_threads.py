"""One, two and four threads give the same bytes; the driver ends where another number of threads ran."""

import subprocess
from pathlib import Path

import pytest

from tests.codegen.emitted_c import COMPILERS
from tests.codegen.tuned.driven import SIZES, Driven, output, widest

pytestmark = pytest.mark.compiler
PROGRAM = "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n"


def links(compiler: str, folder: Path) -> bool:
    """Whether a compiler's OpenMP is there."""
    (folder / "program.c").write_text(PROGRAM, encoding="utf-8")
    words = [compiler, "-fopenmp", str(folder / "program.c"), "-o", str(folder / "program")]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("compiler", COMPILERS)
def test_threads_agree_to_the_bit(odd: Driven, compiler: str, tmp_path: Path) -> None:
    if not links(compiler, tmp_path):
        pytest.skip(f"{compiler} has no OpenMP here")
    program = odd.program(odd.tuned, compiler, *widest(odd.name), "-fopenmp")
    for examples in (1, SIZES[odd.name.removeprefix("odd_")]["m"]):
        one, *more = (
            output(program, examples, OMP_NUM_THREADS=str(n), OMP_DYNAMIC="false") for n in (1, 2, 4)
        )
        assert all(other == one for other in more)

"""Networks of every kind compile without a warning, all kernel sets at once."""

from pathlib import Path

import pytest

from codegen.emit import emit
from derive.networks.registry import variant
from tests.codegen.emitted_c import COMPILERS, run
from tests.codegen.tuned.driven import Driven

pytestmark = pytest.mark.compiler
FLAGS = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-fsyntax-only")


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("item", ["float", "double"])
def test_no_warning(odd: Driven, compiler: str, item: str) -> None:
    run(compiler, "-std=gnu11", *FLAGS, *odd.real(item), odd.folder / odd.tuned)


def test_long_sums_within_limits_compile(tmp_path: Path) -> None:
    """Attention over 256 positions: both factors of a long sum are far apart, and it ends at the diagonal."""
    sizes = {"d": 256, "h": 4, "e": 64, "f": 1024, "T": 256, "m": 8}
    emit(variant("gpt", sizes=sizes), ("c", "tuned"), tmp_path)
    run(COMPILERS[0], "-std=gnu11", *FLAGS, tmp_path / "gpt" / "gpt_tuned.c")

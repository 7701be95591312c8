"""Networks of every kind compile without a warning, all kernel sets at once."""

import pytest

from tests.codegen.emitted_c import COMPILERS, run
from tests.codegen.tuned.driven import Driven

pytestmark = pytest.mark.compiler
FLAGS = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-fsyntax-only")


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("item", ["float", "double"])
def test_no_warning(odd: Driven, compiler: str, item: str) -> None:
    # the mask of a builtin in float is a signed number to gcc, an unsigned one to clang: -1 suits gcc alone
    signs = ("-Wno-sign-conversion",) if compiler == "clang" else ()
    run(compiler, "-std=gnu11", *FLAGS, *signs, *odd.real(item), odd.folder / odd.tuned)

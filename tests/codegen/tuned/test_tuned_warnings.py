"""Networks of every kind compile without a warning, all kernel sets at once."""

import pytest

from tests.codegen.emitted_c import COMPILERS, run
from tests.codegen.tuned.driven import Driven

pytestmark = pytest.mark.compiler
FLAGS = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-fsyntax-only")


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("item", ["float", "double"])
def test_no_warning(odd: Driven, compiler: str, item: str) -> None:
    run(compiler, "-std=gnu11", *FLAGS, *odd.real(item), odd.folder / odd.tuned)

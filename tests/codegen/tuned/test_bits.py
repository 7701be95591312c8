"""gcc and clang give the same bytes after five steps by sgd and by adamw, within each kernel set."""

import pytest

from tests.codegen.emitted_c import COMPILERS
from tests.codegen.tuned.driven import CASES, SETS, SIZES, Driven, output, tensors

pytestmark = [pytest.mark.compiler, pytest.mark.skipif(len(COMPILERS) < 2, reason="one compiler alone")]


@pytest.mark.parametrize(("odd", "kernels", "item"), CASES, indirect=["odd"])
def test_compilers_agree_to_the_bit(odd: Driven, kernels: str, item: str) -> None:
    flags = (odd.chosen(SETS[kernels]), *odd.real(item))
    examples = SIZES[odd.name.removeprefix("odd_")]["m"]
    found = [tensors(output(odd.program(odd.tuned, one, *flags), examples), item) for one in COMPILERS]
    stepped = [name for name in found[0] if name.startswith(("sgd", "adamw"))]
    assert stepped
    assert [name for name in stepped if found[0][name].tobytes() != found[1][name].tobytes()] == []

"""Every function at odd sizes under the sanitizers of addresses and of undefined behaviour: no report."""

import pytest

from tests.codegen.emitted_c import COMPILERS
from tests.codegen.tuned.driven import CASES, SETS, SIZES, Driven, output

pytestmark = [pytest.mark.compiler, pytest.mark.skipif("gcc" not in COMPILERS, reason="no gcc")]
FLAGS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DBARE")
RUN = sorted({(name, kernels) for name, kernels, _ in CASES if name == "two_layer_tanh" or kernels != "avx2"})


@pytest.mark.parametrize(("odd", "kernels"), RUN, indirect=["odd"])
def test_no_report(odd: Driven, kernels: str) -> None:
    program = odd.program(odd.tuned, "gcc", odd.chosen(SETS[kernels]), *FLAGS)
    for examples in (1, SIZES[odd.name.removeprefix("odd_")]["m"]):
        assert output(program, examples)

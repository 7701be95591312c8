"""Tuned C against plain C from a workspace of 0xff, at addresses that are odd multiples of a number's size.

The driver also holds that guards and inputs stay, and that m = 0 and m = M + 1 are refused, nothing written.
"""

import numpy as np
import pytest

from tests.codegen.emitted_c import COMPILERS
from tests.codegen.tuned.driven import CASES, SETS, SIZES, Driven, output, tensors

pytestmark = [pytest.mark.compiler, pytest.mark.skipif("gcc" not in COMPILERS, reason="no gcc")]
CLOSE = {"float": 1e-5, "double": 1e-12}


def apart(found: np.ndarray, right: np.ndarray) -> float:
    """|found - right| / |right|, of the norms; a number below 1 may be what is left of larger ones."""
    size = float(np.linalg.norm(right.astype(float)))
    least = 1.0 if right.size == 1 else 0.0
    return float(np.linalg.norm(found.astype(float) - right.astype(float))) / (max(size, least) or 1.0)


@pytest.mark.parametrize(("odd", "kernels", "item"), CASES, indirect=["odd"])
def test_every_function_computes_what_plain_c_computes(odd: Driven, kernels: str, item: str) -> None:
    plain = odd.program(f"{odd.name}.c", "gcc", *odd.real(item))
    tuned = odd.program(odd.tuned, "gcc", odd.chosen(SETS[kernels]), *odd.real(item))
    for examples in range(1, SIZES[odd.name.removeprefix("odd_")]["m"] + 1):
        right = tensors(output(plain, examples), item)
        found = tensors(output(tuned, examples), item)
        assert found.keys() == right.keys()
        far = {name: apart(found[name], right[name]) for name in right}
        assert not {name: error for name, error in far.items() if not error <= CLOSE[item]}, examples

"""What a sum over windows leaves out is left out before: the values stay, to the bit."""

import numpy as np
import pytest

from codegen.passes.selected import selected
from codegen.passes.verify import verify
from derive.calculus.definition.define import define
from derive.calculus.program.program import Program
from derive.check.evaluate import evaluate

WINDOWS = """
windows(X[m,p], W[p,2 c], V[p,2 c]) -> D
    A[i<m,h<2 c] = sum_{q<p} X[i,q] W[q,h]
    S[i<m,h<2 c] = sum_{q<p} X[i,q] V[q,h]
    P[i<m,h<c] = max_{u<2} S[i,2 h+u]
    D[i<m,h<c] = sum_{u<2} where(S[i,2 h+u] < P[i,h]/2, A[i,2 h+u], 0)
"""


def program(text: str = WINDOWS) -> Program:
    return define(text)


def test_what_is_selected_is_the_same() -> None:
    before = program()
    after = verify(selected(before), "selected")
    assert "A_selected" in after.tensors
    (one,) = after.defining("A_selected")
    assert {"A", "S", "P"} <= one.reads
    rng = np.random.default_rng(5)
    values = {
        "X": rng.standard_normal((3, 4)),
        "W": rng.standard_normal((4, 10)),
        "V": rng.standard_normal((4, 10)),
    }
    wanted, found = (evaluate(one, values) for one in (before, after))
    assert np.array_equal(wanted["D"], found["D"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("S[i,2 h+u] < P[i,h]/2, A[i,2 h+u]", "S[i,h+u] < P[i,h]/2, A[i,h+u]"),
        ("-> D", "-> D, A"),
    ],
    ids=["windows that overlap", "a value that leaves"],
)
def test_other_sums_stay(old: str, new: str) -> None:
    before = program(WINDOWS.replace(old, new))
    assert selected(before) is before

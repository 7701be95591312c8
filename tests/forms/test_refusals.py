"""Terms that other tools answer with 0: right by differences in 50 digits, or refused with a remedy."""

from __future__ import annotations

import pytest

from derive.calculus.definition.define import define
from derive.check.forms.refusals import REFUSALS, Case, checked
from derive.errors import DeriveError

RIGHT = [case for case in REFUSALS if case.refused is None]
REFUSED = [case for case in REFUSALS if case.refused is not None]


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.paper)
def test_it_comes_out_right(case: Case) -> None:
    found = list(checked(case))
    assert all(check.passed for check in found), "\n".join(map(str, found))
    assert all(equation.value != 0 for equation in case.derived)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.paper)
def test_it_is_refused_with_a_remedy(case: Case) -> None:
    assert repr(case.refused) in case.reason
    assert "recurrence" in case.reason


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("fact A[i,j] = A[j,i]", "runs over n in A .* but over k in A"),
        ("fact sum_{j} A[i,j] = 1\n    fact sum_{q} A[i,q] = 2", "is 1 by one fact and 2 by another"),
        ("fact 1 = 2", "says nothing of a tensor"),
    ],
)
def test_facts_that_contradict(lines: str, expected: str) -> None:
    with pytest.raises(DeriveError, match=expected):
        define(f"f(A[n,k]) -> L\n    {lines}\n    L = sum_{{i,j}} A[i,j]")

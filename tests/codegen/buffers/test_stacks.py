"""Stacks of products with a transposed right factor: it is copied as columns, with the number on the way."""

from typing import Any

import pytest

from codegen.buffers import stacks
from tests.codegen.buffers.test_blocks import SIZES, gradients, rendered

COPIES = ("np.divide(A[l, 1].transpose(0, 1, 3, 2), e ** 0.5, out=R_columns)", "np.copyto(P2_bar_columns, ")


@pytest.mark.parametrize(("T", "copied"), [(8, True), (7, False)])
def test_a_factor_is_copied_where_the_result_is_four_times_as_large(
    monkeypatch: Any, T: int, copied: bool
) -> None:
    monkeypatch.setitem(SIZES, "T", T)
    source = rendered()
    assert all((copy in source) == copied for copy in COPIES)
    assert ("R /= e ** 0.5" in source) != copied


def test_the_values_are_those_without_copies(monkeypatch: Any) -> None:
    monkeypatch.setitem(SIZES, "T", 8)
    found, g = gradients(rendered())
    monkeypatch.setattr(stacks, "TIMES", 10**9)
    source = rendered()
    assert "_columns" not in source.replace("triangle_columns", "")
    right, h = gradients(source)
    assert found == pytest.approx(right, rel=1e-14)
    for ours, theirs in zip(g, h, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-10, abs=1e-14)

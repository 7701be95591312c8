"""Columns beside whole vectors: when they have tiles of their own, which then fit and cover them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.emit import emit
from codegen.tuned.products.rest import rest_columns, rest_height
from codegen.tuned.products.tiles import MOST_VECTORS
from codegen.vector_math.kernel_sets import BY_NAME, KERNEL_SETS, KernelSet
from derive.networks.registry import variant

sets = st.sampled_from(KERNEL_SETS)


@given(sets, st.sampled_from((4, 8)), st.sampled_from(("along", "across")), *[st.integers(1, 900)] * 3)
def test_tiles_fit_and_cover(
    kernels: KernelSet, item: int, way: str, rows: int, columns: int, terms: int
) -> None:
    left = rest_columns(kernels, item, way, rows, columns, terms)
    if not left:
        return
    lanes = kernels.lanes(item)
    assert left == columns % lanes <= MOST_VECTORS
    assert (rows if way == "along" else terms) % lanes == 0
    high = rest_height(kernels, lanes, way, rows, left)
    assert high * left + left + 1 <= kernels.registers
    assert 1 <= high <= (rows // lanes if way == "along" else rows)


def test_a_quarter_of_a_vector_has_tiles_of_its_own_and_a_half_has_not() -> None:
    wide = BY_NAME["avx512"]
    assert rest_columns(wide, 4, "along", 784, 100, 100) == 4
    assert rest_columns(wide, 4, "across", 100, 100, 784) == 4
    assert rest_columns(wide, 4, "along", 784, 104, 100) == 0
    assert rest_columns(wide, 4, "along", 783, 100, 100) == 0
    assert rest_columns(wide, 4, "", 784, 100, 100) == 0
    assert rest_columns(wide, 4, "across", 100, 4, 784) == 0


@pytest.mark.parametrize("tile", ["ALONG(4, 3)", "ACROSS(6, 3)"])
def test_both_ways_are_emitted(tile: str, tmp_path: Path) -> None:
    emit(variant("two_layer", sizes={"n": 64, "d": 35, "k": 10}), ("c", "tuned"), tmp_path)
    lines = (tmp_path / "two_layer" / "two_layer_tuned.c").read_text(encoding="utf-8").splitlines()
    assert tile in lines

"""Tiles fit the registers of every set, and parts cover a whole exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.tuned.products.tiles import (
    MOST_COLUMNS,
    MOST_VECTORS,
    NEAR_BYTES,
    all_across,
    columns_at_once,
    dot_rows,
    most_rows,
    parts,
    rows_at_once,
    vectors_at_once,
)
from codegen.vector_math.kernel_sets import KERNEL_SETS as SETS
from codegen.vector_math.kernel_sets import KernelSet

sets = pytest.mark.parametrize("kernels", SETS, ids=lambda s: s.name)


@sets
@pytest.mark.parametrize("vectors", range(1, MOST_VECTORS + 1))
def test_tile_fits_registers(kernels: KernelSet, vectors: int) -> None:
    rows = most_rows(kernels, vectors)
    assert rows >= 1
    assert rows * vectors + vectors + (1 if kernels.fused else 2) <= kernels.registers


@sets
def test_scalar_products_fit_registers(kernels: KernelSet) -> None:
    for rows, columns in ((1, 1), (6, 5), (16, 5), (40, 12)):
        at_once = columns_at_once(kernels, rows, columns)
        assert 1 <= at_once <= min(MOST_COLUMNS, columns)
        assert dot_rows(kernels, at_once) >= 1
    for columns in range(1, 32):
        rows = dot_rows(kernels, columns)
        assert not rows or rows * columns + rows + (1 if kernels.fused else 2) <= kernels.registers


def test_scalar_products_hide_latency_with_16_registers() -> None:
    """Five columns of two rows are ten sums; three and two of three rows are nine and six, which wait."""
    avx2 = next(kernels for kernels in SETS if kernels.name == "avx2")
    assert columns_at_once(avx2, 6, 5) == 5
    assert dot_rows(avx2, 5) == 2


@sets
def test_all_columns_across_only_where_they_fit(kernels: KernelSet) -> None:
    assert not all_across(kernels, 6, 5, 30, 1000)
    assert all_across(kernels, 6, 5, 5, 1 << 20) == (kernels.name == "avx512")


@sets
def test_rows_that_stay_near_fill_half_a_cache(kernels: KernelSet) -> None:
    assert rows_at_once(1024) * 1024 * 4 == NEAR_BYTES
    assert rows_at_once(1 << 30) >= most_rows(kernels, 1)


@given(st.integers(1, 3000), st.integers(1, 20))
def test_parts_cover_and_are_nearly_equal(whole: int, most: int) -> None:
    sizes = parts(whole, most)
    count = -(-whole // most)
    assert max(sizes) <= most
    assert max(sizes) - min(sizes) <= 1
    assert any(n * sizes[0] + (count - n) * sizes[-1] == whole for n in range(count + 1))


@sets
def test_vectors_at_once_is_within_bounds(kernels: KernelSet) -> None:
    for rows in (1, 3, 15, 16, 17, 31, 33, 100):
        for vectors in (1, 2, 3, 4, 5, 7, 32):
            assert 1 <= vectors_at_once(kernels, rows, vectors) <= min(vectors, MOST_VECTORS)

"""What tries all 2^32 numbers in C agrees with what tries some in Python."""

import ctypes
from pathlib import Path

import numpy as np
import pytest

from tests.codegen.emitted_c import COMPILERS, pointer
from tests.ulp.emitted import in_numpy
from tests.ulp.every import Comparison, chunks
from tests.ulp.functions import FUNCTIONS
from tests.ulp.inputs import stratified
from tests.ulp.test_ulp import Right, both_errors

pytestmark = [pytest.mark.compiler, pytest.mark.skipif(not COMPILERS, reason="no C compiler")]
FEW = stratified()[::97].copy()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_both_references_are_one(name: str, tmp_path: Path) -> None:
    comparison = Comparison(name, tmp_path)
    wide = FEW.astype(np.float64)
    value, gradient = np.empty_like(wide), np.empty_like(wide)
    count = ctypes.c_size_t(wide.size)
    comparison.library.right(comparison.function, count, pointer(wide), pointer(value), pointer(gradient))
    for found, right in ((value, FUNCTIONS[name].value(wide)), (gradient, FUNCTIONS[name].gradient(wide))):
        size = np.minimum(np.abs(right), np.finfo(np.float32).max).astype(np.float32)
        crossing = np.where(FUNCTIONS[name].crosses, np.abs(wide) < 2, False) * 1e-12
        assert np.all(np.abs(found - right) <= np.spacing(size).astype(np.float64) * 1e-3 + crossing)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_both_count_the_same_errors(name: str, tmp_path: Path) -> None:
    comparison = Comparison(name, tmp_path)
    found = in_numpy(name, tmp_path)(FEW)
    comparison(FEW, found)
    right = Right.of(FUNCTIONS[name], FEW)
    for worst, errors in zip(comparison.worst, both_errors(found, right), strict=True):
        assert worst.normal == pytest.approx(max(errors.normal, 0.5), rel=1e-3)
        assert worst.faint == pytest.approx(max(errors.faint, 0.5), rel=1e-3)


def test_a_wrong_result_is_counted(tmp_path: Path) -> None:
    comparison = Comparison("sigmoid", tmp_path)
    ones = np.ones_like(FEW)
    comparison(FEW, (ones * np.float32(np.nan), ones))
    assert comparison.worst[0].normal == np.inf


def test_every_number_of_an_exponent_is_tried() -> None:
    tried = np.concatenate([x.view(np.uint32) for x in chunks([127])])
    assert np.array_equal(np.unique(tried & 0x7FFFFFFF), np.arange(0x3F800000, 0x40000000, dtype=np.uint32))
    assert tried.size == 2**24

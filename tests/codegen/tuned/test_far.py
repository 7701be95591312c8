"""Rows that lie side by side, each term in a page of its own: the lines of the next rows are asked for.

What is stored as it is summed is summed in blocks of terms.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codegen.emit import emit
from derive.calculus.definition.define import define
from derive.networks.registry import variant
from derive.runtime import load
from tests.codegen.tuned.test_tuned_layers import assert_computes

BLOCKS = """blocks(A[k,n], B[k,m]) -> C
C[i,j] = sum_{p<k} A[p,i] B[p,j]"""
SIZES = {"n": 400, "d": 20, "k": 3}


def emitted(most: int, folder: Path) -> str:
    emit(replace(variant("two_layer", sizes=SIZES), most=most), ("numpy", "c", "tuned"), folder)
    return (folder / "two_layer" / "two_layer_tuned.c").read_text(encoding="utf-8")


def test_only_where_terms_go_through_many_pages(tmp_path: Path) -> None:
    assert "TILE_FAR(" not in emitted(100, tmp_path)
    assert "\nTILE_FAR(" in emitted(3000, tmp_path)


@pytest.mark.compiler
def test_gradients_are_those_of_numpy(tmp_path: Path, rng: np.random.Generator) -> None:
    emitted(3000, tmp_path)
    networks = [load("two_layer", backend, tmp_path, "float64").init(1) for backend in ("numpy", "tuned")]
    X, y = rng.standard_normal((2999, 400)), rng.integers(0, 3, 2999).astype(np.int32)
    (_, wanted), (_, found) = (each.gradients(X, y) for each in networks)
    for name, slope in wanted.items():
        assert np.linalg.norm(found[name] - slope) <= 1e-12 * np.linalg.norm(slope), name


@pytest.mark.compiler
def test_sums_of_blocks_are_added(tmp_path: Path, rng: np.random.Generator) -> None:
    """700 terms, of which the rows of B stay near 455 at a time; the last block is smaller."""
    sizes = {"k": 700, "n": 1030, "m": 144}
    assert_computes(define(BLOCKS), sizes, tmp_path, rng)
    text = next(tmp_path.rglob("*_tuned.c")).read_text(encoding="utf-8")
    assert "ONE(contract_blocks)(&s, kernels" in text

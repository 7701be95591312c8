"""Rows that lie side by side, each term in a page of its own: the lines of the next rows are asked for."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codegen.emit import emit
from derive.networks.registry import variant
from derive.runtime import load

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

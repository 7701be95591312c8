"""The LSTM of the race: the last state alone is read, so two turns meet in one equation of its pullback."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.cases import CASES, Recurrent
from bench.ours.recurrent import recurrent
from codegen.emit import emit
from derive.runtime import load

BACKENDS = ("numpy", "c", "tuned")


def small() -> Recurrent:
    case = CASES["lstm"]
    assert isinstance(case, Recurrent)
    return replace(case, name="small", batch=3, length=5, width=4, hidden=7, classes=3)


def test_operations_by_arithmetic() -> None:
    """Per step and example 4 d (2 n + 3 d) products, of which each is two operations."""
    assert CASES["lstm"].flops == 2 * 32 * (64 * 4 * 128 * (2 * 64 + 3 * 128) + 3 * 128 * 10)


@pytest.mark.compiler
def test_gradients_of_c_are_those_of_numpy(tmp_path: Path) -> None:
    emit(recurrent(small()), ("numpy", "c", "tuned"), tmp_path)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((3, 5, 4))
    y = rng.integers(0, 3, 3).astype(np.int32)
    (wanted, slopes), *rest = (
        load("small", backend, tmp_path, "float64").init(1).gradients(X, y) for backend in BACKENDS
    )
    for found, others in rest:
        assert found == pytest.approx(wanted, rel=1e-13)
        for name, slope in slopes.items():
            assert np.linalg.norm(others[name] - slope) <= 1e-12 * np.linalg.norm(slope), name

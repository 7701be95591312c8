"""Tuned C against plain C against NumPy: losses, gradients, steps, at odd sizes and a batch that varies."""

from pathlib import Path

import numpy as np
import pytest

from codegen.emit import emit
from derive.networks.registry import variant
from derive.runtime import Network, load

pytestmark = pytest.mark.compiler
BACKENDS = ("numpy", "c", "tuned")
SIZES = ((1, 3, 2), (15, 17, 3), (16, 33, 10), (31, 100, 1), (64, 35, 10), (96, 20, 5))
TOLERANCES = (("float32", 2e-5), ("float64", 1e-12))


@pytest.fixture(scope="module", params=SIZES, ids=str)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("alike")
    emit(variant("two_layer", sizes=dict(zip("ndk", request.param, strict=True))), BACKENDS, out)
    return out


def far(ours: np.ndarray, theirs: np.ndarray) -> float:
    """||a - b|| / ||b||, or ||a - b|| where b is 0, as the gradients of a softmax of one class."""
    return float(np.linalg.norm(ours - theirs)) / (float(np.linalg.norm(theirs)) or 1.0)


def loaded(folder: Path, dtype: str) -> list[Network]:
    return [load("two_layer", backend, folder, dtype).init(3) for backend in BACKENDS]


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
def test_steps_are_alike(folder: Path, dtype: str, tolerance: float) -> None:
    rng = np.random.default_rng(7)
    networks = loaded(folder, dtype)
    sizes = networks[0].description.sizes
    most = networks[2].max_batch
    assert most is not None
    for m in (1, 13, most - 1, most, 2):
        X = rng.standard_normal((m, sizes["n"])).astype(dtype)
        y = rng.integers(0, sizes["k"], m, dtype=np.int32)
        kept = X.copy()
        wanted, *others = [one.gradients(X, y) for one in networks]
        for loss, gradients in others:
            assert abs(loss - wanted[0]) <= tolerance * (abs(wanted[0]) or 1)
            for name, gradient in gradients.items():
                assert far(gradient, wanted[1][name]) <= tolerance, name
        losses = [one.step("sgd", X, y, lr=0.1, weight_decay=0.01) for one in networks]
        assert max(losses) - min(losses) <= tolerance * (abs(losses[0]) or 1)
        outputs = [np.array(one.forward(X)) for one in networks]
        assert all(far(one, outputs[0]) <= tolerance for one in outputs)
        assert np.array_equal(X, kept)

"""A gradient that overflows under a finite loss refuses the step; a large finite one is stepped along."""

from pathlib import Path

import numpy as np
import pytest

from codegen.emit import emit
from derive.networks.registry import variant
from derive.runtime import Network, load
from derive.runtime.errors import NonFiniteError

pytestmark = pytest.mark.compiler
ROWS = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("overflow")
    emit(variant("two_layer_tanh", sizes={"n": 17, "d": 13, "k": 3}), ("c", "tuned"), out)
    return out


def prepared(
    folder: Path, target: str, size: float, second: float, threads: int = 1
) -> tuple[Network, np.ndarray, np.ndarray]:
    """X of a size, W1 as much smaller, so that X W1 is moderate; W2 of a size of its own."""
    network = load("two_layer_tanh", target, folder, threads=threads)
    rng = np.random.default_rng(0)
    for name, scale in (("W1", 0.1 / size), ("W2", second)):
        view = network.parameters[name]
        view[:] = rng.normal(size=view.shape) * scale
    X = (rng.normal(size=(ROWS, 17)) * size).astype(np.float32)
    return network, X, np.array([0, 1, 2, 0, 1], np.int32)


def scalars(network: Network, kind: str, lr: float) -> dict[str, float]:
    step = network.description.step(kind)
    return {name: lr if name == "lr" else 0.1 for name in step.scalars if name != step.number}


def kept(network: Network) -> bytes:
    states = (array.tobytes() for views in network.state.values() for array in views.values())
    return network.flat.tobytes() + b"".join(states)


def test_gradient_that_overflows_changes_nothing(folder: Path) -> None:
    network, X, y = prepared(folder, "tuned", 1e30, 1e10)
    assert np.isfinite(network.loss(X, y))
    assert not all(np.isfinite(bar).all() for bar in network.vjp().values())
    for kind in network.description.steps:
        before = kept(network)
        with pytest.raises(NonFiniteError):
            network.step(kind, X, y, **scalars(network, kind, 0.1))
        assert kept(network) == before, kind


@pytest.mark.parametrize("row", range(ROWS))
def test_each_thread_sees_to_its_own_rows(folder: Path, row: int) -> None:
    """One row alone is so large that its gradient overflows: whichever thread has it, nothing is changed."""
    network, X, y = prepared(folder, "tuned", 1e30, 1e10, threads=2)
    X[[one for one in range(ROWS) if one != row]] *= np.float32(1e-30)
    y = ((network.predict(X) + 1) % 3).astype(np.int32)
    before = kept(network)
    with pytest.raises(NonFiniteError):
        network.step("sgd", X, y, **scalars(network, "sgd", 0.1))
    assert kept(network) == before


@pytest.mark.parametrize("second", [1.0, 1e12])
def test_large_finite_gradient_is_stepped_along(folder: Path, second: float) -> None:
    for kind in ("sgd", "momentum", "averaged"):
        found = []
        for target in ("c", "tuned"):
            network, X, y = prepared(folder, target, 1e25, second)
            before = network.flat.copy()
            network.step(kind, X, y, **scalars(network, kind, 1e-20))
            assert np.isfinite(network.flat).all()
            assert (network.flat != before).any()
            found.append({name: view.copy() for name, view in network.parameters.items()})
        for name, right in found[0].items():
            difference = np.linalg.norm(found[1][name].astype(float) - right.astype(float))
            assert difference <= 1e-5 * np.linalg.norm(right.astype(float)), (kind, name)

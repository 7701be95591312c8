"""A tuned step that is refused leaves parameters and states as they were, to the bit."""

import numpy as np
import pytest

from codegen.emit import emit
from derive.networks.registry import variant
from derive.runtime import Network, load
from derive.runtime.errors import LabelError, NonFiniteError

pytestmark = pytest.mark.compiler
ROWS = 5


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    out = tmp_path_factory.mktemp("refused")
    emit(variant("two_layer", sizes={"n": 17, "d": 33, "k": 3}), ("tuned",), out)
    return load("two_layer", "tuned", out)


def scalars(network: Network, kind: str) -> dict[str, float]:
    step = network.description.step(kind)
    return {name: 0.1 for name in step.scalars if name != step.number}


def kept(network: Network) -> bytes:
    states = (array.tobytes() for views in network.state.values() for array in views.values())
    return network.flat.tobytes() + b"".join(states)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
@pytest.mark.parametrize("row", [0, ROWS - 1])
def test_step_that_is_not_finite_changes_nothing(network: Network, value: float, row: int) -> None:
    X = np.ones((ROWS, 17), np.float32)
    X[row] = value
    y = np.zeros(ROWS, np.int32)
    network.init(2)
    network.flat[:] *= np.float32(1e9)
    for kind in network.description.steps:
        before = kept(network)
        with pytest.raises(NonFiniteError):
            network.step(kind, X, y, **scalars(network, kind))
        assert kept(network) == before, kind


@pytest.mark.parametrize("label", [-1, 3])
def test_label_out_of_range_changes_nothing(network: Network, label: int) -> None:
    network.init(2)
    y = np.array([0, 1, 2, 0, label], np.int32)
    for kind in network.description.steps:
        before = kept(network)
        with pytest.raises(LabelError):
            network.step(kind, np.ones((ROWS, 17), np.float32), y, **scalars(network, kind))
        assert kept(network) == before, kind

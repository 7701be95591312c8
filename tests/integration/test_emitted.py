"""The committed source of generated/, as its users meet it: imported, loaded, verified."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from derive.commands.verify import verify
from derive.networks.registry import NETWORKS, network
from derive.runtime import load
from tests.by_hand.lecture import BY_HAND
from tests.lecture.test_gradients import SIZES, drawn

GENERATED = Path(__file__).resolve().parents[2] / "generated"
VERIFIED = ("softmax_regression", "random_features", "three_layer_bias", "residual", "tiny", "curve")


def test_every_network_is_committed() -> None:
    folders = {path.parent.name for path in GENERATED.glob("*/*.json")}
    assert folders == set(NETWORKS)


@pytest.mark.parametrize("name", BY_HAND)
def test_the_emitted_gradient_is_the_formula_by_hand(name: str, rng: np.random.Generator) -> None:
    module = importlib.import_module(f"generated.{name}")
    net = network(name)
    values = drawn(net, rng)
    parameters = module.Params(*(values[parameter.name] for parameter in net.parameters))
    batch = [values[each] for each in (*net.data, *net.labels)]
    loss, gradients = module.gradients(parameters, *batch)
    by_hand, expected = BY_HAND[name](values)
    assert float(loss) == pytest.approx(by_hand / SIZES["m"], rel=1e-13)
    for parameter, gradient in expected.items():
        got = getattr(gradients, parameter) * SIZES["m"]
        assert np.linalg.norm(got - gradient) <= 1e-12 * np.linalg.norm(gradient), parameter


@pytest.mark.parametrize("name", VERIFIED)
def test_verify_finds_nothing(name: str) -> None:
    result = CliRunner().invoke(verify, [name, "--path", str(GENERATED)])
    assert result.exit_code == 0, result.output
    assert result.output.count(" ok\n") >= 10


def test_verify_fails_where_a_sign_is_wrong(tmp_path: Path) -> None:
    for name in ("tiny.py", "tiny.json", "__init__.py"):
        text = (GENERATED / "tiny" / name).read_text(encoding="utf-8")
        wrong = text.replace("H_bar[np.arange(m), y] -= 1", "H_bar[np.arange(m), y] += 1")
        (tmp_path / "tiny").mkdir(exist_ok=True)
        (tmp_path / "tiny" / name).write_text(wrong, encoding="utf-8")
    result = CliRunner().invoke(verify, ["tiny", "--path", str(tmp_path), "--backend", "numpy"])
    assert "FAILED" in result.output
    assert result.exit_code == 1


@pytest.mark.parametrize("rows", [1, 3, 128])
def test_any_batch_up_to_the_largest(rows: int, rng: np.random.Generator) -> None:
    images = rng.random((rows, 784), dtype=np.float32)
    labels = rng.integers(0, 10, rows).astype(np.int32)
    losses = [
        load("two_layer", backend, GENERATED).init(3).loss(images, labels) for backend in ("numpy", "c")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)

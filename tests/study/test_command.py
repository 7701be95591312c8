"""`python -m derive study`: what is printed, what is written, and when it ends with 1."""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from derive.__main__ import main
from derive.study import experiment


def study(out: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["study", "--out", str(out), "--backend", "numpy", *arguments])


@pytest.mark.slow
def test_the_study_succeeds(tmp_path: Path) -> None:
    result = study(tmp_path, "--epochs", "10")
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    outcomes = {(line[0], line[1]): line[-1] for line in lines if line[1] in {"H1", "H4", "H5"}}
    assert len(outcomes) == 9
    assert all(outcomes[name, "H1"] == "fails" for name in ("rings", "xor", "spirals"))
    assert {outcome for (_, label), outcome in outcomes.items() if label != "H1"} == {"succeeds"}
    picture = tmp_path / "regions.svg"
    assert picture.stat().st_size < 200_000
    assert ET.parse(picture).getroot().tag.endswith("svg")
    assert (tmp_path / "generated" / "two_layer" / "two_layer.py").is_file()


def test_too_little_training_is_a_failed_check(tmp_path: Path) -> None:
    result = study(tmp_path, "--epochs", "1")
    assert result.exit_code == 1
    assert "error: study: " in result.stderr
    assert "H5 (two_layer) on spirals errs on" in result.stderr
    assert "not less than 10.0 %" in result.stderr
    assert (tmp_path / "regions.svg").is_file()


def test_a_success_of_the_linear_class_is_a_failed_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiment, "FAILS", 0.6)
    result = study(tmp_path, "--epochs", "1")
    assert result.exit_code == 1
    assert "H1 (softmax_regression) on xor errs on" in result.stderr


def test_a_table_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from derive.commands.study import show
    from tests.study.test_picture import PROBLEMS, results

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    show(results(), PROBLEMS)
    printed = capsys.readouterr().out
    assert "train error" in printed
    assert printed.count("softmax_regression") == 3
    assert "┃" in printed or "|" in printed


def test_help_has_examples() -> None:
    result = CliRunner().invoke(main, ["study", "--help"])
    assert result.exit_code == 0
    assert "python -m derive study --seed 1" in result.output

"""The command, end to end on the smallest case; drivers in C against the peers' numbers; refusals."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import contest
from bench.cases import CASES, Case
from bench.contestants import Absent, installed, ours
from bench.environment import ROOT, cleaned
from bench.ours.built import Unavailable, build
from bench.ours.compiled import compiled, rendered
from bench.page import replaced
from bench.peers.numpy_by_hand import prepared
from bench.peers.serving import checks
from bench.results import agree, from_json
from derive.commands.bench import bench
from derive.errors import DeriveError

NETWORK, PRODUCT, LAYERS = (
    "tiny16",
    "tn_512_512_256",
    ("softmax_vjp", "layernorm_vjp", "cross_entropy", "gelu", "adamw"),
)


def by_hand(case: Case) -> list[float]:
    """What NumPy by hand computes."""
    program = prepared(case)
    return checks(program, program.step())


@pytest.mark.compiler
@pytest.mark.parametrize("name", [NETWORK, PRODUCT, *LAYERS])
def test_the_driver_in_c_computes_what_numpy_does(name: str, tmp_path: Path) -> None:
    made = compiled(build(CASES[name], "c", tmp_path), "c")
    answer = subprocess.run(made.command, input="", capture_output=True, text=True, check=True)
    ready = json.loads(answer.stdout)
    assert agree(ready["checks"], by_hand(CASES[name]))
    assert ready["workspace_bytes"] > 0
    assert made.library_bytes > 0


@pytest.mark.compiler
def test_a_race_of_the_smallest_case(tmp_path: Path) -> None:
    file = tmp_path / "race.json"
    words = ("tiny1", "--rounds", "1", "--seconds", "0.01", "--threads", "1", "--peers", "numpy", "--json")
    answer = CliRunner().invoke(bench, [*words, str(file)], catch_exceptions=False)
    assert answer.exit_code == 0
    report = from_json(file.read_text(encoding="utf-8"), str(file))
    assert {"numpy", "emitted_numpy", "emitted_c", "called_c"} <= {line.name for line in report.lines}
    assert all(line.medians and not line.refused for line in report.lines)
    again = CliRunner().invoke(bench, ["--from", str(file)])
    assert "4-16-3, batch 1" in again.output


def test_a_name_that_is_no_case() -> None:
    answer = CliRunner().invoke(bench, ["mlp9"])
    assert isinstance(answer.exception, DeriveError)
    assert "there is no case 'mlp9'" in str(answer.exception)


def test_a_peer_that_does_not_exist() -> None:
    answer = CliRunner().invoke(bench, ["tiny1", "--peers", "tensorflow"])
    assert "there is no peer tensorflow" in str(answer.exception)


@pytest.mark.parametrize("text", ["0", "a", "1,", "-1"])
def test_threads_are_numbers(text: str) -> None:
    assert CliRunner().invoke(bench, ["--threads", text]).exit_code == 2


def test_what_is_installed_is_asked_of_the_interpreter(tmp_path: Path) -> None:
    assert installed(sys.executable)["numpy"]
    with pytest.raises(DeriveError, match="does not run"):
        installed(str(tmp_path / "python"))


def test_a_target_that_does_not_exist_is_said(tmp_path: Path) -> None:
    (found,) = ours(CASES["tiny1"], ("novel",), 1, tmp_path)
    assert found == Absent("novel", "the target novel does not exist in this checkout")
    with pytest.raises(Unavailable):
        build(CASES["mlp2"], "novel", tmp_path)


def test_the_plain_c_has_one_thread(tmp_path: Path) -> None:
    assert list(ours(CASES["tiny1"], ("c",), 2, tmp_path)) == []


def test_the_driver_is_told_everything(tmp_path: Path) -> None:
    text = rendered(build(CASES["tiny1"], "c", tmp_path))
    assert "step(p, &batches[at], w, (tiny1_real)0.01, (tiny1_real)0.0, &L)" in text


@pytest.mark.compiler
def test_amd_has_a_second_pytorch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contest, "processor", lambda: {"vendor": "AuthenticAMD"})
    (forced,), note = contest.vendors_path(tmp_path)
    assert "forced" in note
    assert Path(cleaned({}, 1, forced.environment)["LD_PRELOAD"]).is_file()


def test_on_intel_the_two_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contest, "processor", lambda: {"vendor": "GenuineIntel"})
    more, note = contest.vendors_path(tmp_path)
    assert more == []
    assert "are the same here: the vendor is GenuineIntel" in note


def test_a_case_that_does_not_compile_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "false")
    (found,) = ours(CASES["tiny1"], ("c",), 1, tmp_path)
    assert isinstance(found, Absent)
    assert "CC=false" in found.reason


def test_the_page_of_the_documentation_has_a_place_for_the_tables() -> None:
    page = ROOT / "docs" / "benchmarks.md"
    assert "\nmeasured\n" in replaced(page.read_text(encoding="utf-8"), "measured", page)

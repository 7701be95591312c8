"""A race among stand-ins: who is wrong, silent or dies does not race; the rest have a median a round."""

import json
import sys
from pathlib import Path

import pytest

from bench.cases import CASES
from bench.contestants import Contestant
from bench.race import added, compared, race
from tests.bench.conftest import MakeLine

STAND_IN = """
import json, sys
print(json.dumps({"checks": json.loads(sys.argv[1]), "first_step_s": 0.5}), flush=True)
for line in sys.stdin:
    print(json.dumps({"median_s": float(sys.argv[2]), "min_s": 1, "max_s": 3, "rss_bytes": 7}), flush=True)
"""
RIGHT = (3.206514, 2.774256)


def stand_in(name: str, checks: tuple[float, ...] = RIGHT, seconds: str = "2") -> Contestant:
    """A contestant that says these numbers and always measures the same."""
    return Contestant(name, name, (sys.executable, "-c", STAND_IN, json.dumps(checks), seconds))


@pytest.fixture
def peak(tmp_path: Path) -> Path:
    """A program that measures a peak of 5."""
    path = tmp_path / "peak"
    path.write_text("#!/bin/sh\necho 5\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_rounds_and_limits(peak: Path) -> None:
    lines, limits = race(CASES["mlp2"], 1, [stand_in("numpy"), stand_in("ours", seconds="1")], 2, 0.1, peak)
    assert [line.medians for line in lines] == [(2.0, 2.0), (1.0, 1.0)]
    assert limits.flops == (5.0, 5.0)
    assert lines[0].facts == {"first_step_s": 0.5, "rss_bytes": 7}


def test_a_wrong_answer_does_not_race(peak: Path) -> None:
    doctored = stand_in("fast", (RIGHT[0], RIGHT[1] * 1.0001), "0.001")
    lines, _ = race(CASES["mlp2"], 1, [stand_in("numpy"), doctored], 1, 0.1, peak)
    assert lines[0].medians
    assert not lines[1].medians
    assert "computes 3.206514 and 2.774533 where numpy has" in lines[1].refused


def test_who_dies_is_left_out_with_its_last_words(peak: Path) -> None:
    dies = Contestant("dies", "dies", (sys.executable, "-c", "raise SystemExit('no such module')"))
    late = Contestant("late", "late", (sys.executable, "-c", STAND_IN, json.dumps(RIGHT), "no number"))
    lines, _ = race(CASES["mlp2"], 1, [dies, stand_in("numpy"), late], 1, 0.1, peak)
    assert lines[0].refused == "dies ended: no such module"
    assert lines[1].medians == (2.0,)
    assert "could not convert" in lines[2].refused


def test_a_layer_is_held_against_bandwidth(peak: Path) -> None:
    _, limits = race(CASES["softmax"], 1, [stand_in("numpy")], 1, 0.1, peak)
    assert (limits.flops, limits.bandwidth) == ((), (5.0,))


def test_the_first_that_is_ready_is_the_reference(make_line: MakeLine) -> None:
    lines = [
        make_line("numpy", checks=(), refused="absent"),
        make_line("jax"),
        make_line("emitted_c", checks=(1.0, 2.0)),
    ]
    assert [bool(line.refused) for line in compared(lines)] == [True, False, True]


def test_ranges_widen(make_line: MakeLine) -> None:
    line = make_line("jax", medians=())
    for least, most in ((2.0, 5.0), (1.0, 3.0)):
        line = added(line, {"median_s": 2.5, "min_s": least, "max_s": most, "rss_bytes": 1})
    assert (line.medians, line.least_s, line.most_s) == ((2.5, 2.5), 1.0, 5.0)

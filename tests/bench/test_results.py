"""Losses compared to five digits, ratios round by round, JSON there and back."""

import json
import math

import pytest

from bench.results import Report, agree, best_of_ours, call_cost, from_json, parsed, racing, ratio, to_json
from derive.errors import DeriveError
from tests.bench.conftest import MakeLine


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ((3.206515, 2.774256), (3.206515, 2.774256)),
        ((3.20655, 2.774256), (3.206514, 2.774256)),
        ((99.7855, 1.5e-8), (99.7851, 1.5e-8)),
        ((0.0,), (0.0,)),
    ],
)
def test_equal_to_five_digits(found: tuple[float, ...], wanted: tuple[float, ...]) -> None:
    assert agree(found, wanted)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ((3.2066, 2.774256), (3.206514, 2.774256)),
        ((3.206514, 2.774316), (3.206514, 2.774256)),
        ((3.206514,), (3.206514, 2.774256)),
        ((3.206514, 2.774256), (3.206514,)),
        ((math.nan, 2.774256), (3.206514, 2.774256)),
        ((math.inf, 1.0), (math.inf, 1.0)),
        ((1.5002e-8,), (1.5e-8,)),
        ((-3.206514, 2.774256), (3.206514, 2.774256)),
    ],
)
def test_different_in_five_digits(found: tuple[float, ...], wanted: tuple[float, ...]) -> None:
    assert not agree(found, wanted)


@pytest.mark.parametrize("text", ["", "warning: something\n", "[1, 2]\n", '{"checks": [1'])
def test_what_is_no_json_line_is_refused(text: str) -> None:
    with pytest.raises(DeriveError, match="a peer printed"):
        parsed(text, "a peer")


def test_ratio_is_taken_round_by_round(make_line: MakeLine) -> None:
    above = make_line("numpy", medians=(2.0, 9.0, 4.0))
    below = make_line("emitted_c", medians=(1.0, 3.0, 8.0))
    assert ratio(above, below) == (2.0, 0.5, 3.0)


def test_racing_is_in_order_and_without_the_refused(report: Report) -> None:
    assert [line.name for line in racing(report.lines)] == ["emitted_c", "called_c", "numpy", "jax"]


def test_our_fastest_is_no_call_from_python(report: Report, make_line: MakeLine) -> None:
    best = best_of_ours((*report.lines, make_line("called_tuned", 1e-9)))
    assert best is not None
    assert best.name == "emitted_c"
    assert best_of_ours([make_line("numpy")]) is None


def test_cost_of_a_call(report: Report) -> None:
    assert call_cost(report.lines) == {"c": pytest.approx(2 * 1e-6)}


def test_json_there_and_back(report: Report) -> None:
    text = to_json(report)
    read = from_json(text, "race.json")
    assert to_json(read) == text
    assert read.lines[0] == report.lines[0]
    assert read.limits == report.limits


def test_json_has_no_nan(make_line: MakeLine) -> None:
    text = to_json(Report({}, (make_line("jax", least_s=math.nan),), ()))
    assert json.loads(text)["lines"][0]["least_s"] is None
    assert math.isnan(from_json(text, "race.json").lines[0].least_s)


@pytest.mark.parametrize("text", ["", "{}", '{"machine": 1, "lines": [{}]}'])
def test_another_file_is_no_report(text: str) -> None:
    with pytest.raises(DeriveError, match=r"race\.json is no report"):
        from_json(text, "race.json")

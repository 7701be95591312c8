"""The picture of a run: well-formed, every point inside the axes, round ticks."""

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.runtime.curves import HEIGHT, TOP, draw
from derive.runtime.ticks import label, ticks

HEADER = {"run": {"network": "two_layer", "data": '<a> & "b"'}}


def records(count: int, **values: float) -> list[dict[str, Any]]:
    return [HEADER, *({"epoch": i + 1, **{k: v / (i + 1) for k, v in values.items()}} for i in range(count))]


@pytest.mark.parametrize("count", [1, 2, 10, 100])
def test_a_classifier_has_two_panels(count: int) -> None:
    svg = ET.fromstring(draw(records(count, loss=2.0, test_loss=1.0, train_error=0.5, test_error=0.6)))
    lines = [e for e in svg.iter() if e.tag.endswith("polyline")]
    assert len(lines) == 4
    for line in lines:
        heights = [float(pair.split(",")[1]) for pair in line.attrib["points"].split()]
        assert len(heights) == count
        assert all(TOP <= y <= TOP + HEIGHT for y in heights)
        assert heights == sorted(heights)
    texts = [e.text for e in svg.iter() if e.tag.endswith("text")]
    assert 'two_layer on <a> & "b"' in texts
    assert texts.count("train") == texts.count("test") == texts.count("epoch") == 2


def test_a_regression_has_one_panel() -> None:
    svg = draw(records(3, loss=2.0, train_loss=3.0, test_loss=1.0))
    assert svg.count("<polyline") == 2
    assert " %<" not in svg


def test_the_picture_depends_on_the_log_alone() -> None:
    assert draw(records(4, loss=1.0)) == draw(records(4, loss=1.0))
    assert "<svg" in draw([HEADER])


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks(low: float, span: float) -> None:
    found = ticks(low, low + span)
    assert found[0] <= low + 1e-6 * span
    assert found[-1] >= low + span * (1 - 1e-6) - 1e-9
    assert 2 <= len(found) <= 8
    assert all(re.fullmatch(r"-?[\d.]+(e[+-]\d+)?", label(t)) for t in found)

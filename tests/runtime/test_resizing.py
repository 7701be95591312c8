"""Sizes that may change after a network was emitted, and those that may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from derive.runtime import load
from derive.runtime.errors import DescriptionError

GENERATED = Path(__file__).resolve().parents[2] / "generated"


def test_a_plain_size_may_change() -> None:
    net = load("two_layer", path=GENERATED, sizes={"d": 7}).init(0)
    assert net.parameters["W1"].shape == (784, 7)


def test_a_size_inside_an_axis_may_change() -> None:
    net = load("feature_regression", path=GENERATED, sizes={"n": 3}).init(0)
    assert net.parameters["Theta"].shape == (6, 10)
    assert net.description.data[0].shape == (3,)


def test_an_axis_that_would_be_empty_is_refused() -> None:
    with pytest.raises(DescriptionError, match="has no size d=0"):
        load("two_layer", path=GENERATED, sizes={"d": 0})

"""The comparison catches what is wrong: a 0, a NaN, an infinity, a lost digit."""

import numpy as np
import pytest

from derive.check.traps import TRAPS
from tests.traps.compared import agree

SIGMOID = next(trap for trap in TRAPS if trap.name == "sigmoid")
SMALL = np.exp(-100.0)


@pytest.mark.parametrize("wrong", [0.0, np.nan, np.inf, SMALL * 1.0001, -SMALL])
def test_wrong_doubles(wrong: float) -> None:
    assert agree(np.array([SMALL]), np.array([SMALL]), SIGMOID, np.float64)
    assert not agree(np.array([wrong]), np.array([SMALL]), SIGMOID, np.float64)


@pytest.mark.parametrize("wrong", [0.0, np.nan, 1e-40])
def test_wrong_floats(wrong: float) -> None:
    assert agree(np.array([SMALL], np.float32), np.array([SMALL]), SIGMOID, np.float32)
    assert not agree(np.array([wrong], np.float32), np.array([SMALL]), SIGMOID, np.float32)


def test_infinities_must_be_equal() -> None:
    right = np.array([-np.inf, 1e300])
    assert agree(np.array([-np.inf, np.inf], np.float32), right, SIGMOID, np.float32)
    assert not agree(np.array([np.inf, np.inf], np.float32), right, SIGMOID, np.float32)
    assert not agree(np.array([-np.inf]), right, SIGMOID, np.float64)

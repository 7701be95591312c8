"""The learning rate of each step."""

from math import isclose

import pytest

from derive.runtime.schedule import rate


def test_constant_with_and_without_warm_up() -> None:
    assert [rate("constant", 0.5, 0, 10)(k) for k in range(3)] == [0.5, 0.5, 0.5]
    assert [rate("constant", 0.4, 4, 10)(k) for k in range(6)] == pytest.approx(
        [0.1, 0.2, 0.3, 0.4, 0.4, 0.4]
    )


def test_cosine_starts_at_the_rate_is_half_in_the_middle_and_ends_at_nothing() -> None:
    lr = rate("cosine", 0.2, 10, 110)
    assert isclose(lr(9), 0.2)
    assert isclose(lr(10), 0.2)
    assert isclose(lr(60), 0.1)
    assert lr(110) < 1e-17
    assert all(lr(k) > lr(k + 1) for k in range(10, 110))

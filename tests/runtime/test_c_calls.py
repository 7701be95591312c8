"""A step's arguments are kept by rows: never those of other arrays, of another rate, or of too many rows."""

import numpy as np
import pytest

from derive.runtime import Network, c_calls
from tests.runtime.conftest import batch, two_layer

pytestmark = [pytest.mark.compiler, pytest.mark.usefixtures("compiler")]
ROWS = [(0, 3), (3, 7), (0, 3), (2, 5), (3, 7), (2, 5), (0, 3)]


def fresh(network: Network, rows: tuple[int, int], lr: float) -> float:
    """The step by a stepper of its own."""
    return network.stepper("sgd", lr=lr)(*rows)


def test_rows_visited_again(rng: np.random.Generator) -> None:
    X, y = batch(rng)
    kept, anew = (two_layer("c").bind(X, y) for _ in range(2))
    run = kept.stepper("sgd", lr=0.2)
    assert [run(*rows) for rows in ROWS] == [fresh(anew, rows, 0.2) for rows in ROWS]
    assert np.array_equal(kept.flat, anew.flat)


def test_more_rows_than_are_kept(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(c_calls, "MOST", 1)
    test_rows_visited_again(rng)


def test_other_arrays(rng: np.random.Generator) -> None:
    first, second = batch(rng), batch(rng)
    kept, anew = (two_layer("c").bind(*first) for _ in range(2))
    run = kept.stepper("sgd", lr=0.2)
    assert run(0, 7) == fresh(anew, (0, 7), 0.2)
    kept.bind(*second), anew.bind(*second)
    assert run(0, 7) == fresh(anew, (0, 7), 0.2)


@pytest.mark.parametrize("most", [0, 1, 4096])
def test_another_rate(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(c_calls, "MOST", most)
    X, y = batch(rng)
    kept, anew = (two_layer("c").bind(X, y) for _ in range(2))
    run = kept.stepper("sgd", lr=0.2)
    for rows, lr in zip(ROWS, (0.2, 0.2, 0.1, 0.1, 0.3, 0.2, 0.2), strict=True):
        assert run(*rows, lr) == fresh(anew, rows, lr)
    assert np.array_equal(kept.flat, anew.flat)

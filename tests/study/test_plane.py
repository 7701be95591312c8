"""The made points with their constant feature, and what a line can do about them."""

import numpy as np
import pytest

from derive.runtime.data.dataset import Split
from derive.study.plane import EXTENT, PROBLEMS, REACH, best_line, grid, points


def line_errors(split: Split) -> float:
    """The best of the lines that pass two points closely, each side named both ways: slow and plain."""
    X, y = split.X[:, :2], split.y
    best = float(min(np.mean(y == 0), np.mean(y == 1)))
    for i in range(len(X)):
        for j in range(i):
            normal = np.array([X[i, 1] - X[j, 1], X[j, 0] - X[i, 0]])
            for shift in (-1e-9, 1e-9):
                wrong = np.mean(((X - X[i]) @ normal > shift) != y)
                best = min(best, float(wrong), float(1 - wrong))
    return best


@pytest.mark.parametrize("problem", PROBLEMS)
def test_no_line_separates(problem: str) -> None:
    data = points(problem, 60, 10, seed=3)
    best = best_line(data.train, directions=3000)
    assert best >= line_errors(data.train) - 2 / 60  # a line through points gives both of them to one side
    assert best <= line_errors(data.train) + 1 / 60
    assert best_line(points(problem, 2000, 10).train) > 0.3


def test_by_hand_a_line_errs_on_a_third() -> None:
    """Without noise the best line errs on a third: it cuts off a sixth of the points, or a corner."""
    for problem in ("rings", "xor"):
        assert best_line(points(problem, 20_000, 10).train, directions=90) == pytest.approx(1 / 3, abs=0.02)


def test_a_line_that_separates_is_found(rng: np.random.Generator) -> None:
    X = rng.normal(size=(200, 2))
    y = (X @ [0.6, -0.8] > 0.3).astype(np.int32)
    apart = X[np.abs(X @ [0.6, -0.8] - 0.3) > 0.05]
    labels = y[np.abs(X @ [0.6, -0.8] - 0.3) > 0.05]
    assert best_line(Split(apart, labels)) == 0
    assert best_line(Split(apart, 1 - labels)) == 0
    labels[:3] ^= 1
    assert 0 < best_line(Split(apart, labels)) <= 3 / len(labels)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_points_are_in_the_picture_and_have_a_constant(problem: str) -> None:
    data = points(problem, 300, 200, seed=5)
    for split, count in ((data.train, 300), (data.test, 200)):
        assert split.X.shape == (count, 3)
        assert (split.X[:, 2] == 1).all()
        assert np.abs(split.X[:, :2]).max() < EXTENT
    assert not np.array_equal(data.train.X[:200], data.test.X)
    assert not np.array_equal(data.train.X, points(problem, 300, 200, seed=6).train.X)


def test_the_grid_starts_at_the_top_left() -> None:
    rows = grid(3)
    assert rows[0].tolist() == [-REACH, REACH, 1]
    assert rows[1].tolist() == [0, REACH, 1]
    assert rows[-1].tolist() == [REACH, -REACH, 1]

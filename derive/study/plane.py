"""The plane: made points with a constant third feature, a grid over them, the best of all lines.

A network without bias maps (x1, x2) and every multiple of it to the same side. With the constant,

    x = (x1, x2, 1),

a linear function of x is an affine one of the point, in each hypothesis class alike.
"""

from dataclasses import replace

import numpy as np

from derive.runtime.buffers import Array
from derive.runtime.data import made
from derive.runtime.data.dataset import Dataset, Split

PROBLEMS = ("rings", "xor", "spirals")
EXTENT = 1.25  # the picture shows [-EXTENT, EXTENT]^2; the points reach a little over 1
REACH = 1.3  # of the grid, beyond the picture's border, so that curves cross it
SAMPLES = 105  # of the grid, along each axis


def points(problem: str, train: int, test: int, seed: int = 0) -> Dataset:
    """The made data set, a row (x1, x2, 1) for each point."""
    data = made.make(problem, train, test, seed)
    return replace(data, train=_lifted(data.train), test=_lifted(data.test))


def _lifted(split: Split) -> Split:
    return Split(lift(split.X), split.y)


def lift(X: Array) -> Array:
    """(x1, x2) -> (x1, x2, 1), by row."""
    return np.column_stack([X, np.ones(len(X))])


def grid(samples: int = SAMPLES) -> Array:
    """Rows (x1, x2, 1) over [-REACH, REACH]^2: from the top left, line by line (samples^2, 3)."""
    along = np.linspace(-REACH, REACH, samples)
    x1, x2 = np.meshgrid(along, along[::-1])
    return lift(np.stack([x1.ravel(), x2.ravel()], axis=1))


def best_line(split: Split, directions: int = 360) -> float:
    """The smallest share of wrong labels of any line across one of the directions, classes 0 and 1.

    Along a direction the points lie in an order, and a line cuts the order in two: cut t has
    ones(before t) + zeros(after t) errors, or all others where the sides are named the other way.
    """
    angles = np.pi * np.arange(directions) / directions
    along = split.X[:, :2] @ np.stack([np.cos(angles), np.sin(angles)])
    ones = split.y[np.argsort(along, axis=0)]
    balance = np.cumsum(2 * ones - 1, axis=0)  # ones less zeros before each cut
    wrong = np.concatenate([balance, np.zeros((1, directions))]) + (len(split) - ones.sum(axis=0))
    return float(min(wrong.min(), len(split) - wrong.max()) / len(split))

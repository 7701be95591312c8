"""Made data, a formula and a seeded draw for each: what no linear classifier separates, and a regression.

Every function returns `count` points X (count, 2) and classes y (count) int32; `waves` returns reals.
"""

import numpy as np
from numpy.typing import NDArray

from derive.runtime.buffers import Array

from .dataset import Dataset, Split

Points = NDArray[np.float64]
TRAIN, TEST = 2000, 1000


def rings(count: int, seed: int = 0, noise: float = 0.05) -> tuple[Points, Array]:
    """Class c lies on the circle of radius (c + 1)/2."""
    draw = np.random.default_rng(seed)
    y = np.arange(count, dtype=np.int32) % 2
    angle = 2 * np.pi * draw.random(count)
    radius = (y + 1) / 2 + noise * draw.standard_normal(count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), y


def xor(count: int, seed: int = 0, noise: float = 0.05) -> tuple[Points, Array]:
    """Points of the square [-1, 1]^2; y = [x1 x2 < 0], read before the noise is added."""
    draw = np.random.default_rng(seed)
    X = 2 * draw.random((count, 2)) - 1
    y = (X[:, 0] * X[:, 1] < 0).astype(np.int32)
    return X + noise * draw.standard_normal((count, 2)), y


def spirals(count: int, seed: int = 0, noise: float = 0.02, arms: int = 2) -> tuple[Points, Array]:
    """Arm c of Archimedes: radius t, angle 3 pi t + 2 pi c / arms, for t in [0.1, 1)."""
    draw = np.random.default_rng(seed)
    y = np.arange(count, dtype=np.int32) % arms
    t = 0.1 + 0.9 * draw.random(count)
    angle = 3 * np.pi * t + 2 * np.pi * y / arms
    X = t[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return X + noise * draw.standard_normal((count, 2)), y


def waves(count: int, seed: int = 0, noise: float = 0.05) -> tuple[Points, Array]:
    """Regression: y = sin(pi x1) cos(pi x2) for x in the square [-1, 1]^2."""
    draw = np.random.default_rng(seed)
    X = 2 * draw.random((count, 2)) - 1
    y = np.sin(np.pi * X[:, 0]) * np.cos(np.pi * X[:, 1]) + noise * draw.standard_normal(count)
    return X, y[:, None]


MAKERS = {"rings": rings, "xor": xor, "spirals": spirals, "waves": waves}


def make(name: str, train: int = TRAIN, test: int = TEST, seed: int = 0) -> Dataset:
    """`train` points drawn by `seed` and `test` points drawn by the next one."""
    maker = MAKERS[name]
    return Dataset(name, Split(*maker(train, seed)), Split(*maker(test, seed + 1)))

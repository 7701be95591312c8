"""What is compared of an array before its time counts: two numbers that any wrong element changes.

The mean of the squares, and the mean of (y_i - 1)^2 (i + 1)/n, which sees signs and places. All terms are
positive, so that nothing cancels and five digits are five digits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def summary(arrays: Iterable[Any]) -> list[float]:
    """Both numbers, of the elements of all arrays one after the other."""
    flat: NDArray[np.float64] = np.concatenate([np.asarray(array, np.float64).ravel() for array in arrays])
    places = np.arange(1, flat.size + 1) / flat.size
    return [float(np.mean(flat**2)), float(np.mean((flat - 1) ** 2 * places))]

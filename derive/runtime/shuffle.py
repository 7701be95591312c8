"""The order of an epoch, drawn by counter from seed and epoch alone, so that a resumed run repeats it."""

import numpy as np
from numpy.typing import NDArray

WORDS = NDArray[np.uint64]


def mix(z: WORDS) -> WORDS:
    """The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), modulo 2^64."""
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def order(seed: int, epoch: int, count: int) -> NDArray[np.intp]:
    """A permutation of 0..count-1: the rows sorted by mix(mix(mix(seed) + epoch) + row)."""
    key: WORDS = mix(mix(np.array([seed % 2**64], np.uint64)) + np.uint64(epoch))
    return np.argsort(mix(np.arange(count, dtype=np.uint64) + key), kind="stable")

"""Grids of index values: each index an axis, so that an expression is evaluated for all of them at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from derive.calculus.expressions.tensor import Index
from derive.check.arithmetic import Array


@dataclass(frozen=True)
class Grid:
    """The values of each index, of one array dimension per axis; `active` where they are in range.

    Ragged extents are padded to the longest: the padding is not active. Nor is what a guard excludes.
    """

    indices: Mapping[Index, Array]
    shape: tuple[int, ...]
    active: Array

    @classmethod
    def at(cls, values: Mapping[Index, int]) -> Grid:
        """The grid of no axis, at fixed values of some indices."""
        return cls({index: np.asarray(value) for index, value in values.items()}, (), np.asarray(True))

    def extended(self, index: Index, extent: Array) -> Grid:
        """One more axis, last: index < extent."""
        reached = np.where(self.active, extent, 0)
        length = max(int(reached.max(initial=0)), 0)
        positions = np.arange(length).reshape((1,) * len(self.shape) + (length,))
        inner = {name: values[..., None] for name, values in self.indices.items()}
        active = self.active[..., None] & (positions < extent[..., None])
        return Grid({**inner, index: positions}, (*self.shape, length), active)

    def under(self, condition: Array) -> Grid:
        """The same grid, active only where a condition holds."""
        return replace(self, active=self.active & condition)

    def full(self, values: Array) -> Array:
        """The values broadcast to the whole grid."""
        return np.broadcast_to(values, self.shape)

"""Elements of tensors on a grid: reads, and the check that every active one lies inside."""

from __future__ import annotations

import numpy as np

from derive.calculus.expressions.substitution import substitute
from derive.calculus.expressions.tensor import Index, Ref, refs
from derive.check.arithmetic import Array
from derive.check.grid import Grid
from derive.check.reader import OutOfRange, Reader
from derive.errors import DeriveError


def element(reader: Reader, node: Ref, grid: Grid) -> Array:
    """X[g]: OutOfRange where it is active outside; what is not active is any element."""
    if node.name not in reader.arrays:
        raise DeriveError(f"{node} is read before an equation defines {node.name}")
    array = reader.arrays[node.name]
    if not node.indices:
        return array.reshape((1,) * len(grid.shape))
    places = [reader.value(index, grid) for index in node.indices]
    places = [place.reshape((1,) * len(grid.shape)) if place.ndim == 0 else place for place in places]
    require_inside(reader, node, places, array.shape, grid)
    if array.size == 0:
        return np.zeros((1,) * len(grid.shape), array.dtype)
    bounded = (np.clip(place, 0, size - 1) for place, size in zip(places, array.shape, strict=True))
    return array[tuple(bounded)]


def require_inside(
    reader: Reader, node: Ref, places: list[Array], shape: tuple[int, ...], grid: Grid
) -> None:
    """OutOfRange where an active point of the grid leaves the tensor, ragged sizes included."""
    axes = reader.tensors[node.name].axes
    own = {Index(axis.name): index for axis, index in zip(axes, node.indices, strict=True)}
    for axis, place, size in zip(axes, places, shape, strict=True):
        limit = np.asarray(size)
        if refs(axis.size):
            limit = reader.value(substitute(axis.size, own), grid)
        outside = (place < 0) | (place >= limit)
        if outside.any() and (outside & grid.active).any():
            wrong = np.broadcast_to(place, np.broadcast_shapes(place.shape, grid.active.shape))
            first = wrong[np.broadcast_to(outside & grid.active, wrong.shape)] if wrong.shape else wrong
            raise OutOfRange(f"{node}: axis {axis} of size {limit.max()} has no element {first.flat[0]}")

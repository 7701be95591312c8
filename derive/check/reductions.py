"""Sums, maxima and positions of maxima on a grid; ragged ranges are padded and masked."""

from __future__ import annotations

import numpy as np

from derive.calculus.expressions.nodes import ArgLargest, Reduction, Sum
from derive.calculus.expressions.tensor import Index, refs
from derive.check.arithmetic import Array
from derive.check.grid import Grid
from derive.check.reader import Reader


def reduction(reader: Reader, node: Reduction, grid: Grid) -> Array:
    """sum, max or argmax of the body over the ranges; over none, 0 and -infinity."""
    inner = grid
    for index, extent in node.ranges:
        inner = reader.extent(inner, index, extent)
    body = reader.real(node.body, inner)
    axes = tuple(range(len(grid.shape), len(inner.shape)))
    bounded = body.shape[: len(grid.shape)] + inner.shape[len(grid.shape) :]
    within = _within(grid, inner, node)
    if within is not None:
        bounded = np.broadcast_shapes(bounded, within.shape)
    body = np.broadcast_to(body, bounded)
    neutral = reader.numbers.filled((), 0.0 if isinstance(node, Sum) else -np.inf)
    if within is not None:
        body = np.where(within, body, neutral)
    if reader.margins is not None and not isinstance(node, Sum):
        reader.margins.append(_gap(body.reshape(*body.shape[: len(grid.shape)], -1)))
    if isinstance(node, ArgLargest):
        return body.argmax(axis=axes[0])
    combine = np.add if isinstance(node, Sum) else np.maximum
    return np.asarray(combine.reduce(body, axis=axes, initial=neutral[()]))


def _gap(values: Array) -> float:
    """The least distance between the largest two of the last axis.

    Reals that are drawn never tie: values that are equal are one value read twice, or the constant of a
    branch that was taken, as the zeros of a rectifier under a pooling, and stay equal nearby.
    """
    if values.shape[-1] < 2:
        return float("inf")
    ordered = np.sort(values, axis=-1)
    gaps = ordered[..., -1] - ordered[..., -2]
    return float(np.min(gaps, where=gaps > 0, initial=np.inf))


def _within(grid: Grid, inner: Grid, node: Reduction) -> Array | None:
    """Where the padding of ragged ranges is not, None where no range is ragged."""
    if not any(refs(extent) or extent.atoms(Index) for _, extent in node.ranges):
        return None
    added = (None,) * len(node.ranges)
    return inner.active | ~grid.active[(..., *added)]

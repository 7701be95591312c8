"""Flat buffers with named views: the tensors one after the other, as the C structs hold them."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .description import Tensor
from .errors import ArrayError

Array = NDArray[Any]
ALIGNMENT = 64  # bytes: a cache line, and the widest vector register


def aligned(count: int, dtype: np.dtype[Any]) -> Array:
    """`count` zeros of `dtype`, the first on an address divisible by ALIGNMENT."""
    raw = np.zeros(count * dtype.itemsize + ALIGNMENT, np.uint8)
    skip = -raw.ctypes.data % ALIGNMENT
    return raw[skip : skip + count * dtype.itemsize].view(dtype)


def named_views(tensors: Iterable[Tensor], flat: Array) -> dict[str, Array]:
    """Views of `flat` by name, each row-major, in the order of the description and without gaps."""
    views = {}
    start = 0
    for tensor in tensors:
        views[tensor.name] = flat[start : start + tensor.count].reshape(tensor.shape)
        start += tensor.count
    return views


def pack(tensors: Iterable[Tensor], values: Mapping[str, Array], dtype: np.dtype[Any], what: str) -> Array:
    """A new flat buffer with a copy of `values`. Raise ArrayError for a missing name or another shape."""
    rows = tuple(tensors)
    flat = aligned(sum(t.count for t in rows), dtype)
    for tensor, view in zip(rows, named_views(rows, flat).values(), strict=True):
        value = values.get(tensor.name)
        if value is None or np.shape(value) != tensor.shape:
            found = "missing" if value is None else f"of shape {np.shape(value)}"
            raise ArrayError(
                f"{what} {tensor.name!r} is {found} but {tensor.name} is {tensor.shape}; give one array "
                f"of that shape for each of {', '.join(t.name for t in rows)}"
            )
        view[...] = value
    return flat

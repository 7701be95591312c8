"""The check of a batch, made once when arrays are bound: dtype, shape, C order, range of the labels."""

from typing import Any

import numpy as np

from .buffers import Array
from .description import DataTensor, Description
from .errors import ArrayError, LabelError


def check_batch(description: Description, dtype: np.dtype[Any], batch: tuple[Array, ...]) -> int:
    """Return the number of examples. Labels and targets may be left out where only the output is wanted."""
    allowed = {len(description.data), len(description.inputs)}
    if len(batch) not in allowed:
        wanted = ", ".join(f"{d.name} ({d.role})" for d in description.data)
        raise ArrayError(
            f"network {description.name!r} binds {wanted} in this order, but {len(batch)} arrays were "
            f"given; give all, or the inputs alone for forward and predict"
        )
    tensors = description.data if len(batch) == len(description.data) else description.inputs
    for tensor, array in zip(tensors, batch, strict=True):
        _check_array(description, tensor, array, dtype)
    rows = {t.name: len(a) for t, a in zip(tensors, batch, strict=True)}
    if len(set(rows.values())) != 1:
        sizes = ", ".join(f"{count} in {name}" for name, count in rows.items())
        raise ArrayError(
            f"network {description.name!r}: axis {description.batch_axis} is {sizes}; give as many "
            f"rows of each"
        )
    return next(iter(rows.values()))


def _check_array(description: Description, tensor: DataTensor, array: Array, dtype: np.dtype[Any]) -> None:
    where = f"array {tensor.name!r} of network {description.name!r}"
    wanted = np.dtype(np.int32) if tensor.dtype == "int32" else dtype
    shape = f"({', '.join(tensor.axes)}{',' if len(tensor.axes) == 1 else ''})"
    if not isinstance(array, np.ndarray):
        raise ArrayError(
            f"{where} is a {type(array).__name__}, not a NumPy array; pass np.asarray(..., dtype=np.{wanted})"
        )
    if array.dtype != wanted:
        raise ArrayError(
            f"{where} has dtype {array.dtype} and shape {array.shape} but the network is built for "
            f"{wanted}; pass {tensor.name}.astype(np.{wanted}), or load the network with another dtype"
        )
    if array.ndim == 0 or array.shape[1:] != tensor.shape:
        sizes = ", ".join(str(size) for size in ("any", *tensor.shape))
        raise ArrayError(
            f"{where} has shape {array.shape} but {shape} is ({sizes}); reshape it, or load the network "
            f"with sizes= that fit"
        )
    if len(array) == 0:
        raise ArrayError(
            f"{where} has no rows: axis {description.batch_axis} is 0; give at least one example"
        )
    if not array.flags.c_contiguous:
        row_major = np.empty(array.shape, np.int8).strides
        strides = tuple(step * array.itemsize for step in row_major)
        raise ArrayError(
            f"{where} of dtype {array.dtype} and shape {array.shape} has strides {array.strides} but is "
            f"read in rows without gaps, strides {strides}; pass np.ascontiguousarray({tensor.name})"
        )
    if not array.flags.aligned:
        raise ArrayError(
            f"{where} does not start on an address divisible by {array.itemsize}; pass {tensor.name}.copy()"
        )
    if tensor.classes is not None:
        check_labels(description, tensor, array)


def check_labels(description: Description, tensor: DataTensor, labels: Array) -> None:
    """Raise LabelError for the first label that is not in 0..classes-1."""
    classes = tensor.classes
    assert classes is not None
    if int(labels.min()) >= 0 and int(labels.max()) < classes:
        return
    wrong = np.flatnonzero((labels.ravel() < 0) | (labels.ravel() >= classes))[0]
    place = ", ".join(str(i) for i in np.unravel_index(wrong, labels.shape))
    raise LabelError(
        f"label {tensor.name}[{place}] is {labels.ravel()[wrong]} but network {description.name!r} has "
        f"{classes} classes, 0..{classes - 1}; correct the labels, or load the network with more classes"
    )

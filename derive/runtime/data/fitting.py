"""From a data set to the arrays of a network: its dtype, its shapes, labels or targets as it wants them."""

from math import prod
from typing import Any

import numpy as np

from derive.runtime.binding import check_labels
from derive.runtime.buffers import Array
from derive.runtime.description import DataTensor, Description
from derive.runtime.errors import DataError, LabelError

from .dataset import Dataset, Split
from .text import windows

Batch = tuple[Array, ...]


def fit(dataset: Dataset, description: Description, dtype: np.dtype[Any]) -> tuple[Batch, Batch]:
    """The arrays to bind for train and test. Raise DataError where they can't be had from the data set."""
    if len(description.inputs) != 1 or len(description.answers) != 1:
        raise DataError(
            f"network {description.name!r} takes {', '.join(d.name for d in description.data)}, but `train` "
            f"feeds one input and one label or target; train it by derive.runtime.load and step()"
        )
    train, test = (
        _fit_split(dataset, part, split, description, dtype)
        for part, split in (("train", dataset.train), ("test", dataset.test))
    )
    return train, test


def _fit_split(
    dataset: Dataset, part: str, split: Split, description: Description, dtype: np.dtype[Any]
) -> Batch:
    where = f"data set {dataset.name!r}, {part}"
    if dataset.alphabet:
        return _windows(where, split.X, len(dataset.alphabet), description)
    arrays = []
    for tensor in description.data:
        if tensor.role == "input":
            arrays.append(_features(where, split.X, tensor, description, dtype))
        elif tensor.dtype == "int32":
            arrays.append(_labels(where, split.y, tensor, description))
        else:
            arrays.append(_targets(where, split.y, tensor, dataset.classes, dtype))
    return tuple(arrays)


def _windows(where: str, tokens: Array, characters: int, description: Description) -> Batch:
    """Each window of characters and the one that is a character later, for a network of sequences."""
    (x,), (y,) = description.inputs, description.answers
    if not (x.dtype == y.dtype == "int32" and len(x.shape) == 1 and x.shape == y.shape):
        raise DataError(
            f"{where} is a text, but network {description.name!r} takes {x.name} ({', '.join(x.axes)}) and "
            f"{y.name} ({', '.join(y.axes)}); train a network of integer sequences on it, as gpt"
        )
    classes = min(tensor.classes or characters for tensor in (x, y))
    if characters > classes:
        raise DataError(
            f"{where}: the text has {characters} characters but network {description.name!r} knows "
            f"{classes}; build it with a larger vocabulary, as --size v={characters}"
        )
    return windows(where, tokens, *x.shape)


def _features(
    where: str, X: Array, tensor: DataTensor, description: Description, dtype: np.dtype[Any]
) -> Array:
    found = prod(X.shape[1:])
    if found != tensor.count:
        axes = ", ".join(tensor.axes[1:])
        symbol = tensor.axes[-1]
        remedy = f"load the network with --size {symbol}={found}, or " if len(tensor.shape) == 1 else ""
        raise DataError(
            f"{where}: axis {axes} is {found} in X {X.shape} but {tensor.count} in {tensor.name} of network "
            f"{description.name!r}; {remedy}give data of {tensor.count} features"
        )
    wanted = np.dtype(np.int32) if tensor.dtype == "int32" else dtype
    return np.ascontiguousarray(X.reshape(len(X), *tensor.shape), dtype=wanted)


def _labels(where: str, y: Array, tensor: DataTensor, description: Description) -> Array:
    if y.dtype.kind not in "iu" or prod(y.shape[1:]) != tensor.count:
        raise DataError(
            f"{where}: y has dtype {y.dtype} and shape {y.shape} but {tensor.name} of network "
            f"{description.name!r} holds class numbers; give integers, or train a regression"
        )
    labels = np.ascontiguousarray(y.reshape(len(y), *tensor.shape), dtype=np.int32)
    if tensor.classes is not None:
        try:
            check_labels(description, tensor, labels)
        except LabelError as error:
            raise DataError(f"{where}: {error}") from None
    return labels


def _targets(where: str, y: Array, tensor: DataTensor, classes: int | None, dtype: np.dtype[Any]) -> Array:
    """Reals as they are; class numbers one-hot, where there are as many targets as classes."""
    if classes is not None and classes > 1 and prod(tensor.shape) == classes and y.ndim == 1:
        return np.ascontiguousarray(np.eye(classes, dtype=dtype)[y].reshape(len(y), *tensor.shape))
    if prod(y.shape[1:]) != tensor.count:
        raise DataError(
            f"{where}: y has {prod(y.shape[1:])} values an example but {tensor.name} has {tensor.count}, "
            f"axes {', '.join(tensor.axes)}; give as many, or load the network with sizes that fit"
        )
    return np.ascontiguousarray(y.reshape(len(y), *tensor.shape), dtype=dtype)

"""A data set: features X (count, ...) and answers y, integers for classes or reals for a regression."""

from dataclasses import dataclass

import numpy as np

from derive.runtime.buffers import Array
from derive.runtime.errors import DataError


@dataclass(frozen=True)
class Split:
    """Examples by row: X (count, ...), y (count) int32 or (count, ...) real."""

    X: Array
    y: Array

    def __len__(self) -> int:
        return len(self.X)


@dataclass(frozen=True)
class Dataset:
    """What a source reads. `name` is for messages; it is a file's name where the data came from a file.

    `alphabet` are the characters of a text, whose parts are X = y, one number for each character.
    """

    name: str
    train: Split
    test: Split
    alphabet: str = ""

    @property
    def classes(self) -> int | None:
        """How many classes the labels show, or None for real answers."""
        if self.train.y.dtype.kind not in "iu":
            return None
        return int(max(self.train.y.max(), self.test.y.max())) + 1


def checked(dataset: Dataset) -> Dataset:
    """The same data set. Raise DataError where it is empty, uneven, or holds NaN or infinities."""
    for part, split in (("train", dataset.train), ("test", dataset.test)):
        where = f"data set {dataset.name!r}, {part}"
        if len(split.X) == 0:
            raise DataError(
                f"{where}: X has shape {split.X.shape}, no examples on axis 0; give at least one example"
            )
        if len(split.X) != len(split.y):
            raise DataError(
                f"{where}: axis 0 is {len(split.X)} in X but {len(split.y)} in y; give one answer for each "
                f"example"
            )
        _check_finite(where, "X", split.X)
        _check_finite(where, "y", split.y)
    return dataset


def _check_finite(where: str, name: str, values: Array) -> None:
    if values.dtype.kind not in "f" or np.isfinite(values).all():
        return
    wrong = ~np.isfinite(values)
    place = tuple(int(axis[0]) for axis in np.nonzero(wrong))
    raise DataError(
        f"{where}: {name}{list(place)} is {values[place]}, and {int(wrong.sum())} of {values.size} values "
        f"of {name} are not finite; remove these rows or fill the gaps before training"
    )


def held_out(name: str, X: Array, y: Array, seed: int = 0) -> Dataset:
    """Every example in an order drawn by `seed`: the last fifth for the test, the others to train."""
    from derive.runtime.shuffle import order

    if len(X) != len(y) or len(X) < 2:
        raise DataError(
            f"data set {name!r}: axis 0 is {len(X)} in X and {len(y)} in y; give one answer for each "
            f"example and at least two examples, of which a fifth is held out for the test"
        )
    rows = order(seed, 0, len(X))
    cut = len(X) - max(1, len(X) // 5)
    return Dataset(name, Split(X[rows[:cut]], y[rows[:cut]]), Split(X[rows[cut:]], y[rows[cut:]]))


def integral(name: str, y: Array) -> Array:
    """Class labels as int32, whatever type the file gave them. Raise DataError for 2.5 or "cat"."""
    if y.dtype.kind in "iu" or (y.dtype.kind == "f" and bool(np.all(y == np.floor(y)))):
        return y.astype(np.int32)
    raise DataError(
        f"data set {name!r}: the labels have dtype {y.dtype} and are not whole numbers, but classes are "
        f"numbered 0, 1, 2, ...; number them, or name the answers `target` for a regression"
    )

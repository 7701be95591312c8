"""npz of the user's own: X and y, or X_train, y_train, X_test, y_test.

Real y is a regression, whole numbers are classes.
"""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from derive.runtime.buffers import Array
from derive.runtime.errors import DataError

from .dataset import Dataset, Split, held_out, integral

PARTS = ("X_train", "y_train", "X_test", "y_test")


def read(path: Path) -> Dataset:
    """The parts that the file names, or X and y with a fifth held out for the test."""
    arrays = _arrays(path)
    if set(PARTS) <= set(arrays):
        X, y, X_test, y_test = (arrays[name] for name in PARTS)
        return Dataset(path.name, Split(X, _answers(path, y)), Split(X_test, _answers(path, y_test)))
    if {"X", "y"} <= set(arrays):
        return held_out(path.name, arrays["X"], _answers(path, arrays["y"]))
    raise DataError(
        f"{path.name} holds the arrays {', '.join(arrays) or 'none'}, but X and y, or {', '.join(PARTS)} are "
        f"needed; save them with np.savez(path, X=X, y=y)"
    )


def _answers(path: Path, y: Array) -> Array:
    return y if y.dtype.kind == "f" else integral(path.name, y)


def _arrays(path: Path) -> dict[str, Array]:
    try:
        with path.open("rb") as file:  # np.load forgets to close a file that it opened and can't read
            content = np.load(file, allow_pickle=False)
            if not isinstance(content, np.lib.npyio.NpzFile):
                raise ValueError("it holds one array without a name")
            return {name: _numbers(path, name, content[name]) for name in content.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{path.name} can't be read as npz ({error}); save it again with np.savez(path, X=X, y=y)"
        ) from None


def _numbers(path: Path, name: str, array: Array) -> Array:
    if array.dtype.kind not in "iufb" or array.ndim == 0:
        raise DataError(
            f"{path.name}: {name} has dtype {array.dtype} and shape {array.shape}; save an array of numbers, "
            f"one row for each example"
        )
    return array

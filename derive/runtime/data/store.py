"""Fetched data sets: .npy files of uint8 in the user's cache folder, checked by SHA-256 at every reading.

The digest is of the array's bytes, row-major, so it does not depend on the file's format.
"""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from derive.runtime.atomic import write_atomically
from derive.runtime.errors import DataError
from derive.runtime.folders import user_folder

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Entry:
    """One array of a data set: the shape and the SHA-256 that it must have."""

    name: str
    shape: tuple[int, ...]
    sha256: str


def check(entry: Entry, array: Bytes, where: str, remedy: str) -> Bytes:
    """The same array. Raise DataError where its shape or its digest is another."""
    if array.shape != entry.shape or array.dtype != np.uint8:
        raise DataError(
            f"{where}: {entry.name} has shape {array.shape} and dtype {array.dtype} but should have "
            f"{entry.shape} and uint8; {remedy}"
        )
    digest = hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
    if digest != entry.sha256:
        raise DataError(
            f"{where}: {entry.name} is damaged, its SHA-256 is {digest} but should be {entry.sha256}; "
            f"{remedy}"
        )
    return array


def path_of(dataset: str, name: str) -> Path:
    """Where an array is kept."""
    return user_folder("data") / dataset / f"{name}.npy"


def keep(dataset: str, arrays: Mapping[str, Bytes]) -> None:
    """Write the arrays, each atomically. Raise DataError where the disk refuses."""
    for name, array in arrays.items():
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
        path = path_of(dataset, name)
        try:
            write_atomically(path, [header.getvalue(), np.ascontiguousarray(array).data.cast("B")])
        except OSError as error:
            raise DataError(
                f"data set {dataset!r} can't be kept in {path.parent}: {error.strerror}; free "
                f"{array.nbytes:,} bytes there, or set XDG_CACHE_HOME to another folder"
            ) from None


def kept(dataset: str, entries: tuple[Entry, ...]) -> dict[str, Bytes] | None:
    """The arrays, checked, or None where one is absent. Raise DataError for a damaged one."""
    paths = {entry.name: path_of(dataset, entry.name) for entry in entries}
    if not all(path.is_file() for path in paths.values()):
        return None
    remedy = f"fetch it again with `python -m derive data {dataset} --force`"
    return {
        entry.name: check(entry, _read(paths[entry.name], remedy), str(paths[entry.name]), remedy)
        for entry in entries
    }


def _read(path: Path, remedy: str) -> Bytes:
    try:
        array: Bytes = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"{path} can't be read ({error}); {remedy}") from None
    return array

"""Files that are whole or absent: written beside their place, flushed to the disk, then renamed over it."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO


def write_atomically(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Put `pieces` one after the other into `path`.

    Raise OSError, with the former file untouched and nothing left beside it, where a piece can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            _write(file, pieces)
        beside.chmod(0o666 & ~_mask())
        beside.replace(path)
    except BaseException:
        beside.unlink()
        raise
    _flush_folder(path.parent)


def _write(file: BinaryIO, pieces: Iterable[bytes | memoryview]) -> None:
    for piece in pieces:
        file.write(piece)
    file.flush()
    os.fsync(file.fileno())


def _mask() -> int:
    """The process's umask: mkstemp makes files that only their owner reads."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _flush_folder(folder: Path) -> None:
    """Make the rename itself last, where the system can open folders."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""Folders that are complete or as they were: all files are written beside their place before one is moved.

A file that would not change keeps its place, and its time: what was compiled from it is still good.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

from derive.errors import DeriveError


def write_folder(folder: Path, files: Mapping[str, str], stale: Iterable[str] = ()) -> list[Path]:
    """Put the files into the folder and take the stale ones out; on a full disk nothing has changed."""
    try:
        changed = {name: text for name, text in files.items() if not _holds(folder / name, text)}
        if not changed:
            _remove(folder, stale)
            return [folder / name for name in files]
        folder.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise _unwritten(folder, error) from None
    try:
        _write(staged, changed)
        staged.chmod(0o777 & ~_umask())
        _install(staged, folder, changed, stale)
    except OSError as error:
        raise _unwritten(folder, error) from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return [folder / name for name in files]


def _unwritten(folder: Path, error: OSError) -> DeriveError:
    reason = error.strerror or str(error)
    return DeriveError(
        f"cannot write {folder}: {reason}; what was there before is unchanged, choose another --out"
    )


def _holds(path: Path, text: str) -> bool:
    """Whether the file is there with this text."""
    return path.is_file() and path.read_bytes() == text.encode("utf-8")


def _write(folder: Path, files: Mapping[str, str]) -> None:
    r"""UTF-8 and \n on every system; all are on the disk before one counts."""
    with ExitStack() as opened:
        written = []
        for name, text in files.items():
            file = opened.enter_context((folder / name).open("wb"))
            file.write(text.encode("utf-8"))
            file.flush()
            written.append(file)
        for file in written:
            os.fsync(file.fileno())


def _install(staged: Path, folder: Path, files: Mapping[str, str], stale: Iterable[str]) -> None:
    """A new folder in one move; into one that exists, file by file, which takes no more room."""
    if not folder.exists():
        staged.rename(folder)
        return
    for name in files:
        (staged / name).replace(folder / name)
    _remove(folder, stale)


def _remove(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        (folder / name).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask

"""Folders that are complete or as they were: all files are written beside their place before one is moved."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from derive.errors import DeriveError


def write_folder(folder: Path, files: Mapping[str, str], stale: Iterable[str] = ()) -> list[Path]:
    """Put the files into the folder and take the stale ones out; on a full disk nothing has changed."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise _unwritten(folder, error) from None
    try:
        for name, text in files.items():
            _write(staged / name, text)
        staged.chmod(0o777 & ~_umask())
        _install(staged, folder, files, stale)
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


def _write(path: Path, text: str) -> None:
    r"""UTF-8 and \n on every system, on the disk before it counts."""
    with path.open("wb") as file:
        file.write(text.encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())


def _install(staged: Path, folder: Path, files: Mapping[str, str], stale: Iterable[str]) -> None:
    """A new folder in one move; into one that exists, file by file, which takes no more room."""
    if not folder.exists():
        staged.rename(folder)
        return
    for name in files:
        (staged / name).replace(folder / name)
    for name in stale:
        (folder / name).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask

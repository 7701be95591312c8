"""The log of a run: JSON lines, first the settings, then one object for each epoch.

{"run": {"network": "two_layer", ...}, "title": ..., "parameters": 79400, ...}
{"epoch": 1, "step": 600, "loss": 0.33, "train_error": 0.052, "test_error": 0.055, ...}
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .atomic import write_atomically
from .errors import CheckpointError

Record = Mapping[str, Any]


def start(path: Path, header: Record) -> None:
    """Begin a log anew with its header."""
    _write(path, [header])


def append(path: Path, record: Record) -> None:
    """Add one line. Raise CheckpointError where the disk refuses."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(_line(record))
    except OSError as error:
        raise CheckpointError(f"log {path} can't be written: {error.strerror}; free space there") from None


def read(path: Path) -> list[Record]:
    """All lines; none where there is no log. A line cut short by a crash is left out."""
    if not path.is_file():
        return []
    records: list[Record] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:
            continue
    return records


def rewind(path: Path, header: Record, epochs: int) -> None:
    """Keep the records of the first `epochs` epochs: those after the checkpoint will be run again."""
    former = read(path)
    headers = [r for r in former if "run" in r] or [header]
    _write(path, [*headers[:1], *(r for r in former if 0 < r.get("epoch", 0) <= epochs)])


def _write(path: Path, records: list[Record]) -> None:
    try:
        write_atomically(path, [_line(record).encode() for record in records])
    except OSError as error:
        raise CheckpointError(
            f"log {path} can't be written: {error.strerror}; free space there, or name another "
            f"folder with --out"
        ) from None


def _line(record: Record) -> str:
    return json.dumps(record, allow_nan=False, ensure_ascii=False) + "\n"

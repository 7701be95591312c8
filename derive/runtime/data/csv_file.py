"""CSV of the user's own: a header of names, then numbers. The answer is the first or the last column:

`label`, `class` or `y` holds classes 0, 1, 2, ...; `target` holds reals, for a regression.
"""

from pathlib import Path

import numpy as np

from derive.runtime.buffers import Array
from derive.runtime.errors import DataError

from .dataset import Dataset, held_out, integral

CLASSES = ("label", "class", "y")
REALS = ("target",)


def read(path: Path) -> Dataset:
    """X of all other columns; a fifth of the rows is held out for the test."""
    header, table = _table(path)
    answer = next((i for i in (0, len(header) - 1) if header[i] in CLASSES + REALS), None)
    if answer is None or len(header) < 2:
        raise DataError(
            f"{path.name}: the header names {len(header)} columns, from {header[0]!r} to {header[-1]!r}, and "
            f"neither the first nor the last is {', '.join(CLASSES)} or {REALS[0]}; name the column of the "
            f"answers so, and let other columns hold the features"
        )
    X = np.delete(table, answer, axis=1)
    if not np.isfinite(table).all():
        row, column = (int(axis[0]) for axis in np.nonzero(~np.isfinite(table)))
        raise DataError(
            f"{path.name}: line {row + 2}, column {header[column]!r} is {table[row, column]}; remove the "
            f"line or fill the gap before training"
        )
    y = table[:, answer]
    return held_out(path.name, X, y[:, None] if header[answer] in REALS else integral(path.name, y))


def _table(path: Path) -> tuple[list[str], Array]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = [name.strip().strip('"').lower() for name in file.readline().split(",")]
            lines = [line for line in file if line.strip()]
        table = np.loadtxt(lines, delimiter=",", ndmin=2) if lines else np.empty((0, len(header)))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path.name} is not a table of numbers below a line of names ({error}); write one number in "
            f"every cell"
        ) from None
    if table.shape[1] != len(header):
        raise DataError(
            f"{path.name}: the header names {len(header)} columns but the lines have {table.shape[1]}; give "
            f"each column a name"
        )
    return header, table

"""The arguments of an emitted step, made once for each range of rows: a call then looks them up and is made.

    calls[start, stop]       (p, state.., batch, workspace, lr.., L), as ctypes passes them

To set three members of a struct costs as much as to call C; an epoch visits the same rows again and again.
"""

import ctypes
from collections.abc import Callable
from typing import Any

Arguments = tuple[Any, ...]
MOST = 4096
"""So many ranges are kept, of some hundred bytes each; rows beyond them share one."""


class Calls(dict[tuple[int, int], Arguments]):
    """Arguments by rows. `row` makes a batch, `point` sets its rows; `around` puts the others around it."""

    __slots__ = ("__weakref__", "around", "point", "row", "shared")

    def __init__(
        self,
        row: Callable[[], ctypes.Structure],
        point: Callable[[ctypes.Structure, int, int], None],
        around: Callable[[object], Arguments],
    ) -> None:
        super().__init__()
        self.row, self.point, self.around = row, point, around
        self.shared: tuple[ctypes.Structure, Arguments] | None = None

    def __missing__(self, rows: tuple[int, int]) -> Arguments:
        if self.shared and len(self) >= MOST:
            row, arguments = self.shared
            self.point(row, *rows)
            return arguments
        row = self.row()
        self.point(row, *rows)
        arguments = self.around(ctypes.byref(row))
        if len(self) >= MOST:
            self.shared = row, arguments
        else:
            self[rows] = arguments
        return arguments

    def clear(self) -> None:
        """Forget all: other arrays are bound, or another number goes along."""
        super().clear()
        self.shared = None

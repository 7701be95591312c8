"""The traps as a table: the formula, what is right where it is hard, what was met elsewhere, and where."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from derive.check.arithmetic import Array
from derive.check.traps.recorded import answer
from derive.check.traps.trap import Case, Trap

COLUMNS = ("formula", "tried at", "value", "gradient", "met elsewhere", "source")


def trap_table(traps: Iterable[Trap]) -> str:
    """Markdown, one row a trap: its last case, and in an elementwise formula the last point of that."""
    return "\n".join([_joined(COLUMNS), _joined(["---"] * len(COLUMNS)), *map(_row, traps), ""])


def _row(trap: Trap) -> str:
    number = len(trap.cases) - 1
    case, right = trap.cases[number], answer(trap, number)
    value = _written(next(iter(right.value.values())), trap.elementwise)
    slope = ", ".join(_written(array, trap.elementwise) for array in right.gradient.values())
    cells = [f"`{trap.formula}`", _point(trap, case), value, slope, trap.met, trap.source]
    return _joined(cell.replace("|", "\\|") for cell in cells)


def _joined(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _point(trap: Trap, case: Case) -> str:
    given = (f"{name} = {_written(np.asarray(a), trap.elementwise)}" for name, a in case.inputs.items())
    return ", ".join(given)


def _written(array: Array, elementwise: bool) -> str:
    if elementwise and array.ndim:
        array = array[-1]
    if not array.ndim:
        return f"{float(array):.6g}"
    inner = ", ".join(_written(part, False) for part in array)
    return f"({inner})"

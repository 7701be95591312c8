"""The computed answers, recorded: answers.json, written by `python -m derive.check.traps`.

Computing them takes minutes; a test computes a part of them again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from derive.check.arithmetic import Array
from derive.check.traps.answers import Answer, computed, stated
from derive.check.traps.trap import Case, Trap
from derive.errors import DeriveError

PATH = Path(__file__).with_name("answers.json")


def answer(trap: Trap, number: int) -> Answer:
    """What is right for one case: stated, or recorded."""
    case = trap.cases[number]
    if case.stated:
        return stated(trap, case)
    key = identity(trap, case)
    if key not in _read():
        raise DeriveError(
            f"trap {trap.name!r}, case {number}: no answer is recorded; run python -m derive.check.traps"
        )
    return Answer(*(_arrays(part) for part in _read()[key]))


def identity(trap: Trap, case: Case) -> str:
    """What an answer depends on: the equations, the inputs, the sizes."""
    inputs = json.dumps(case.inputs, sort_keys=True)
    sizes = f" {json.dumps(trap.sizes)}" if trap.sizes else ""
    return f"{trap.definition} | {inputs}{sizes} | {','.join(trap.varied)}"


def record(traps: list[Trap]) -> None:
    """Write the answers of all cases that state none; those known already are kept."""
    known = _read() if PATH.exists() else {}
    found = {}
    for trap in traps:
        for case in trap.cases:
            if not case.stated:
                key = identity(trap, case)
                found[key] = known.get(key) or _lists(computed(trap, case))
        _write({**known, **found})
    _write(found)


def _write(found: Mapping[str, Any]) -> None:
    lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in found.items())
    PATH.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


@cache
def _read() -> Mapping[str, Any]:
    return json.loads(PATH.read_text(encoding="utf-8"))


def _lists(found: Answer) -> list[dict[str, Any]]:
    parts = (found.value, found.gradient, found.product)
    return [{name: array.tolist() for name, array in part.items()} for part in parts]


def _arrays(part: Mapping[str, Any]) -> dict[str, Array]:
    return {name: np.asarray(values, np.float64) for name, values in part.items()}

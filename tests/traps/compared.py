"""What came out of a trap against what is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from derive.check.traps.recorded import answer
from derive.check.traps.trap import Trap
from tests.codegen.emitted_c import Array
from tests.traps.emitted import Outputs, Point, parts, points

Call = Callable[[str, Point], Outputs]


def failures(trap: Trap, call: Call, dtype: type) -> Iterator[str]:
    """A line for each array that is wrong."""
    for number, (case, point) in enumerate(zip(trap.cases, points(trap), strict=True)):
        if case.double and dtype is np.float32:
            continue
        right = answer(trap, number)
        for key, part, suffix in parts(trap):
            found = call(key, point)
            for name, expected in getattr(right, part).items():
                array = found[name + suffix]
                if not agree(array, expected, trap, dtype):
                    yield f"{part} {name}, case {number}: {array.tolist()} is not {expected.tolist()}"


def agree(found: Array, right: Array, trap: Trap, dtype: type) -> bool:
    """Whether the error is within the trap's units of rounding; infinities must be equal."""
    with np.errstate(all="ignore"):
        rounded = right.astype(dtype).astype(np.float64)
        exact = found.astype(np.float64)
    if found.shape != right.shape or np.isnan(exact).any():
        return False
    finite = np.isfinite(rounded)
    if not np.array_equal(exact[~finite], rounded[~finite]):
        return False
    scale = np.abs(right[finite])
    scale = np.maximum(scale if trap.elementwise else scale.max(initial=0), trap.scale)
    bound = trap.units * np.finfo(dtype).eps * scale + trap.lost * float(np.finfo(dtype).smallest_subnormal)
    return bool((np.abs(exact[finite] - right[finite]) <= bound).all())

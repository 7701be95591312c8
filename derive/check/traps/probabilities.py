"""x log x, entropies and divergences of probabilities that may be 0."""

from __future__ import annotations

from math import log

from derive.check.traps.trap import Case, Trap

ZERO = "0 log 0 = 0, a constant: no gradient"

TRAPS = (
    Trap(
        "log_of_clipped_probability",
        "(p[n]) -> Y\nY[i] = -log(max(p[i], 0.0078125))",
        (
            Case(
                {"p": (0.0, 0.5, 1.0)},
                (7 * log(2), log(2), 0.0),
                {"p": (0.0, -2.0, -1.0)},
                {"p": (0.0, 4.0, 1.0)},
                "kink: max(p, c)' = 0 below",
            ),
        ),
        elementwise=True,
    ),
)

"""Norms, roots and distances at 0 and at the ends of the range: the subgradient at 0 is 0."""

from __future__ import annotations

from derive.check.traps.trap import Case, Trap, at, scalar

NO = (0.0, 0.0, 0.0)
ROOT = "convention: the derivative of a root at 0 is 0"


AWAY = Case({"x": (3.0, -4.0, 12.0)})

TRAPS = (
    Trap(
        "squared_norm_through_the_norm",
        "(x[n]) -> L\nN = sqrt(sum_{i} x[i]^2)\nL = N^2",
        (AWAY, Case({"x": NO}, 0.0, {"x": NO}, {"x": (2.0, -1.0, 1.5)}, "limit")),
    ),
    scalar(
        "root_of_square",
        "sqrt(@^2)",
        (-1e4, -1.0, 1.0, 1e4),
        at(0.0, 0.0, 0.0, 0.0, "convention: |x|' = 0 at 0"),
    ),
    Trap(
        "geometric_mean_of_huge_values",
        "(x[n]) -> L\nL = exp(mean_{i} log(x[i]))",
        (Case({"x": (1e30, 1e30, 4e30)}), Case({"x": (1e-30, 2e-30, 1e-30)})),
    ),
)

"""Branches that are not taken, removable singularities, and clips."""

from __future__ import annotations

from math import log

from derive.check.traps.trap import Case, Trap, at, scalar

AROUND = (-100.0, -1.0, -1e-3, -1e-10, 1e-10, 1e-3, 1.0, 100.0)
BRANCH = "the branch taken"

TRAPS = (
    scalar("where_log", "where(@ > 0, log(@), 0)", (-1e4, -1.0, 1e-30, 1.0), at(0.0, 0.0, 0.0, 0.0, BRANCH)),
    scalar(
        "where_reciprocal", "where(@ > 0, 1/@, 0)", (-1e4, -1.0, 1e-10, 1.0), at(0.0, 0.0, 0.0, 0.0, BRANCH)
    ),
    scalar(
        "where_root", "where(@ > 0, sqrt(@), @)", (-4.0, -1.0, 1e-30, 1.0), at(0.0, 0.0, 1.0, 0.0, BRANCH)
    ),
    scalar(
        "where_exp", "where(@ < 0, exp(@), 1 + @)", (-1e4, -1.0, 1.0, 1e4), at(0.0, 1.0, 1.0, 0.0, BRANCH)
    ),
    scalar("where_exp_of_exp", "where(@ < 2, @, exp(exp(@)))", (-1e4, 1.0, 3.0)),
    scalar("where_infinite", "where(@ < 15, @, 10^20 exp(@^2))", (1.0, 10.0)),
    scalar("where_power", "where(@ > 0, @^0.25, 0)", (-1.0, 1.0, 16.0), at(0.0, 0.0, 0.0, 0.0, BRANCH)),
    scalar(
        "where_not_zero",
        "where(@ == 0, 0, @ log(abs(@)))",
        (-1.0, 1e-30, 2.0),
        at(0.0, 0.0, 0.0, 0.0, BRANCH),
    ),
    scalar(
        "bump", "where(@ > 0, exp(-1/@), 0)", (-1.0, 0.0078125, 1.0, 100.0), at(0.0, 0.0, 0.0, 0.0, "limit")
    ),
    scalar(
        "masked_by_a_product",
        "[@ > 0] log(@)",
        (-1.0, 0.5, 2.0),
        at(0.0, 0.0, 0.0, 0.0, "convention: 0 times what is not taken is 0"),
    ),
    Trap(
        "safe_division",
        "(x[n], y[n]) -> Y\nY[i] = where(y[i] == 0, 0, x[i]/y[i])",
        (
            Case({"x": (1.0, 2.0), "y": (2.0, 4.0)}),
            Case(
                {"x": (1.0, 0.0), "y": (0.0, 0.0)},
                (0.0, 0.0),
                {"x": (0.0, 0.0), "y": (0.0, 0.0)},
                {"x": (0.0, 0.0), "y": (0.0, 0.0)},
                BRANCH,
            ),
        ),
        elementwise=True,
    ),
    Trap(
        "safe_norm",
        "(x[n]) -> L\nq = sum_{i} x[i]^2\nL = where(q > 0, sqrt(q), 0)",
        (
            Case({"x": (3.0, -4.0)}),
            Case({"x": (0.0, 0.0)}, 0.0, {"x": (0.0, 0.0)}, {"x": (0.0, 0.0)}, BRANCH),
        ),
    ),
    scalar("sinc", "sin(@)/@", AROUND, at(0.0, 1.0, 0.0, -1 / 3, "limit"), units=256),
    scalar("versine_ratio", "(1 - cos(@))/@^2", AROUND, at(0.0, 0.5, 0.0, -1 / 12, "limit"), units=256),
    scalar(
        "relative_exponential",
        "(exp(@) - 1)/@",
        (-1e4, -100.0, -1.0, -1e-3, -1e-10, 1e-10, 1e-3, 1.0, 50.0),
        at(0.0, 1.0, 0.5, 1 / 3, "limit"),
        units=256,
    ),
    scalar(
        "relative_logarithm",
        "log(1 + @)/@",
        (-0.5, -1e-3, -1e-10, 1e-10, 1e-3, 1.0, 1e4),
        at(0.0, 1.0, -0.5, 2 / 3, "limit"),
        units=256,
    ),
    scalar("relative_tanh", "tanh(@)/@", AROUND, at(0.0, 1.0, 0.0, -2 / 3, "limit"), units=256),
    scalar(
        "relative_sinh",
        "sinh(@)/@",
        (-50.0, -1.0, -1e-3, -1e-10, 1e-10, 1e-3, 1.0, 50.0),
        at(0.0, 1.0, 0.0, 1 / 3, "limit"),
        units=256,
    ),
    scalar(
        "relative_sigmoid",
        "(1/(1 + exp(-@)) - 1/2)/@",
        AROUND,
        at(0.0, 0.25, 0.0, -1 / 24, "limit"),
        units=256,
    ),
    scalar(
        "clip",
        "min(max(@, -1), 1)",
        (-1e4, -2.0, 0.5, 2.0, 1e4),
        Case(
            {"x": (-1.0, 1.0)},
            (-1.0, 1.0),
            {"x": (0.0, 0.0)},
            {"x": (0.0, 0.0)},
            "convention: the constant holds at the kink",
        ),
    ),
    scalar(
        "log_of_clip",
        "log(max(@, 0.0078125))",
        (-1e4, 0.0, 0.5, 2.0),
        at(0.0078125, -7 * log(2), 0.0, 0.0, "convention: the constant holds at the kink"),
    ),
)

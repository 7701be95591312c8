"""Kinks: one derivative whatever the spelling, and ties share."""

from __future__ import annotations

from derive.check.traps.trap import Case, Trap, at, scalar

CONSTANT = "convention: the constant holds at the kink"
SHARED = "convention: ties share"
KINK = at(0.0, 0.0, 0.0, 0.0, CONSTANT)
SPELLINGS = {
    "relu_max": "max(@, 0)",
    "relu_max_mirrored": "max(0, @)",
    "relu_where": "where(@ > 0, @, 0)",
    "relu_where_closed": "where(@ >= 0, @, 0)",
    "relu_where_mirrored": "where(@ < 0, 0, @)",
    "relu_where_mirrored_closed": "where(@ <= 0, 0, @)",
    "relu_gate": "@ [@ > 0]",
    "relu_gate_closed": "@ [@ >= 0]",
    "relu_modulus": "(@ + abs(@))/2",
    "relu_less_minimum": "@ - min(@, 0)",
    "relu_minus_minimum": "-min(-@, 0)",
    "relu_half_modulus": "@/2 + abs(@)/2",
    "relu_root": "(@ + sqrt(@^2))/2",
    "relu_sum_of_gates": "@ (1 - [@ <= 0])",
    "relu_scaled": "max(2 @, 0)/2",
}

TRAPS = (
    *(scalar(name, formula, (-1e4, -1.0, 1.0, 1e4), KINK) for name, formula in SPELLINGS.items()),
    scalar("modulus", "abs(@)", (-1e4, -1.0, 1.0, 1e20), at(0.0, 0.0, 0.0, 0.0, "convention: |x|' = 0 at 0")),
    scalar("modulus_as_maximum", "max(@, -@)", (-1e4, -1.0, 1.0, 1e20), at(0.0, 0.0, 0.0, 0.0, SHARED)),
    scalar(
        "leaky", "where(@ > 0, @, @/8)", (-1e4, -1.0, 1.0, 1e4), at(0.0, 0.0, 0.125, 0.0, "the branch taken")
    ),
    Trap(
        "maximum_of_two",
        "(a[n], b[n]) -> Y\nY[i] = max(a[i], b[i])",
        (
            Case(
                {"a": (1.0, 1.0, 2.0), "b": (1.0, 2.0, -1e4)},
                (1.0, 2.0, 2.0),
                {"a": (0.5, 0.0, 1.0), "b": (0.5, 1.0, 0.0)},
                {"a": (0.0, 0.0, 0.0), "b": (0.0, 0.0, 0.0)},
                SHARED,
            ),
        ),
        elementwise=True,
    ),
    Trap(
        "minimum_of_two",
        "(a[n], b[n]) -> Y\nY[i] = min(a[i], b[i])",
        (
            Case(
                {"a": (1.0, 1.0, 2.0), "b": (1.0, 2.0, -1e4)},
                (1.0, 1.0, -1e4),
                {"a": (0.5, 1.0, 0.0), "b": (0.5, 0.0, 1.0)},
                {"a": (0.0, 0.0, 0.0), "b": (0.0, 0.0, 0.0)},
                SHARED,
            ),
        ),
        elementwise=True,
    ),
    Trap(
        "ties_in_a_maximum",
        "(x[n]) -> L\nL = max_{i} x[i]",
        (
            Case({"x": (3.0, 3.0, 1.0)}, 3.0, {"x": (0.5, 0.5, 0.0)}, {"x": (0.0, 0.0, 0.0)}, SHARED),
            Case({"x": (2.0, 2.0, 2.0)}, 2.0, {"x": (1 / 3,) * 3}, {"x": (0.0,) * 3}, SHARED),
        ),
    ),
    Trap(
        "ties_in_max_pooling",
        "(X[2 n]) -> L\nY[i < n] = max_{a < 2} X[2 i + a]\nL = sum_{i} Y[i]^2",
        (
            Case(
                {"X": (3.0, 3.0, 1.0, 2.0)},
                13.0,
                {"X": (3.0, 3.0, 0.0, 4.0)},
                # u = (1, -1/2, 3/4, -5/4): the tangent of a tied maximum is the mean of the tied tangents
                {"X": (0.25, 0.25, 0.0, -2.5)},
                SHARED,
            ),
        ),
    ),
    Trap(
        "range_of_a_constant",
        "(x[n]) -> L\nL = max_{i} x[i] + max_{j} (-x[j])",
        (Case({"x": (2.0, 2.0, 2.0)}, 0.0, {"x": (0.0,) * 3}, {"x": (0.0,) * 3}, SHARED),),
    ),
    Trap(
        "largest_modulus",
        "(x[n]) -> L\nL = max_{i} abs(x[i])",
        (
            Case({"x": (-3.0, 3.0, 1.0)}, 3.0, {"x": (-0.5, 0.5, 0.0)}, {"x": (0.0,) * 3}, SHARED),
            Case({"x": (0.0, 0.0, 0.0)}, 0.0, {"x": (0.0,) * 3}, {"x": (0.0,) * 3}, SHARED),
        ),
    ),
    Trap(
        "hinge",
        "(x[n], t[n]) -> Y\nY[i] = max(1 - t[i] x[i], 0)",
        (
            Case(
                {"x": (1.0, -1.0, 0.5, 1e4), "t": (1.0, -1.0, 1.0, -1.0)},
                (0.0, 0.0, 0.5, 10001.0),
                {"x": (0.0, 0.0, -1.0, 1.0)},
                {"x": (0.0,) * 4},
                CONSTANT,
            ),
        ),
        wrt=("x",),
        elementwise=True,
    ),
    Trap(
        "squared_hinge",
        "(x[n], t[n]) -> Y\nY[i] = max(1 - t[i] x[i], 0)^2",
        (
            Case(
                {"x": (1.0, 2.0, 0.5), "t": (1.0, 1.0, 1.0)},
                (0.0, 0.0, 0.25),
                {"x": (0.0, 0.0, -1.0)},
                {"x": (0.0, 0.0, 2.0)},
                CONSTANT,
            ),
        ),
        wrt=("x",),
        elementwise=True,
    ),
    scalar(
        "huber",
        "where(abs(@) <= 1, @^2/2, abs(@) - 1/2)",
        (-1e4, -0.5, 0.0, 0.5, 1e4, 1e20),
        Case({"x": (-1.0, 1.0)}, (0.5, 0.5), {"x": (-1.0, 1.0)}, {"x": (0.0, 0.0)}, "flat, as a clip"),
    ),
    scalar(
        "smooth_l1",
        "where(abs(@) < 2, @^2/4, abs(@) - 1)",
        (-1e4, -0.5, 0.0, 0.5, 1e4, 1e20),
        Case({"x": (-2.0, 2.0)}, (1.0, 1.0), {"x": (-1.0, 1.0)}, {"x": (0.0, 0.0)}, "the branch taken"),
    ),
    scalar("pinball", "max(0.25 @, -0.75 @)", (-1e4, -1.0, 1.0, 1e4), at(0.0, 0.0, -0.25, 0.0, SHARED)),
    scalar(
        "soft_shrink",
        "where(@ > 1, @ - 1, where(@ < -1, @ + 1, 0))",
        (-1e4, -2.0, 0.5, 2.0),
        Case({"x": (-1.0, 1.0)}, (0.0, 0.0), {"x": (0.0, 0.0)}, {"x": (0.0, 0.0)}, CONSTANT),
    ),
    Trap(
        "mean_modulus_of_equal_points",
        "(x[n], y[n]) -> L\nL = mean_{i} abs(x[i] - y[i])",
        (
            Case(
                {"x": (1.0, 2.0), "y": (1.0, 4.0)},
                1.0,
                {"x": (0.0, -0.5), "y": (0.0, 0.5)},
                {"x": (0.0, 0.0), "y": (0.0, 0.0)},
                "convention: |x|' = 0 at 0",
            ),
        ),
    ),
)

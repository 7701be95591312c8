"""x log x, entropies and divergences of probabilities that may be 0."""

from __future__ import annotations

from math import log

from derive.check.traps.trap import Case, Trap, at, scalar

ZERO = "0 log 0 = 0, a constant: no gradient"

TRAPS = (
    scalar("x_log_x", "@ log(@)", (1e-30, 0.5, 1.0, 1e4), at(0.0, 0.0, 0.0, 0.0, ZERO)),
    Trap(
        "x_log_y",
        "(x[n], y[n]) -> Y\nY[i] = x[i] log(y[i])",
        (
            Case({"x": (0.5, 2.0), "y": (0.25, 1e-30)}),
            Case(
                {"x": (0.0, 0.0), "y": (0.0, 0.0)},
                (0.0, 0.0),
                {"x": (0.0, 0.0), "y": (0.0, 0.0)},
                {"x": (0.0, 0.0), "y": (0.0, 0.0)},
                ZERO,
            ),
        ),
        elementwise=True,
    ),
    Trap(
        "entropy_with_zeros",
        "(p[n]) -> L\nL = -sum_{i} p[i] log(p[i])",
        (
            Case(
                {"p": (0.0, 0.25, 0.75)},
                -0.25 * log(0.25) - 0.75 * log(0.75),
                {"p": (0.0, -log(0.25) - 1, -log(0.75) - 1)},
                {"p": (0.0, 2.0, -1.0)},
                ZERO,
            ),
        ),
    ),
    Trap(
        "divergence_with_zeros",
        "(p[n], q[n]) -> L\nL = sum_{i} p[i] log(p[i]/q[i])",
        (
            Case(
                {"p": (0.0, 0.25, 0.75), "q": (0.5, 0.25, 0.25)},
                0.75 * log(3),
                {"p": (0.0, 1.0, log(3) + 1), "q": (0.0, -1.0, -3.0)},
                # u = (1, -1/2, 3/4), (-5/4, 2, 1): L_pp = 1/p, L_pq = -1/q, L_qq = p/q^2
                {
                    "p": (0.0, -0.5 / 0.25 - 2 / 0.25, 0.75 / 0.75 - 1 / 0.25),
                    "q": (0.0, 0.5 / 0.25 + 2 / 0.25, -0.75 / 0.25 + 1 * 0.75 / 0.0625),
                },
                ZERO,
            ),
        ),
    ),
    Trap(
        "cross_entropy_of_certainty",
        "(t[n], p[n]) -> L\nL = -sum_{i} t[i] log(p[i])",
        (Case({"t": (0.0, 1.0), "p": (0.0, 1.0)}, 0.0, {"p": (0.0, -1.0)}, {"p": (0.0, -0.5)}, ZERO),),
        wrt=("p",),
    ),
    Trap(
        "binary_cross_entropy_of_certainty",
        "(t[n], p[n]) -> Y\nY[i] = -t[i] log(p[i]) - (1 - t[i]) log(1 - p[i])",
        (
            Case({"t": (0.0, 1.0), "p": (0.0, 1.0)}, (0.0, 0.0), {"p": (1.0, -1.0)}, {"p": (1.0, 1.0)}, ZERO),
            Case({"t": (0.25, 1.0), "p": (1e-30, 1e-10)}),
        ),
        wrt=("p",),
        elementwise=True,
    ),
    Trap(
        "poisson_of_nothing",
        "(t[n], r[n]) -> Y\nY[i] = r[i] - t[i] log(r[i])",
        (
            Case(
                {"t": (0.0, 2.0), "r": (0.0, 2.0)},
                (0.0, 2 - 2 * log(2)),
                {"r": (1.0, 0.0)},
                {"r": (0.0, 0.5)},
                ZERO,
            ),
        ),
        wrt=("r",),
        elementwise=True,
    ),
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
    Trap(
        "entropy_of_bernoulli",
        "(p[n]) -> Y\nY[i] = -p[i] log(p[i]) - (1 - p[i]) log(1 - p[i])",
        (Case({"p": (1e-30, 1e-10, 0.25, 0.5, 0.75)}),),
        elementwise=True,
    ),
)

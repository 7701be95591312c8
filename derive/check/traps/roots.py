"""Roots, inverse functions and quotients whose terms are nearly equal; sums that vanish faster than they."""

from __future__ import annotations

from derive.check.traps.trap import Case, Trap, at, scalar

LINE = (-1e4, -1.0, -1e-4, -1e-10, 0.0, 1e-10, 1e-4, 1.0, 1e4)
SMALL = (-0.9999, -0.5, -1e-3, -1e-10, -1e-30, 0.0, 1e-30, 1e-10, 1e-3, 0.5, 0.9999)
NEAR_ZERO = (-0.5, -1e-2, -1e-3, -1e-10, 1e-10, 1e-3, 1e-2, 0.5)
ALL = (-1e4, -30.0, -1.0, -1e-3, -1e-10, -1e-30, 0.0, 1e-30, 1e-10, 1e-3, 0.5, 1.0, 1e4)

TRAPS: tuple[Trap, ...] = (
    scalar("asinh", "log(@ + sqrt(@^2 + 1))", ALL),
    scalar("asinh_of_half", "log(@ + sqrt(@^2 + 4))", ALL),
    scalar("asinh_scaled", "log(3 @ + sqrt(9 @^2 + 1))", ALL),
    Trap(
        "asinh_of_names",
        "(x[n]) -> Y\nH[i] = 3 x[i]\nR[i] = sqrt(1 + H[i]^2)\nY[i] = log(H[i] + R[i])",
        (Case({"x": ALL}),),
        elementwise=True,
    ),
    scalar("acosh", "log(@ + sqrt(@^2 - 1))", (1.0009765625, 1.5, 2.0, 1e4)),
    scalar("atanh", "log((1 + @)/(1 - @))/2", SMALL),
    scalar("atanh_of_two_logs", "(log(1 + @) - log(1 - @))/2", SMALL),
    scalar("pseudo_huber", "sqrt(1 + @^2) - 1", LINE),
    scalar("pseudo_huber_scaled", "4 (sqrt(1 + (@/2)^2) - 1)", LINE),
    scalar("squareplus", "(@ + sqrt(@^2 + 4))/2", (-1e4, -30.0, -1.0, -1e-10, 0.0, 1.0, 1e4)),
    scalar("softsign", "@/(1 + abs(@))", (-1e4, -1.0, -1e-10, 1e-10, 0.5, 1e4)),
    scalar("softsign_of_root", "@/sqrt(1 + @^2)", (-1e4, -1.0, -1e-10, 0.0, 1e-10, 0.5, 1e4)),
    scalar(
        "tanh_shrink",
        "@ - tanh(@)",
        (*NEAR_ZERO, -1e4, -30.0, -1.0, 1.0, 30.0, 1e4),
        at(0.0, 0.0, 0.0, 0.0, "limit"),
    ),
    scalar("exponential_less_its_tangent", "exp(@) - 1 - @", (*NEAR_ZERO, -1e4, 2.0, 50.0)),
    scalar("logarithm_less_its_tangent", "log(1 + @) - @", (*NEAR_ZERO, 2.0, 1e4)),
)

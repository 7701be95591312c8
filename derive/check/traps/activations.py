"""Activations as on paper, on the whole line."""

from __future__ import annotations

from derive.check.traps.trap import Case, Trap, scalar

LINE = (-1e4, -100.0, -30.0, -1.0, 0.0, 0.5, 30.0, 100.0, 1e4)
FAR = (-1e20, -1e4, -10.0, -5.0, -0.5, 0.0, 0.5, 5.0, 10.0, 1e4, 1e20)

TRAPS = (
    scalar("silu", "@/(1 + exp(-@))", LINE, lost=1024),
    scalar("silu_other", "@ exp(@)/(1 + exp(@))", LINE, lost=1024),
    scalar("gelu_tanh", "@ (1 + tanh(sqrt(2/pi) (@ + 0.044715 @^3)))/2", FAR, units=512),
    scalar("gelu_sigmoid", "@/(1 + exp(-1.702 @))", FAR, units=512),
    scalar("mish", "@ tanh(log(1 + exp(@)))", LINE, lost=1024),
    scalar("elu", "where(@ > 0, @, exp(@) - 1)", (-1e4, -1.0, -1e-10, 1e-10, 1.0, 1e4)),
    scalar("selu", "1.0507 where(@ > 0, @, 1.6732 (exp(@) - 1))", (-1e4, -1.0, -1e-10, 1e-10, 1.0, 1e4)),
    scalar("celu", "where(@ > 0, @, 2 (exp(@/2) - 1))", (-1e4, -1.0, -1e-10, 1e-10, 1.0, 1e4)),
    scalar("elu_of_max_and_min", "max(@, 0) + min(exp(@) - 1, 0)", (-1e4, -1.0, -1e-10, 1e-10, 1.0, 1e4)),
    scalar("hard_swish", "@ min(max(@ + 3, 0), 6)/6", (-1e20, -1e4, -2.0, 1.0, 1e4, 1e20)),
    scalar("gelu_erf", "@ (1 + erf(@/sqrt(2)))/2", FAR, units=512, lost=1024),
    Trap(
        "swish_gated",
        "(a[n], b[n]) -> Y\nY[i] = a[i] b[i]/(1 + exp(-a[i]))",
        (Case({"a": (1e4, -1e4, -30.0, 0.0, 0.5), "b": (2.0, 3.0, 1.0, 0.5, -1.0)}),),
        elementwise=True,
        lost=1024,
    ),
)

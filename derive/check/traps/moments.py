"""Variances of constants and of large means, and what is normalised by them."""

from __future__ import annotations

from derive.check.traps.trap import Case, Trap

NO = (0.0, 0.0, 0.0)
SAME = (2.0, 2.0, 2.0)
CENTRED = (1.0 - 1.25 / 3, -0.5 - 1.25 / 3, 0.75 - 1.25 / 3)
"""u - mean(u) for u = (1, -1/2, 3/4)."""
SPREAD = "convention: the derivative of a root at 0 is 0"
ROW = "convention: a constant row is normalised to 0"
LARGE = {"x": (10000.0, 10001.0, 10000.5)}
WEIGHED = {**LARGE, "c": (1.0, -2.0, 0.5)}


def layernorm(name: str, variance: str, eps: str, cases: tuple[Case, ...]) -> Trap:
    """L = sum c (x - mu)/sqrt(v + eps)."""
    lines = (
        "(x[n], c[n]) -> L",
        "mu = mean_{i} x[i]",
        f"v = {variance}",
        f"L = sum_{{i}} c[i] (x[i] - mu)/sqrt(v{eps})",
    )
    return Trap(name, "\n".join(lines), cases, wrt=("x",))


CENTRED_SQUARES = "mean_{i} (x[i] - mu)^2"
SQUARES_LESS_MEAN = "mean_{i} x[i]^2 - mu^2"
FLAT = {"x": SAME, "c": (1.0, -2.0, 0.5)}

TRAPS = (
    Trap(
        "deviation_of_a_constant",
        "(x[n]) -> L\nmu = mean_{i} x[i]\nL = sqrt(mean_{i} (x[i] - mu)^2)",
        (Case({"x": SAME}, 0.0, {"x": NO}, {"x": NO}, SPREAD), Case(LARGE)),
    ),
    Trap(
        "variance_of_a_constant",
        "(x[n]) -> L\nmu = mean_{i} x[i]\nL = mean_{i} (x[i] - mu)^2",
        (Case({"x": SAME}, 0.0, {"x": NO}, {"x": tuple(2 * u / 3 for u in CENTRED)}, "formula"), Case(LARGE)),
    ),
    Trap("variance_of_a_large_mean", "(x[n]) -> L\nL = mean_{i} x[i]^2 - (mean_{i} x[i])^2", (Case(LARGE),)),
    Trap(
        "variance_of_a_large_named_mean",
        "(x[n]) -> L\nmu = mean_{i} x[i]\nL = mean_{i} x[i]^2 - mu^2",
        (Case(LARGE),),
    ),
    Trap(
        "deviation_of_a_large_constant",
        "(x[n]) -> L\nmu = mean_{i} x[i]\nL = sqrt(mean_{i} x[i]^2 - mu^2)",
        (Case(LARGE), Case({"x": (12345.0, 12345.0, 12345.0)}, 0.0, {"x": NO}, {"x": NO}, SPREAD)),
    ),
    Trap(
        "covariance_of_large_means",
        "(x[n], y[n]) -> L\nL = mean_{i} x[i] y[i] - (mean_{i} x[i]) (mean_{i} y[i])",
        (Case({**LARGE, "y": (5000.0, 4999.0, 5001.0)}),),
    ),
    Trap(
        "rmsnorm_at_zero",
        "(x[n], c[n]) -> L\nr = sqrt(mean_{i} x[i]^2)\nL = sum_{i} c[i] x[i]/r",
        (
            Case({"x": (3.0, -4.0, 12.0), "c": (1.0, -2.0, 0.5)}),
            Case({"x": NO, "c": (1.0, -2.0, 0.5)}, 0.0, {"x": NO}, {"x": NO}, ROW),
        ),
        wrt=("x",),
    ),
    Trap(
        "rmsnorm_with_epsilon",
        "(x[n], c[n]) -> L\nr = sqrt(mean_{i} x[i]^2 + 0.0009765625)\nL = sum_{i} c[i] x[i]/r",
        (Case({"x": (3.0, -4.0, 12.0), "c": (1.0, -2.0, 0.5)}), Case({"x": NO, "c": (1.0, -2.0, 0.5)})),
        wrt=("x",),
    ),
    Trap(
        "batchnorm_of_a_constant_column",
        "(X[m,n], c[m]) -> L\nu[j] = mean_{i} X[i,j]\nv[j] = mean_{i} (X[i,j] - u[j])^2\n"
        "L = sum_{i,j} c[i] (X[i,j] - u[j])/sqrt(v[j])",
        (
            Case(
                {"X": ((1.0,), (1.0,), (1.0,)), "c": (1.0, -2.0, 0.5)},
                0.0,
                {"X": ((0.0,),) * 3},
                {"X": ((0.0,),) * 3},
                ROW,
            ),
            Case({"X": ((10000.0,), (10001.0,), (10000.5,)), "c": (1.0, -2.0, 0.5)}),
        ),
        wrt=("X",),
    ),
    Trap(
        "layernorm_of_a_constant_row",
        "(x[n], c[n]) -> L\nmu = mean_{i} x[i]\nv = mean_{i} (x[i] - mu)^2\n"
        "L = sum_{i} c[i] (x[i] - mu)/sqrt(v)",
        (Case(FLAT, 0.0, {"x": NO}, {"x": NO}, ROW),),
        wrt=("x",),
    ),
)

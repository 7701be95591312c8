"""Losses as negative log-likelihoods, written from the densities."""

from __future__ import annotations

from collections.abc import Mapping

from derive.check.traps.trap import Case, Trap, scalar

LINE = (-1e4, -100.0, -30.0, -1.0, 0.0, 0.5, 30.0, 100.0, 1e4)
LABELLED = {"x": (1e4, -1e4, 100.0, -100.0, 0.5), "t": (0.0, 1.0, 1.0, 0.25, 0.5)}


def labelled(name: str, formula: str) -> Trap:
    """Y_i of logits x and labels t in [0, 1]."""
    return Trap(name, f"(x[n], t[n]) -> Y\nY[i] = {formula}", (Case(LABELLED),), wrt=("x",), elementwise=True)


def interval(name: str, equations: str, points: Mapping[str, tuple[float, ...]]) -> Trap:
    """The logarithm of what a distribution has between b and a."""
    return Trap(name, f"(a[n], b[n]) -> Y\n{equations}", (Case(points),), elementwise=True)


TRAPS = (
    labelled(
        "binary_cross_entropy", "-t[i] log(1/(1 + exp(-x[i]))) - (1 - t[i]) log(1 - 1/(1 + exp(-x[i])))"
    ),
    labelled("logistic_loss_of_signs", "log(1 + exp(-(2 t[i] - 1) x[i]))"),
    labelled(
        "weighted_binary_cross_entropy",
        "-3 t[i] log(1/(1 + exp(-x[i]))) - (1 - t[i]) log(1 - 1/(1 + exp(-x[i])))",
    ),
    scalar("focal_loss", "-(1 - 1/(1 + exp(-@)))^2 log(1/(1 + exp(-@)))", LINE, lost=1024),
    labelled("poisson_with_log_rate", "exp(-abs(x[i])) - t[i] x[i]"),
    Trap(
        "gaussian_with_log_variance",
        "(x[n], u[n], s[n]) -> Y\nY[i] = (x[i] - u[i])^2 exp(-s[i])/2 + s[i]/2",
        (Case({"x": (1.0, 2.0, 0.5, 3.0), "u": (1.0, 1.5, 0.25, -1.0), "s": (-80.0, 80.0, 0.0, 1e4)}),),
        elementwise=True,
    ),
    scalar("student", "3 log(1 + @^2/5)", (-1e4, -1.0, -1e-10, 0.0, 1e-10, 1.0, 1e4)),
    scalar("logistic_density", "-log(exp(-@)/(1 + exp(-@))^2)", LINE),
    scalar("hyperbolic_secant", "log(exp(@) + exp(-@)) + log(2/pi)", LINE),
    Trap(
        "laplace",
        "(x[n], u[n], s[n]) -> Y\nY[i] = abs(x[i] - u[i])/s[i] + log(2 s[i])",
        (Case({"x": (1.0, 1e4), "u": (0.0, -1e4), "s": (1e-10, 2.0)}),),
        elementwise=True,
    ),
    Trap(
        "ordinal",
        "(x[n], c, d) -> Y\nY[i] = -log(1/(1 + exp(-(c - x[i]))) - 1/(1 + exp(-(d - x[i]))))",
        (Case({"x": (1e4, 100.0, 30.0, 2.0, -50.0, -1e4), "c": 1.0, "d": -1.0}),),
        wrt=("x",),
        elementwise=True,
    ),
    interval(
        "interval_of_logistic",
        "Y[i] = log(1/(1 + exp(-a[i])) - 1/(1 + exp(-b[i])))",
        {
            "a": (1e4, 100.0, 30.0, 2.0, 0.5, -50.0, 101.0, -30.0),
            "b": (-1e4, -100.0, 29.0, 1.0, 0.4375, -51.0, 100.0, -100.0),
        },
    ),
    interval(
        "interval_of_named_sigmoids",
        "S[i] = 1/(1 + exp(-a[i]))\nR[i] = 1/(1 + exp(-b[i]))\nY[i] = -log(S[i] - R[i])",
        {"a": (100.0, 2.0, -50.0), "b": (99.0, 1.0, -51.0)},
    ),
    interval(
        "interval_of_tanh",
        "Y[i] = log(tanh(a[i]) - tanh(b[i]))",
        {"a": (100.0, 2.0, -50.0, 1e4), "b": (99.0, 1.0, -51.0, -1e4)},
    ),
    Trap(
        "discretised_logistic",
        "(x[n], u[k], s[k]) -> L\n"
        "A[i,j] = (x[i] + 0.00390625 - u[j]) exp(-s[j])\n"
        "B[i,j] = (x[i] - 0.00390625 - u[j]) exp(-s[j])\n"
        "L = sum_{i,j} log(1/(1 + exp(-A[i,j])) - 1/(1 + exp(-B[i,j])))",
        (Case({"x": (0.5, -1.0, 0.25), "u": (0.5, -0.25), "s": (-6.0, -3.0)}),),
        scale=1,
    ),
    Trap(
        "mixture_of_intervals",
        "(a[n,k], b[n,k], w[n,k]) -> Y\n"
        "P[i,j] = exp(w[i,j])/sum_{q} exp(w[i,q])\n"
        "Y[i] = log(sum_{j} P[i,j] (1/(1 + exp(-a[i,j])) - 1/(1 + exp(-b[i,j]))))",
        (
            Case(
                {
                    "a": ((101.0, 102.0), (2.0, 0.5), (-50.0, -300.0)),
                    "b": ((100.0, 101.0), (1.0, 0.4375), (-51.0, -301.0)),
                    "w": ((0.0, 1.0), (50.0, -50.0), (1e3, 0.0)),
                }
            ),
        ),
        scale=1,
    ),
)

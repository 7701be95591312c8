"""Losses as negative log-likelihoods, written from the densities."""

from __future__ import annotations

from derive.check.traps.trap import Case, Trap, scalar

LINE = (-1e4, -100.0, -30.0, -1.0, 0.0, 0.5, 30.0, 100.0, 1e4)
LABELLED = {"x": (1e4, -1e4, 100.0, -100.0, 0.5), "t": (0.0, 1.0, 1.0, 0.25, 0.5)}


def labelled(name: str, formula: str) -> Trap:
    """Y_i of logits x and labels t in [0, 1]."""
    return Trap(name, f"(x[n], t[n]) -> Y\nY[i] = {formula}", (Case(LABELLED),), wrt=("x",), elementwise=True)


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
)

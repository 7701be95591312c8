"""Sigmoids, tanh and gates: both tails keep their digits, products of them too."""

from __future__ import annotations

from derive.check.traps.trap import Case, Trap, at, scalar

LINE = (-1e4, -100.0, -30.0, -1.0, 0.0, 0.5, 30.0, 100.0, 1e4)
TAILS = (-1e4, -40.0, -20.0, -1.0, -1e-10, 0.0, 1e-10, 0.5, 20.0, 40.0, 1e4)
GATES = {"a": (1e4, -1e4, 100.0, -100.0, 0.5), "b": (-1e4, -1e4, 30.0, -40.0, 2.0)}


def gated(name: str, formula: str) -> Trap:
    """Y_i of two inputs."""
    return Trap(name, f"(a[n], b[n]) -> Y\nY[i] = {formula}", (Case(GATES),), elementwise=True, lost=1024)


FAR = "exp(exp(x)) is beyond any number"

TRAPS = (
    scalar("sigmoid", "1/(1 + exp(-@))", LINE),
    scalar("sigmoid_other", "exp(@)/(1 + exp(@))", LINE),
    scalar("sigmoid_by_tanh", "(1 + tanh(@/2))/2", LINE),
    scalar("one_less_sigmoid", "1 - 1/(1 + exp(-@))", LINE),
    scalar("sigmoid_squared", "(1/(1 + exp(-@)))^2", LINE),
    scalar("odds_of_sigmoid", "1/(1 + exp(-@))/(1 - 1/(1 + exp(-@)))", (-100.0, -30.0, 0.0, 1.0, 30.0, 80.0)),
    scalar("tanh", "tanh(@)", TAILS),
    scalar("tanh_of_exponentials", "(exp(@) - exp(-@))/(exp(@) + exp(-@))", TAILS),
    scalar("tanh_by_sigmoid", "2/(1 + exp(-2 @)) - 1", TAILS),
    gated("product_of_sigmoids", "1/(1 + exp(-a[i])) 1/(1 + exp(-b[i]))"),
    gated("log_of_product_of_sigmoids", "-log(1/(1 + exp(-a[i])) 1/(1 + exp(-b[i])))"),
    gated("gated_linear", "a[i]/(1 + exp(-b[i]))"),
    gated("highway", "a[i]/(1 + exp(-b[i])) + (1 - 1/(1 + exp(-b[i]))) tanh(b[i])"),
    gated("preference", "-log(1/(1 + exp(-(a[i] - b[i])/10)))"),
    Trap(
        "log_of_many_sigmoids",
        "(x[n]) -> L\nS[i] = 1/(1 + exp(-x[i]))\nL = -sum_{i} log(S[i])",
        (Case({"x": (-1e4, -100.0, 0.0, 100.0, 1e4)}),),
    ),
    scalar(
        "tanh_exp",
        "@ tanh(exp(@))",
        (-100.0, -30.0, -1.0, 0.0, 0.5, 3.0),
        at(100.0, 100.0, 1.0, 0.0, FAR),
        at(1e4, 1e4, 1.0, 0.0, FAR),
        lost=1024,
    ),
    scalar(
        "tanh_of_exponential",
        "tanh(exp(@))",
        (-80.0, -30.0, -1.0, 0.0, 0.5, 3.0),
        at(100.0, 1.0, 0.0, 0.0, FAR),
        at(1e4, 1.0, 0.0, 0.0, FAR),
    ),
    scalar(
        "gumbel_distribution",
        "exp(-exp(-@))",
        (-3.5, -1.0, 0.5, 1.0, 4.0, 30.0, 80.0),
        at(-1e4, 0.0, 0.0, 0.0, FAR),
        at(-100.0, 0.0, 0.0, 0.0, FAR),
    ),
    scalar("gated_unit", "tanh(@)/(1 + exp(-@))", (-1e4, -100.0, -30.0, -1.0, 0.0, 0.5, 30.0, 100.0, 1e4)),
)

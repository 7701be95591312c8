"""The logarithm of a sum of exponentials, in many spellings."""

from __future__ import annotations

from math import log

from derive.check.traps.trap import Case, Trap

INFINITE = -float("inf")
HUGE = (Case({"x": (1e4, -1e4, 0.0)}), Case({"x": (1e4, 1e4, 1e4)}), Case({"x": (-1e4, -1e4, -9999.0)}))
SHARES = tuple(1 / (1 + 2.718281828459045**s) for s in (-1.0, 1.0))


def of_vector(name: str, *lines: str, cases: tuple[Case, ...] = HUGE, scale: float = 1) -> Trap:
    """L of a vector x."""
    return Trap(name, "\n".join(["(x[n]) -> L", *lines]), cases, scale=scale)


THREE = {
    "a": (1e4, -1e4, 100.0, 0.0, 3.0),
    "b": (-1e4, -1e4, 99.0, 0.0, -40.0),
    "c": (0.0, -1e4, 98.0, 0.0, 2.0),
}


def three(name: str, formula: str) -> Trap:
    """L = sum_i of a formula in a, b and c; what cancels in the Hessian is of size 1."""
    return Trap(name, f"(a[n], b[n], c[n]) -> L\nL = sum_{{i}} {formula}", (Case(THREE),), scale=1)


TRAPS = (
    of_vector("log_sum_exp", "L = log(sum_{i} exp(x[i]))"),
    of_vector("log_of_named_sum", "E[i] = exp(x[i])", "T = sum_{i} E[i]", "L = log(T)"),
    of_vector("log_mean_exp", "L = log(mean_{i} exp(x[i]))"),
    of_vector("softmin", "L = -log(sum_{i} exp(-x[i]))"),
    of_vector("cold_log_sum_exp", "L = log(sum_{i} exp(x[i]/0.01))*0.01"),
    of_vector("soft_maximum", "L = sum_{i} x[i] exp(x[i])/sum_{j} exp(x[j])", scale=1e4),
    of_vector("log_of_ten_times_a_sum", "L = log(10 sum_{i} exp(x[i])) - log(10)"),
    of_vector("log_of_squared_sum", "L = log((sum_{i} exp(x[i]))^2)/2"),
    of_vector("log_sum_of_products", "L = log(sum_{i} exp(x[i]) exp(x[i]))/2"),
    of_vector("log_of_root_of_sum", "L = log(sqrt(sum_{i} exp(2 x[i])))"),
    of_vector(
        "log_sum_exp_with_one_minus_infinity",
        "L = log(sum_{i} exp(x[i]))",
        cases=(
            Case(
                {"x": (INFINITE, 0.0, 1.0)},
                1 + log(1 + 2.718281828459045**-1),
                {"x": (0.0, SHARES[1], SHARES[0])},
                {"x": (0.0, *(s * SHARES[0] * SHARES[1] * (-0.5 - 0.75) for s in (1, -1)))},
                "limit",
            ),
        ),
    ),
    Trap(
        "masked_log_sum_exp",
        "(x[n], mask a[n]) -> L\nL = log(sum_{i} where(a[i] == 1, exp(x[i]), 0))",
        (Case({"x": (1e4, 0.0, -1.0), "a": (0, 1, 1)}), Case({"x": (1e4, 1e4, -1e4), "a": (1, 1, 0)})),
    ),
    Trap(
        "log_sum_exp_of_rows",
        "(X[m,n]) -> Y\nY[i] = log(sum_{j} exp(X[i,j]))",
        (Case({"X": ((1e4, 9999.0, 0.0), (-1e4, -1e4, -1e4))}),),
    ),
    Trap(
        "log_sum_exp_of_a_matrix",
        "(X[m,n]) -> L\nL = log(sum_{i,j} exp(X[i,j]))",
        (Case({"X": ((1e4, 9999.0, 0.0), (-1e4, -1e4, 1e4))}),),
    ),
    Trap(
        "soft_minimum_distance",
        "(X[m,n], c[n]) -> L\nL = -log(sum_{i} exp(-sum_{j} (X[i,j] - c[j])^2))",
        (Case({"X": ((100.0, 3.0), (-80.0, 1.0)), "c": (0.5, -0.25)}),),
    ),
    of_vector(
        "log_sum_exp_of_all_minus_infinity",
        "L = log(sum_{i} exp(x[i]))",
        cases=(Case({"x": (INFINITE,) * 3}, INFINITE, {"x": (0.0,) * 3}, {"x": (0.0,) * 3}, "limit"),),
    ),
    Trap(
        "weighted_log_sum_exp",
        "(x[n], w[n]) -> L\nL = log(sum_{i} w[i] exp(x[i]))",
        (Case({"x": (1e4, -1e4, 9999.0), "w": (0.25, 2.0, 0.5)}),),
        scale=1,
    ),
    Trap(
        "mixture_of_gaussians",
        "(x[n], u[m], s[m]) -> L\nL = -sum_{i} log(sum_{j} exp(-(x[i] - u[j])^2/(2 s[j]^2))/s[j])",
        (Case({"x": (100.0, 0.5), "u": (1.0, -3.0), "s": (0.5, 2.0)}),),
    ),
    Trap(
        "contrastive",
        "(Z[m,n]) -> L\nS[i,j] = sum_{p} Z[i,p] Z[j,p]/0.0625\n"
        "L = -sum_{i} log(exp(S[i,i])/sum_{j} exp(S[i,j]))",
        (Case({"Z": ((10.0, 3.0), (-8.0, 1.0))}),),
    ),
    three("logaddexp_of_three", "log(exp(a[i]) + exp(b[i]) + exp(c[i]))"),
    three("share_of_three", "exp(a[i])/(exp(a[i]) + exp(b[i]) + exp(c[i]))"),
    three("log_share_of_three", "-log(exp(a[i])/(exp(a[i]) + exp(b[i]) + exp(c[i])))"),
    Trap(
        "logaddexp_of_two_and_one",
        "(a[n], b[n]) -> L\nL = sum_{i} log(1 + exp(a[i]) + exp(b[i]))",
        (Case({"a": THREE["a"], "b": THREE["b"]}),),
    ),
    Trap(
        "softmax_of_two",
        "(a[n], b[n]) -> Y\nY[i] = exp(a[i])/(exp(a[i]) + exp(b[i]))",
        (Case({"a": THREE["a"], "b": THREE["b"]}),),
        elementwise=True,
    ),
    Trap(
        "logaddexp_of_three_minus_infinities",
        "(a[n], b[n], c[n]) -> Y\nY[i] = log(exp(a[i]) + exp(b[i]) + exp(c[i]))",
        (
            Case(
                {"a": (INFINITE,) * 3, "b": (1.0, INFINITE, INFINITE), "c": (1.0, 2.0, INFINITE)},
                (1 + log(2), 2.0, INFINITE),
                {"a": (0.0,) * 3, "b": (0.5, 0.0, 0.0), "c": (0.5, 1.0, 0.0)},
                {"a": (0.0,) * 3, "b": (0.0,) * 3, "c": (0.0,) * 3},
                "log 0 = -inf, with slope 0",
            ),
        ),
        elementwise=True,
    ),
)

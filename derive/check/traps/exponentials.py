"""Logarithms of exponentials and back: softplus, log-sigmoid, log cosh, log1p and expm1 spelled out."""

from __future__ import annotations

from derive.check.traps.trap import Case, Trap, at, scalar

INFINITE = -float("inf")
LINE = (-1e4, -100.0, -30.0, -1.0, 0.0, 0.5, 30.0, 100.0, 1e4)
NEAR_ZERO = (-0.5, -1e-3, -1e-10, -1e-30, 0.0, 1e-30, 1e-10, 1e-3, 0.5)
PAIRS = {"a": (1e4, -1e4, 100.0, 0.0, 3.0), "b": (-1e4, -1e4, 99.0, 0.0, -40.0)}

FAR = "exp(exp(x)) is beyond any number"

TRAPS = (
    scalar("softplus", "log(1 + exp(@))", LINE),
    scalar("softplus_mirrored", "log(1 + exp(-@))", LINE),
    scalar("softplus_with_beta", "log(1 + exp(3 @))/3", LINE),
    scalar(
        "softplus_with_threshold", "where(3 @ > 20, @, log(1 + exp(3 @))/3)", (-1e4, -30.0, 0.5, 100.0, 1e4)
    ),
    scalar("minus_log_sigmoid", "-log(1/(1 + exp(-@)))", LINE),
    scalar("log_of_other_sigmoid", "log(exp(@)/(1 + exp(@)))", LINE),
    scalar("log_one_less_sigmoid", "-log(1 - 1/(1 + exp(-@)))", LINE),
    scalar("log_odds_of_sigmoid", "log(1/(1 + exp(-@))) - log(1 - 1/(1 + exp(-@)))", LINE),
    scalar("log_cosh", "log((exp(@) + exp(-@))/2)", LINE),
    scalar("log_cosh_called", "log(cosh(@))", LINE),
    scalar("log_two_cosh", "log(exp(@) + exp(-@))", LINE),
    scalar("log1mexp", "log(1 - exp(-@))", (1e-30, 1e-10, 0.5, 1.0, 30.0, 100.0, 1e4)),
    scalar("inverse_softplus", "log(exp(@) - 1)", (1e-30, 1e-10, 0.5, 1.0, 30.0, 100.0, 1e4)),
    Trap(
        "logaddexp", "(a[n], b[n]) -> Y\nY[i] = log(exp(a[i]) + exp(b[i]))", (Case(PAIRS),), elementwise=True
    ),
    Trap(
        "logaddexp_at_minus_infinity",
        "(a[n], b[n]) -> Y\nY[i] = log(exp(a[i]) + exp(b[i]))",
        (
            Case(
                {"a": (INFINITE, 1.0, INFINITE), "b": (1.0, INFINITE, INFINITE)},
                (1.0, 1.0, INFINITE),
                {"a": (0.0, 1.0, 0.0), "b": (1.0, 0.0, 0.0)},
                {"a": (0.0,) * 3, "b": (0.0,) * 3},
                "log 0 = -inf, with slope 0",
            ),
        ),
        elementwise=True,
    ),
    scalar(
        "logaddexp_of_one", "log(exp(@) + exp(2))", LINE, at(INFINITE, 2.0, 0.0, 0.0, "log 0 = -inf, slope 0")
    ),
    scalar(
        "complementary_log_log",
        "log(1 - exp(-exp(@)))",
        (-100.0, -30.0, -2.1, -2.0, -1.0, -1e-3, 0.0, 0.5, 1.0, 4.0),
        at(-1e4, -1e4, 1.0, 0.0, FAR),
        at(100.0, 0.0, 0.0, 0.0, FAR),
        at(1e4, 0.0, 0.0, 0.0, FAR),
    ),
    scalar(
        "complementary_log_log_probability",
        "1 - exp(-exp(@))",
        (-80.0, -30.0, -1.0, 0.5, 1.0, 4.0),
        at(100.0, 1.0, 0.0, 0.0, FAR),
        at(1e4, 1.0, 0.0, 0.0, FAR),
    ),
    Trap(
        "logsubexp",
        "(a[n], b[n]) -> Y\nY[i] = log(exp(a[i]) - exp(b[i]))",
        (Case({"a": (1e4, 100.0, 1.0, 0.0), "b": (-1e4, 99.0, 0.5, -100.0)}),),
        elementwise=True,
    ),
    scalar("log1p", "log(1 + @)", (*NEAR_ZERO, 1e4)),
    scalar("expm1", "exp(@) - 1", (*NEAR_ZERO, -1e4, 50.0)),
    scalar("one_less_exp", "1 - exp(-@)", (*NEAR_ZERO, 1e4, 50.0)),
    scalar("log_one_less_p", "log(1 - @)", NEAR_ZERO),
    scalar("logit", "log(@/(1 - @))", (1e-30, 1e-10, 0.25, 0.5, 0.75)),
    scalar("logit_of_two_logs", "log(@) - log(1 - @)", (1e-30, 1e-10, 0.25, 0.75)),
    scalar("gumbel_noise", "-log(-log(@))", (1e-30, 0.5, 0.999)),
    scalar("log_of_exp_plus_two", "log(2 + exp(@))", (*LINE,)),
    scalar("log_of_three_powers", "log(1 + exp(@) + exp(2 @))", LINE),
)

"""Random programs whose derivatives were refused as too long or too costly: each must be derived for ever.

Of those in COSTLY the simplification visited the same products again and again; of those in LONG every term
of the product rule held all branches.
"""

from __future__ import annotations

from tests.random_programs.specification import Specification

SCALARS = (
    "odd(X, Z) -> Y\n Y = (((X + abs(X))/2) - (max(Z, sin(3*Z))))^2",
    "odd(X, Z) -> Y\n Y = max((X/(1 + abs(X))), (expm1(-Z^2)))",
    (
        "odd(X, Z) -> Y\n Y = where((2*X - 3) > (where(Z < 0, 1/(1 - Z), 1)), (2*X - 3), "
        "(where(Z < 0, 1/(1 - Z), 1))^2)"
    ),
)
SPREAD = "odd(X[a]) -> Y\n Y = (sum_{q} (1 - exp(-X[q]^2)))^2 - sum_{q} (1 - exp(-X[q]^2))^2"
HYPERBOLIC = "odd(X) -> Y\n Y = (exp((max(X, 0))) - exp(-(max(X, 0))))/(exp((max(X, 0))) + exp(-(max(X, 0))))"

LONG: dict[str, Specification] = {
    "maxima of maxima of one number": Specification(
        {},
        (("X1", (), "real"),),
        (
            (SCALARS[0], ("X1", "X1"), "Y1"),
            (SCALARS[1], ("Y1", "Y1"), "Y3"),
            (SCALARS[2], ("Y3", "Y3"), "Y4"),
        ),
        ("Y4",),
        "float32",
    ),
    "a maximum below two outputs": Specification(
        {"E": 4},
        (("X1", ("E",), "real"),),
        (
            (
                "odd(X[a], Z[a]) -> Y\n Y[i] = max((1/(1 + exp(-X[i]))), (Z[i]/(1 + exp(-Z[i]))))",
                ("X1", "X1"),
                "Y1",
            ),
            (SPREAD, ("Y1",), "Y3"),
            ("odd(X[a]) -> Y\n Y[i] = erf(X[i])", ("Y1",), "Y4"),
            (
                "odd(X[a], Z[a]) -> Y\n Y[i] = ((sin(X[i])) - (max(Z[i], sin(3*Z[i]))))^2",
                ("Y4", "Y4"),
                "Y5",
            ),
        ),
        ("Y3", "Y5"),
    ),
}
COSTLY: dict[str, Specification] = {
    "a function of a product of functions of a sum": Specification(
        {"n": 3},
        (("X1", ("n",), "real"), ("W2", ("n",), "real")),
        (
            ("odd(X[a]) -> Y\n Y = sum_{q} (tanh(X[q])^2)", ("X1",), "Y1"),
            ("odd(X, Z) -> Y\n Y = (log(1 + exp(X)))*tanh((atan(Z)))", ("Y1", "Y1"), "Y2"),
            (HYPERBOLIC, ("Y2",), "Y3"),
            ("window(x[n]) -> y\n y[t<n] = sum_{u<3} x[t+u-1]", ("W2",), "Y4"),
            ("odd(X[a]) -> Y\n Y[i] = min(X[i], 1)", ("Y4",), "Y5"),
        ),
        ("Y3", "Y5"),
    ),
    "mish of mish": Specification(
        {"s": 3},
        (("X1", ("s", "s"), "real"),),
        (("log_softmax", ("X1",), "Y1"), ("mish", ("X1",), "Y2"), ("mish", ("Y2",), "Y3")),
        ("Y1", "Y3"),
    ),
    "a sigmoid of a maximum below a softmax": Specification(
        {"d": 3},
        (("X1", ("d", "d"), "real"),),
        (
            ("softmax", ("X1",), "Y1"),
            ("diagonal(X[n,n]) -> y\n y[i] = X[i,i] tanh(X[i,i])", ("Y1",), "Y2"),
            ("odd(X[a]) -> Y\n Y[i] = X[i]*exp(-X[i]/2)", ("Y2",), "Y3"),
            (
                "odd(X[a], Z[a]) -> Y\n Y[i] = (atan(X[i]))/(1 + exp(-(max(Z[i], sin(3*Z[i])))))",
                ("Y3", "Y3"),
                "Y4",
            ),
        ),
        ("Y4",),
    ),
}

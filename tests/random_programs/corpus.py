"""Random programs that failed once, shrunk: what was wrong, and the program. Each must pass for ever.

A specification is complete in itself, so that it means the same whatever the generator draws today.
"""

from __future__ import annotations

from tests.random_programs.specification import Specification

SCAN = "scan(x[T], w) -> y\n h[0] = 0\n for t < T:\n  h[t+1] = tanh(w h[t] + x[t])\n y[t<T] = h[t+1]"
DECAY = """decay(x[T], a) -> y
    s[0] = x[0]
    for t < T:
        s[t+1] = s[t]/(1 + exp(-a)) + x[t]
    y = s[T]"""
MIXED = """mixed(X[T,n], W[n,n]) -> H
    H[0,j<n] = X[0,j]
    for t < T:
        H[t+1,j] = tanh(sum_{p} H[t,p] W[p,j]) + X[t,j]"""

CORPUS: dict[str, Specification] = {
    "Y = f^2 gave f as sqrt(Y), whatever the sign of f": Specification(
        {"n": 7},
        (("X1", ("n",), "real"),),
        (("odd(X[a]) -> Y\n Y[i] = (exp(X[i]/3) - 2)^2", ("X1",), "Y1"),),
        ("Y1",),
    ),
    "the tangent of r read Xhat before its equation": Specification(
        {"m": 3, "n": 4},
        (("X1", ("m", "n"), "real"), ("W2", ("n",), "real"), ("W3", ("n",), "real")),
        (("layernorm", ("X1", "W2", "W3"), "Y1"), ("softmax", ("Y1",), "Y2")),
        ("Y2",),
    ),
    "the ties of a maximum were counted twice in a second derivative": Specification(
        {"n": 4},
        (("X1", ("n",), "real"),),
        (("window_max(x[n]) -> y\n y[t<n] = max_{u<2} x[t+u]", ("X1",), "Y1"),),
        ("Y1",),
    ),
    "the boundary of a reversed recurrence was put before it": Specification(
        {"s": 2},
        (("X1", ("s",), "real"), ("W2", ("s",), "real"), ("W3", (), "real")),
        (
            (
                SCAN,
                ("W2", "W3"),
                "Y1",
            ),
            ("hinge(x[n], z[n]) -> y\n y = mean_{i} max(0, 1 - x[i] z[i])", ("Y1", "X1"), "Y2"),
            ("odd(X) -> Y\n Y = exp(-(1 - exp(-X^2))^2)", ("Y2",), "Y3"),
        ),
        ("Y3",),
    ),
    "|x| had no second derivative": Specification(
        {"k": 2, "s": 3},
        (("X1", ("k", "s"), "real"),),
        (("odd(X[a,b]) -> Y\n Y[i,j] = X[i,j]/(1 + abs(X[i,j]))", ("X1",), "Y1"),),
        ("Y1",),
    ),
    "1 + exp(-|x|) inside a sum was made stable for ever": Specification(
        {"d": 3, "k": 7},
        (("X1", ("d", "k"), "real"),),
        (("odd(X[a,b]) -> Y\n Y[i] = mean_{q} (X[q,i]/(1 + exp(-X[q,i])))", ("X1",), "Y1"),),
        ("Y1",),
        "float32",
    ),
    "two temporaries of one name and two shapes shared a workspace in C": Specification(
        {"E": 2},
        (("W4", ("E", "E"), "real"), ("W3", ("E",), "real")),
        (
            ("odd(X[a,b]) -> Y\n Y[i] = sum_{q} (1/(1 + exp(-X[q,i])))^3", ("W4",), "Y2"),
            (
                "odd(x[b], z[b]) -> Y\n Y[i,j] = max(sin(x[i]), 2*exp(z[j])/(exp(z[j]) + exp(-z[j])) - 1)",
                ("Y2", "W3"),
                "Y5",
            ),
        ),
        ("Y5",),
    ),
    "a maximum of branches was taken for a guarded one": Specification(
        {"e": 4},
        (("X1", ("e",), "real"),),
        (("odd(X[a]) -> Y\n Y = max_{q} (where(X[q] > 1, sqrt(X[q] - 1), X[q]^2))", ("X1",), "Y1"),),
        ("Y1",),
    ),
    "NumPy multiplied log(x) by a guarded x": Specification(
        {"c": 3},
        (("X1", ("c", "c"), "real"),),
        (("odd(X[a,b]) -> Y\n Y[i] = mean_{q} where(X[i,q] > 0, X[i,q]*log(X[i,q]), 0)", ("X1",), "Y1"),),
        ("Y1",),
    ),
    "the logarithm of a size had no NumPy": Specification(
        {"c": 3},
        (("X1", ("c",), "real"),),
        (("odd(X[a]) -> Y\n Y = log(mean_{q} exp(sqrt(1 + X[q]^2)))", ("X1",), "Y1"),),
        ("Y1",),
        "float32",
    ),
    "a tensor and a size of one name met in NumPy": Specification(
        {"c": 2, "H": 3},
        (("X1", ("c", "H"), "real"),),
        (
            (
                "rows(X[T,n]) -> H\n H[0,j<n] = 0\n for t < T:\n  H[t+1,j] = H[t,j]/2 + X[t,j]^2",
                ("X1",),
                "Y1",
            ),
        ),
        ("Y1",),
    ),
    "a number computed in a recurrence was not declared in C": Specification(
        {"H": 5},
        (("X1", ("H",), "real"), ("W2", (), "real")),
        (
            (
                "decay(x[T], a) -> s\n s[0] = x[0]\n for t < T:\n  s[t+1] = s[t]/(1 + exp(-a)) + x[t]",
                ("X1", "W2"),
                "Y1",
            ),
        ),
        ("Y1",),
    ),
    "a condition on numbers made float32 float64": Specification(
        {},
        (("W2", (), "real"), ("Y3", (), "real")),
        (("odd(X, Z) -> Y\n Y = max(2*X - 3, sqrt(1 + Z^2))", ("Y3", "W2"), "Y4"),),
        ("Y4",),
        "float32",
    ),
    "a sum in a sum over one letter took the outer factor into its own range": Specification(
        {"n": 3},
        (("X1", ("n",), "real"),),
        (("odd(x[a]) -> y\n y = sum_{p} x[p]^2/(1 + sum_{p} x[p]^2)", ("X1",), "Y1"),),
        ("Y1",),
    ),
    "a step of a recurrence read a name that needs all of its steps": Specification(
        {"a": 2},
        (("X1", ("a",), "real"), ("W2", (), "real")),
        (
            (SCAN, ("X1", "W2"), "Y1"),
            ("variance(x[n]) -> v\n u = mean_{q} x[q]\n v = mean_{q} (x[q] - u)^2", ("Y1",), "Y2"),
        ),
        ("Y2",),
    ),
    "a scatter of a sum had no C": Specification(
        {"n": 7},
        (("X1", ("n",), "real"),),
        (
            ("rolled(x[n]) -> y\n y[i<n] = x[((i+1)%n)]", ("X1",), "Y1"),
            ("odd(X[a]) -> Y\n Y[i] = 1/(2 + sin(X[i]))", ("Y1",), "Y2"),
            ("cumulative_sum", ("Y2",), "Y3"),
        ),
        ("Y3",),
    ),
    "of two hidden names in a recurrence the second was put in as it had been": Specification(
        {"T": 3, "n": 2},
        (("X1", ("T", "n"), "real"), ("W2", ("n", "n"), "real")),
        (
            (
                MIXED,
                ("X1", "W2"),
                "Y1",
            ),
        ),
        ("Y1",),
    ),
    "a maximum and its ties computed log(cosh(x)) in two ways": Specification(
        {"H": 2, "T": 3},
        (("X1", ("H", "H", "T"), "real"),),
        (("odd(X[a,b,c]) -> Y\n Y[i,j] = max_{q} log(cosh(X[i,j,q]))", ("X1",), "Y1"),),
        ("Y1",),
    ),
    "a tensor and a size of one name met in C": Specification(
        {"s": 1},
        (("W2", (), "real"), ("Y1", ("s",), "real")),
        (
            (
                DECAY,
                ("Y1", "W2"),
                "Y2",
            ),
        ),
        ("Y2",),
        second=False,
    ),
    "a branch that is the number 0 was no float32": Specification(
        {},
        (("X1", (), "real"),),
        (("odd(X) -> Y\n Y = X*[X > 1/2]", ("X1",), "Y1"),),
        ("Y1",),
        "float32",
    ),
    "a value that is 0 for any input was no array": Specification(
        {"n": 2},
        (("X1", ("n", "n"), "real"),),
        (("squared_error", ("X1", "X1"), "Y1"),),
        ("Y1",),
        "float32",
    ),
    "numbers alone were computed in float64": Specification(
        {},
        (("X1", (), "real"),),
        (("odd(X, Z) -> Y\n Y = (max(X, 0)) + (2*Z - 3)", ("X1", "X1"), "Y1"),),
        ("Y1",),
        "float32",
    ),
    "a function of a branch that is 0 was float64": Specification(
        {},
        (("X1", (), "real"),),
        (("odd(X) -> Y\n Y = (sin(X))*exp(-(where(X > 0, X*log(X), 0))^2)", ("X1",), "Y1"),),
        ("Y1",),
        "float32",
        second=False,
    ),
    "a condition decided a branch in a sum over its own letter": Specification(
        {"T": 7},
        (("X1", ("T",), "real"),),
        (
            (
                "odd(X[a]) -> Y\n Y = (sum_{q} (X[q]*[X[q] > 1/2]))^2 - sum_{q} (X[q]*[X[q] > 1/2])^2",
                ("X1",),
                "Y1",
            ),
        ),
        ("Y1",),
    ),
    "the same below a root, of an exponential branch": Specification(
        {"a": 3},
        (("X1", ("a",), "real"),),
        (
            ("before(x[n]) -> y\n y[t<n] = sum_{s<=t} x[s] exp(-(t-s))", ("X1",), "Y1"),
            (
                "odd(X[a]) -> Y\n Y = sqrt(1 + sum_{q} (where(X[q] > 0, X[q], exp(X[q]) - 1))^2)",
                ("Y1",),
                "Y2",
            ),
        ),
        ("Y2",),
        "float32",
    ),
    "N = -sqrt(u) gave 1/sqrt(u) as 1/N": Specification(
        {"E": 2},
        (("X1", ("E",), "real"),),
        (("odd(X[a]) -> Y\n Y = -max_{q} -((sqrt(1 + X[q]^2)))", ("X1",), "Y1"),),
        ("Y1",),
    ),
    "a number that is a branch of whole numbers had no dtype": Specification(
        {},
        (("X1", (), "real"),),
        (
            (
                "odd(X) -> Y\n Y = where((X^2) > (X*[X > 1/2]), (X^2), (X*[X > 1/2])^2)",
                ("X1",),
                "Y1",
            ),
        ),
        ("Y1",),
    ),
    "NumPy added truths to truths, of two flat sides in a second derivative": Specification(
        {"E": 1},
        (("X1", ("E",), "real"),),
        (
            (
                "odd(X[a], Z[a]) -> Y\n Y[i] = ((max(X[i], -1/2)) - (min(Z[i], 1)))^2",
                ("X1", "X1"),
                "Y1",
            ),
            ("steps(x[n]) -> y\n y[i<n] = where(i >= 1, x[i] - x[i-1], x[i])", ("Y1",), "Y2"),
        ),
        ("Y2",),
    ),
    "a branch of two whole numbers was an int in C, in a float32": Specification(
        {},
        (("X1", (), "real"), ("W2", (), "real")),
        (
            ("odd(X, Z) -> Y\n Y = (cos(2*X))*(Z)", ("X1", "W2"), "Y1"),
            ("odd(X) -> Y\n Y = min((where(X > 1, sqrt(X - 1), X^2)), (1 - exp(-X^2)))", ("Y1",), "Y2"),
            ("odd(X, Z) -> Y\n Y = (where(X > 1, sqrt(X - 1), X^2))*(log1p(Z^2))", ("X1", "Y2"), "Y3"),
        ),
        ("Y3",),
        "float32",
    ),
    "a label took 1 off a view that NumPy had broadcast": Specification(
        {"E": 4, "d": 1},
        (("X1", ("E", "d"), "real"), ("z2", ("E",), "integer")),
        (
            ("l2norm", ("X1",), "Y1"),
            (
                "one_hot(X[m,k], integer z[m]) -> y\n y[i] = sum_{q} [q == z[i]] X[i,q]^2",
                ("Y1", "z2"),
                "Y3",
            ),
        ),
        ("Y3",),
    ),
    "what is the same along an axis was returned without it": Specification(
        {"c": 2, "H": 3},
        (("X1", ("c", "H"), "real"),),
        (
            ("cos", ("X1",), "Y1"),
            (
                "stacked(X[m,n], Z[m,n]) -> Y\n Y[i,s<2,j] = where(s == 0, X[i,j], Z[i,j])",
                ("Y1", "Y1"),
                "Y2",
            ),
        ),
        ("Y2",),
    ),
    "distances of scores were read before the maximum that they are from": Specification(
        {"s": 1},
        (("X1", ("s", "s"), "real"), ("W2", ("s",), "real")),
        (
            ("softmax", ("X1",), "Y1"),
            ("cosine_similarity", ("X1", "Y1"), "Y2"),
            ("odd(X[a], Z[a]) -> Y\n Y[i] = (X[i]/(1 + abs(X[i]))) - (log1p(Z[i]^2))", ("Y2", "W2"), "Y3"),
            (
                (
                    "entropy(Z[m,k]) -> y\n S[i,j] = exp(Z[i,j])/sum_{q} exp(Z[i,q])\n"
                    " y[i] = -sum_{j} S[i,j] log(S[i,j])"
                ),
                ("Y1",),
                "Y4",
            ),
            (
                "odd(X[a], Z[a]) -> Y\n Y[i] = (where(X[i] < 0, 1/(1 - X[i]), 1))^2*(log(1 + exp(Z[i])))",
                ("Y2", "Y3"),
                "Y5",
            ),
        ),
        ("Y4", "Y5"),
    ),
}

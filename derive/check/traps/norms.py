"""Norms, roots and distances at 0 and at the ends of the range: the subgradient at 0 is 0."""

from __future__ import annotations

from derive.check.traps.trap import Case, Trap, at, scalar

NO = (0.0, 0.0, 0.0)
ROOT = "convention: the derivative of a root at 0 is 0"


AWAY = Case({"x": (3.0, -4.0, 12.0)})

TRAPS = (
    Trap(
        "norm_at_zero",
        "(x[n]) -> L\nL = sqrt(sum_{i} x[i]^2)",
        (AWAY, Case({"x": NO}, 0.0, {"x": NO}, {"x": NO}, ROOT)),
    ),
    Trap(
        "squared_norm_through_the_norm",
        "(x[n]) -> L\nN = sqrt(sum_{i} x[i]^2)\nL = N^2",
        (AWAY, Case({"x": NO}, 0.0, {"x": NO}, {"x": (2.0, -1.0, 1.5)}, "limit")),
    ),
    Trap(
        "norm_of_rows",
        "(X[m,n]) -> L\nL = sum_{i} sqrt(sum_{j} X[i,j]^2)",
        (
            Case(
                {"X": ((3.0, 4.0), (0.0, 0.0))},
                5.0,
                {"X": ((0.6, 0.8), (0.0, 0.0))},
                # H = (I - u u')/|x|; u = (1, -1/2): u'x/|x| = 1/5
                {"X": (((1 - 0.6 * 0.2) / 5, (-0.5 - 0.8 * 0.2) / 5), (0.0, 0.0))},
                ROOT,
            ),
        ),
    ),
    Trap(
        "normalised_vector",
        "(x[n], c[n]) -> L\nN = sqrt(sum_{i} x[i]^2)\nL = sum_{i} c[i] x[i]/N",
        (
            Case({"x": (3.0, -4.0, 12.0), "c": (1.0, 2.0, -1.0)}),
            Case(
                {"x": NO, "c": (1.0, 2.0, -1.0)},
                0.0,
                {"x": NO},
                {"x": NO},
                "convention: the direction of 0 is 0",
            ),
        ),
        wrt=("x",),
    ),
    Trap(
        "distance_of_equal_points",
        "(x[n], y[n]) -> L\nL = sqrt(sum_{i} (x[i] - y[i])^2)",
        (
            Case(
                {"x": (1.0, 2.0, 3.0), "y": (1.0, 2.0, 3.0)},
                0.0,
                {"x": NO, "y": NO},
                {"x": NO, "y": NO},
                ROOT,
            ),
            Case({"x": (1.0, 2.0, 3.0), "y": (4.0, -2.0, 15.0)}),
        ),
    ),
    Trap(
        "distances_of_all_pairs",
        "(X[m,n]) -> L\nD[i,j] = sqrt(sum_{p} (X[i,p] - X[j,p])^2)\nL = sum_{i,j} D[i,j]/2",
        (
            Case(
                {"X": ((0.0, 0.0), (3.0, 4.0))},
                5.0,
                {"X": ((-0.6, -0.8), (0.6, 0.8))},
                # d = u_2 - u_1 = (3/4 - 1, -5/4 + 1/2) = (-1/4, -3/4)
                {
                    "X": tuple(
                        tuple(s * v for v in ((-0.25 + 0.6 * 0.75) / 5, (-0.75 + 0.8 * 0.75) / 5))
                        for s in (-1, 1)
                    )
                },
                ROOT,
            ),
        ),
    ),
    Trap(
        "triplet_of_equal_points",
        "(a[n], p[n], q[n]) -> L\n"
        "L = max(sqrt(sum_{i} (a[i] - p[i])^2) - sqrt(sum_{i} (a[i] - q[i])^2) + 10, 0)",
        (
            Case(
                {"a": (1.0, 1.0), "p": (1.0, 1.0), "q": (1.0, 6.0)},
                5.0,
                {"a": (0.0, 1.0), "p": (0.0, 0.0), "q": (0.0, -1.0)},
                # u_q - u_a = (2 - 1, 1 + 1/2): only the part across the distance of 5 bends
                {"a": (0.2, 0.0), "p": (0.0, 0.0), "q": (-0.2, 0.0)},
                ROOT,
            ),
        ),
    ),
    scalar(
        "root_of_square",
        "sqrt(@^2)",
        (-1e4, -1.0, 1.0, 1e4),
        at(0.0, 0.0, 0.0, 0.0, "convention: |x|' = 0 at 0"),
    ),
    scalar("root_at_zero", "sqrt(@)", (1e-30, 1.0, 1e4), at(0.0, 0.0, 0.0, 0.0, ROOT)),
    scalar("power_at_zero", "@^1.5", (1e-10, 1.0, 1e4), at(0.0, 0.0, 0.0, 0.0, "limit; " + ROOT)),
    Trap(
        "cosine_similarity_at_zero",
        "(x[n], y[n]) -> L\nL = sum_{i} x[i] y[i]/(sqrt(sum_{i} x[i]^2) sqrt(sum_{i} y[i]^2))",
        (
            Case({"x": (3.0, -4.0, 12.0), "y": (1.0, 2.0, -1.0)}),
            Case(
                {"x": NO, "y": NO},
                0.0,
                {"x": NO, "y": NO},
                {"x": NO, "y": NO},
                "convention: the direction of 0 is 0",
            ),
            Case(
                {"x": NO, "y": (1.0, 2.0, -1.0)},
                0.0,
                {"x": NO, "y": NO},
                {"x": NO, "y": NO},
                "convention: the direction of 0 is 0",
            ),
        ),
    ),
    Trap(
        "hypotenuse_of_huge_values",
        "(a[n], b[n]) -> Y\nY[i] = sqrt(a[i]^2 + b[i]^2)",
        (
            Case(
                {"a": (0.0, 0.0), "b": (0.0, 2.0)},
                (0.0, 2.0),
                {"a": (0.0, 0.0), "b": (0.0, 1.0)},
                {"a": (0.0, 0.5), "b": (0.0, 0.0)},
                ROOT,
            ),
            Case({"a": (3.0, 1e4, 3e-30, -1e-20, 3e30), "b": (4.0, 2e4, 4e-30, 2e-20, -4e30)}),
        ),
        elementwise=True,
    ),
    Trap(
        "share_of_a_huge_length",
        "(a[n], b[n], c[n]) -> Y\nY[i] = c[i]/sqrt(a[i]^2 + 2 b[i]^2 + c[i]^2)",
        (Case({"a": (3e20, 1.0), "b": (4e20, 2.0), "c": (2e20, 7.0)}),),
        elementwise=True,
    ),
    Trap(
        "norm_to_the_third",
        "(x[n]) -> L\nL = (sum_{i} abs(x[i])^3)^(1/3)",
        (Case({"x": (1.0, -2.0, 3.0)}), Case({"x": NO}, 0.0, {"x": NO}, {"x": NO}, ROOT)),
    ),
    Trap(
        "geometric_mean_of_huge_values",
        "(x[n]) -> L\nL = exp(mean_{i} log(x[i]))",
        (Case({"x": (1e30, 1e30, 4e30)}), Case({"x": (1e-30, 2e-30, 1e-30)})),
    ),
)

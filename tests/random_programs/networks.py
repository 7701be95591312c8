"""Random programs that failed as networks: what was wrong, the seed of the sizes, and the program."""

from __future__ import annotations

from tests.random_programs.specification import Specification

L2NORM = "l2norm(X[m,n]) -> Y\n r[i] = (1/10 + sum_{q} X[i,q]^2)^(-1/2)\n Y[i,j] = X[i,j] r[i]"
BLEND = """blend(X[m,n], Z[m,n], g[n]) -> Y
 s[j] = 1/(1 + exp(-g[j]))
 Y[i,j] = s[j] X[i,j] + (1 - s[j]) Z[i,j]"""
KERNEL = "kernel(x[n], k[U]) -> y\n y[t<((n-1)//2)+1] = sum_{u} x[2*t-u] k[u]"

NETWORKS: dict[str, tuple[int, Specification]] = {
    "the network's output was called as a tensor of a piece": (
        2022,
        Specification(
            {"n": 3},
            (("X1", ("n", "n"), "real"), ("W2", ("n",), "real")),
            ((BLEND, ("X1", "X1", "W2"), "Y1"), ("gaussian_nll", ("Y1", "Y1", "X1"), "Y2")),
            ("Y2",),
        ),
    ),
    "what stays in the registers of one group and is kept by passes over rows was refused": (
        2026,
        Specification(
            {"n": 5},
            (("X1", ("n", "n"), "real"),),
            (
                ("elu", ("X1",), "Y1"),
                ("gelu_erf", ("Y1",), "Y2"),
                (L2NORM, ("Y2",), "Y3"),
                ("softplus", ("Y3",), "Y4"),
            ),
            ("Y4",),
        ),
    ),
    "two sizes were one constant": (
        2029,
        Specification(
            {"E": 5, "e": 3},
            (("X1", ("E", "e"), "real"),),
            (("softplus", ("X1",), "Y1"),),
            ("Y1",),
        ),
    ),
    "planned buffers took the places n**2 for a number": (
        2043,
        Specification(
            {"n": 2},
            (("X1", ("n",), "real"),),
            (
                ("outer(x[m], z[n]) -> Y\n Y[i,j] = x[i] z[j]", ("X1", "X1"), "Y1"),
                (KERNEL, ("X1", "X1"), "Y2"),
                (L2NORM, ("Y1",), "Y3"),
                ("folded(X[m,n]) -> y\n y[i<m*n] = X[(i//n),(i%n)]", ("Y3",), "Y4"),
            ),
            ("Y2", "Y4"),
        ),
    ),
}

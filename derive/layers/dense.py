"""Dense layers."""

from __future__ import annotations

from functools import cache

from derive.calculus.definition.define import define
from derive.calculus.program.program import Program


@cache
def linear(bias: bool = True) -> Program:
    """Y = X W + 1 b^T: X (m, n), W (n, d), b (d), Y (m, d)."""
    if not bias:
        return define(
            """linear(X[m,n], W[n,d]) -> Y
            Y[i,j] = sum_{p} X[i,p] W[p,j]"""
        )
    return define(
        """linear(X[m,n], W[n,d], b[d]) -> Y
        Y[i,j] = sum_{p} X[i,p] W[p,j] + b[j]"""
    )


@cache
def bilinear() -> Program:
    """Y_ij = x_i^T A_j z_i: X (m, n), Z (m, k), A (d, n, k), Y (m, d)."""
    return define(
        """bilinear(X[m,n], Z[m,k], A[d,n,k]) -> Y
        Y[i,j] = sum_{p,q} X[i,p] A[j,p,q] Z[i,q]"""
    )


@cache
def embedding() -> Program:
    """Y_t = E_{x_t}: E (v, d), integer x (T), Y (T, d)."""
    return define(
        """embedding(E[v,d], integer x[T]) -> Y
        Y[t,j] = E[x[t],j]"""
    )

"""Blocks: what is added to its input, and what is gated."""

from __future__ import annotations

from functools import cache

from derive.calculus.definition.define import define
from derive.calculus.program.program import Program


@cache
def residual_block() -> Program:
    """Y = X + relu(X W) U: X (m, n), W (n, d), U (d, n), Y (m, n).

    He et al., Deep Residual Learning, 2015, equation 1.
    """
    return define(
        """residual_block(X[m,n], W[n,d], U[d,n]) -> Y
        A[i,j] = sum_{p} X[i,p] W[p,j]
        Z[i,j] = max(A[i,j], 0)
        Y[i,q] = X[i,q] + sum_{j} Z[i,j] U[j,q]"""
    )


@cache
def glu() -> Program:
    """Y = X W o sigma(X V): X (m, n), W (n, d), V (n, d), Y (m, d).

    Dauphin et al., Language Modeling with Gated Convolutional Networks, 2016, equation 1.
    """
    return define(
        """glu(X[m,n], W[n,d], V[n,d]) -> Y
        A[i,j] = sum_{p} X[i,p] W[p,j]
        B[i,j] = sum_{p} X[i,p] V[p,j]
        S[i,j] = 1/(1 + exp(-B[i,j]))
        Y[i,j] = A[i,j] S[i,j]"""
    )


@cache
def swiglu() -> Program:
    """Y = (silu(X W) o X V) U: X (m, n), W (n, d), V (n, d), U (d, n), Y (m, n).

    Shazeer, GLU Variants Improve Transformer, 2020, equation 6.
    """
    return define(
        """swiglu(X[m,n], W[n,d], V[n,d], U[d,n]) -> Y
        A[i,j] = sum_{p} X[i,p] W[p,j]
        B[i,j] = sum_{p} X[i,p] V[p,j]
        S[i,j] = 1/(1 + exp(-A[i,j]))
        F[i,j] = A[i,j] S[i,j]
        G[i,j] = F[i,j] B[i,j]
        Y[i,q] = sum_{j} G[i,j] U[j,q]"""
    )

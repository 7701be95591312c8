"""Softmax and normalisations."""

from __future__ import annotations

from functools import cache

from sympy import Rational

from derive.calculus.define import define
from derive.calculus.program import Program

EPSILON = Rational(1, 100000)
MOMENTUM = Rational(1, 10)


@cache
def softmax() -> Program:
    """S_ij = exp(Z_ij) / sum_q exp(Z_iq): Z (m, k), S (m, k). Bishop, equation 4.62."""
    return define(
        """softmax(Z[m,k]) -> S
        S[i,j] = exp(Z[i,j]) / sum_{q} exp(Z[i,q])"""
    )


@cache
def layernorm(eps: Rational = EPSILON) -> Program:
    """Y = g o Xhat + b, Xhat = (X - mean)/sqrt(var + eps) by rows: X (m, n), g (n), b (n).

    Ba, Kiros, Hinton, Layer Normalization, 2016, equation 4.
    """
    return define(
        """layernorm(X[m,n], g[n], b[n]) -> Y
        mu[i] = mean_{q} X[i,q]
        C[i,j] = X[i,j] - mu[i]
        v[i] = mean_{q} C[i,q]^2
        r[i] = (v[i] + eps)^(-1/2)
        Xhat[i,j] = C[i,j] r[i]
        Y[i,j] = g[j] Xhat[i,j] + b[j]""",
        eps=eps,
    )


@cache
def batchnorm(eps: Rational = EPSILON, momentum: Rational = MOMENTUM) -> Program:
    """Y = g o Xhat + b by columns, with running mean and variance as state: X (m, n).

    Ioffe, Szegedy, Batch Normalization, 2015, algorithm 1.
    """
    return define(
        """batchnorm(X[m,n], g[n], b[n], state R[n], state V[n]) -> Y, R_new, V_new
        mu[j] = mean_{q} X[q,j]
        C[i,j] = X[i,j] - mu[j]
        v[j] = mean_{q} C[q,j]^2
        r[j] = (v[j] + eps)^(-1/2)
        Xhat[i,j] = C[i,j] r[j]
        Y[i,j] = g[j] Xhat[i,j] + b[j]
        R_new[j] = (1 - rho) R[j] + rho mu[j]
        V_new[j] = (1 - rho) V[j] + rho v[j]""",
        eps=eps,
        rho=momentum,
    )

"""Softmax and normalisations."""

from __future__ import annotations

from functools import cache

from sympy import Rational

from derive.calculus.definition.define import define
from derive.calculus.program.program import Program

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
def log_softmax() -> Program:
    """Y = log S, S_ij = exp(Z_ij) / sum_q exp(Z_iq): Z (m, k), Y (m, k). Bishop, equation 4.104."""
    return define(
        """log_softmax(Z[m,k]) -> Y
        S[i,j] = exp(Z[i,j]) / sum_{q} exp(Z[i,q])
        Y[i,j] = log(S[i,j])"""
    )


@cache
def rmsnorm(eps: Rational = EPSILON) -> Program:
    """Y = g o X/sqrt(mean(X^2) + eps) by rows: X (m, n), g (n), Y (m, n).

    Zhang, Sennrich, Root Mean Square Layer Normalization, 2019, equation 4.
    """
    return define(
        """rmsnorm(X[m,n], g[n]) -> Y
        v[i] = mean_{q} X[i,q]^2
        r[i] = (v[i] + eps)^(-1/2)
        Xhat[i,j] = X[i,j] r[i]
        Y[i,j] = g[j] Xhat[i,j]""",
        eps=eps,
    )


@cache
def l2norm() -> Program:
    """U = X/|X| by rows: X (m, n), U (m, n). Golub, Van Loan, Matrix Computations, section 2.2."""
    return define(
        """l2norm(X[m,n]) -> U
        r[i] = sqrt(sum_{q} X[i,q]^2)
        U[i,j] = X[i,j]/r[i]"""
    )


@cache
def cosine_similarity() -> Program:
    """c_i = x_i^T y_i/(|x_i| |y_i|): X (m, n), Y (m, n), c (m). Golub, Van Loan, section 6.4."""
    return define(
        """cosine_similarity(X[m,n], Y[m,n]) -> c
        a[i] = sqrt(sum_{q} X[i,q]^2)
        b[i] = sqrt(sum_{q} Y[i,q]^2)
        c[i] = sum_{q} X[i,q] Y[i,q]/(a[i] b[i])"""
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


@cache
def groupnorm(eps: Rational = EPSILON) -> Program:
    """Y = g o Xhat + b, Xhat normalised over the channels o and places p of a group a: X (m, k, c, n).

    k groups of c channels: g (k, c), b (k, c). Wu, He, Group Normalization, 2018, equation 1.
    """
    return define(
        """groupnorm(X[m,k,c,n], g[k,c], b[k,c]) -> Y
        mu[i,a] = mean_{o,q} X[i,a,o,q]
        C[i,a,o,p] = X[i,a,o,p] - mu[i,a]
        v[i,a] = mean_{o,q} C[i,a,o,q]^2
        r[i,a] = (v[i,a] + eps)^(-1/2)
        Xhat[i,a,o,p] = C[i,a,o,p] r[i,a]
        Y[i,a,o,p] = g[a,o] Xhat[i,a,o,p] + b[a,o]""",
        eps=eps,
    )

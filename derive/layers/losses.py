"""Losses: the mean over the batch, or the sum where the network says so."""

from __future__ import annotations

from functools import cache

from sympy import Rational

from derive.calculus.definition.define import define
from derive.calculus.program.program import Program

THRESHOLD = Rational(1)


@cache
def cross_entropy(reduction: str = "mean") -> Program:
    """L = mean_i -log S[i, y_i], S = softmax(H) by rows: H (m, k), integer y (m), L ().

    Bishop, Pattern Recognition and Machine Learning, equations 4.104 and 4.108.
    """
    return define(
        f"""cross_entropy(H[m,k], integer y[m]) -> L
        S[i,j] = exp(H[i,j]) / sum_{{q}} exp(H[i,q])
        L = {reduction}_{{i}} -log(S[i,y[i]])"""
    )


@cache
def token_cross_entropy(reduction: str = "mean") -> Program:
    """L = mean_{i,t} -log S[i, t, y_it], S = softmax(H) along k: H (m, T, k), integer y (m, T), L ().

    Cross entropy at each place t of each sequence. Bishop, equations 4.104 and 4.108.
    """
    return define(
        f"""token_cross_entropy(H[m,T,k], integer y[m,T]) -> L
        S[i,t,j] = exp(H[i,t,j]) / sum_{{q}} exp(H[i,t,q])
        L = {reduction}_{{i,t}} -log(S[i,t,y[i,t]])"""
    )


@cache
def squared_error(reduction: str = "mean") -> Program:
    """L = mean_i |H_i - Y_i|^2 / 2: H (m, k), Y (m, k), L ().

    The half makes the gradient H - Y. Bishop, equation 3.12.
    """
    return define(
        f"""squared_error(H[m,k], Y[m,k]) -> L
        R[i,j] = H[i,j] - Y[i,j]
        L = {reduction}_{{i}} sum_{{j}} R[i,j]^2/2"""
    )


@cache
def soft_cross_entropy(reduction: str = "mean") -> Program:
    """L = mean_i w_i sum_j -P_ij log S_ij, S = softmax(H) by rows: H (m, k), P (m, k), w (m), L ().

    The rows of P sum to 1, so that H_bar = w (S - P)/m. Bishop, equation 4.108.
    """
    return define(
        f"""soft_cross_entropy(H[m,k], P[m,k], w[m]) -> L
        fact sum_{{j}} P[i,j] = 1
        S[i,j] = exp(H[i,j]) / sum_{{q}} exp(H[i,q])
        L = {reduction}_{{i}} w[i] sum_{{j}} -P[i,j] log(S[i,j])"""
    )


@cache
def kl_divergence(reduction: str = "mean") -> Program:
    """L = mean_i sum_j P_ij log(P_ij/S_ij), S = softmax(H) by rows: H (m, k), P (m, k), L ().

    The rows of P sum to 1. Kullback, Leibler, On Information and Sufficiency, 1951, equation 2.4.
    """
    return define(
        f"""kl_divergence(H[m,k], P[m,k]) -> L
        fact sum_{{j}} P[i,j] = 1
        S[i,j] = exp(H[i,j]) / sum_{{q}} exp(H[i,q])
        L = {reduction}_{{i}} sum_{{j}} P[i,j] (log(P[i,j]) - log(S[i,j]))"""
    )


@cache
def binary_cross_entropy(reduction: str = "mean") -> Program:
    """L = mean_i sum_j -Y_ij log S_ij - (1 - Y_ij) log(1 - S_ij), S = sigma(H): H (m, k), Y (m, k), L ().

    Bishop, equation 4.90.
    """
    return define(
        f"""binary_cross_entropy(H[m,k], Y[m,k]) -> L
        S[i,j] = 1/(1 + exp(-H[i,j]))
        L = {reduction}_{{i}} sum_{{j}} (-Y[i,j] log(S[i,j]) - (1 - Y[i,j]) log(1 - S[i,j]))"""
    )


@cache
def huber(delta: Rational = THRESHOLD, reduction: str = "mean") -> Program:
    """L = mean_i sum_j r^2/2 where |r| <= delta, else delta (|r| - delta/2), r = H_ij - Y_ij: H, Y (m, k).

    Huber, Robust Estimation of a Location Parameter, 1964, section 4.
    """
    return define(
        f"""huber(H[m,k], Y[m,k]) -> L
        R[i,j] = H[i,j] - Y[i,j]
        L = {reduction}_{{i}} sum_{{j}} \\
            where(abs(R[i,j]) <= delta, R[i,j]^2/2, delta (abs(R[i,j]) - delta/2))""",
        delta=delta,
    )


@cache
def gaussian_nll(reduction: str = "mean") -> Program:
    """L = mean_i sum_j (s_ij + (H_ij - Y_ij)^2 exp(-s_ij))/2, s the log of the variance: H, s, Y (m, k).

    Nix, Weigend, Estimating the Mean and Variance of the Target Probability Distribution, 1994.
    """
    return define(
        f"""gaussian_nll(H[m,k], s[m,k], Y[m,k]) -> L
        R[i,j] = H[i,j] - Y[i,j]
        Q[i,j] = R[i,j]^2 exp(-s[i,j])
        L = {reduction}_{{i}} sum_{{j}} (s[i,j] + Q[i,j])/2"""
    )

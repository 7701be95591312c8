"""Losses: the mean over the batch, or the sum where the network says so."""

from __future__ import annotations

from functools import cache

from derive.calculus.define import define
from derive.calculus.program import Program


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
def squared_error(reduction: str = "mean") -> Program:
    """L = mean_i |H_i - Y_i|^2 / 2: H (m, k), Y (m, k), L ().

    The half makes the gradient H - Y. Bishop, equation 3.12.
    """
    return define(
        f"""squared_error(H[m,k], Y[m,k]) -> L
        R[i,j] = H[i,j] - Y[i,j]
        L = {reduction}_{{i}} sum_{{j}} R[i,j]^2/2"""
    )

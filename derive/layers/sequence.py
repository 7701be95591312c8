"""Sequences: attention and recurrences."""

from __future__ import annotations

from functools import cache

from derive.calculus.definition.define import define
from derive.calculus.program.program import Program


@cache
def attention(causal: bool = True) -> Program:
    """A = P V, P = softmax over s of Q K^T/sqrt(D): Q (T, D), K (T, D), V (T, d), A (T, d).

    Causal: s <= t. Vaswani et al., Attention Is All You Need, 2017, equation 1.
    """
    if causal:
        return define(
            """attention(Q[T,D], K[T,D], V[T,d]) -> A
            Z[t,s] = sum_{e} Q[t,e] K[s,e]/sqrt(D)
            P[t,s] = where(s <= t, exp(Z[t,s]), 0) / sum_{r<=t} exp(Z[t,r])
            A[t,j] = sum_{s<=t} P[t,s] V[s,j]"""
        )
    return define(
        """attention(Q[T,D], K[T,D], V[T,d]) -> A
        Z[t,s] = sum_{e} Q[t,e] K[s,e]/sqrt(D)
        P[t,s] = exp(Z[t,s]) / sum_{r} exp(Z[t,r])
        A[t,j] = sum_{s} P[t,s] V[s,j]"""
    )


@cache
def lstm() -> Program:
    """The LSTM over T steps: X (T, m, n), W (4, n, d), U (4, d, d), b (4, d), H0 (m, d), C0 (m, d).

    Gates in the order input, forget, candidate, output. Hochreiter, Schmidhuber, 1997; Gers et al., 2000.
    """
    return define(
        """lstm(X[T,m,n], W[4,n,d], U[4,d,d], b[4,d], H0[m,d], C0[m,d]) -> Y
        H[0,a<m,j<d] = H0[a,j]
        C[0,a<m,j<d] = C0[a,j]
        for t < T:
            A[t,a,g,j] = sum_{p} X[t,a,p] W[g,p,j] + sum_{q} H[t,a,q] U[g,q,j] + b[g,j]
            I[t,a,j] = 1/(1 + exp(-A[t,a,0,j]))
            F[t,a,j] = 1/(1 + exp(-A[t,a,1,j]))
            G[t,a,j] = tanh(A[t,a,2,j])
            O[t,a,j] = 1/(1 + exp(-A[t,a,3,j]))
            C[t+1,a,j] = F[t,a,j] C[t,a,j] + I[t,a,j] G[t,a,j]
            H[t+1,a,j] = O[t,a,j] tanh(C[t+1,a,j])
        Y[t<T,a,j] = H[t+1,a,j]"""
    )


@cache
def gru() -> Program:
    """The GRU over T steps: X (T, m, n), W (3, n, d), U (3, d, d), b (3, d), c (d), H0 (m, d).

    Gates in the order reset, update, candidate; c is inside the reset gate. Cho et al., Learning
    Phrase Representations using RNN Encoder-Decoder, 2014, equations 5 to 8.
    """
    return define(
        """gru(X[T,m,n], W[3,n,d], U[3,d,d], b[3,d], c[d], H0[m,d]) -> Y
        H[0,a<m,j<d] = H0[a,j]
        for t < T:
            R[t,a,j] = 1/(1 + exp(-(sum_{p} X[t,a,p] W[0,p,j] + sum_{q} H[t,a,q] U[0,q,j] + b[0,j])))
            Z[t,a,j] = 1/(1 + exp(-(sum_{p} X[t,a,p] W[1,p,j] + sum_{q} H[t,a,q] U[1,q,j] + b[1,j])))
            V[t,a,j] = sum_{q} H[t,a,q] U[2,q,j] + c[j]
            N[t,a,j] = tanh(sum_{p} X[t,a,p] W[2,p,j] + b[2,j] + R[t,a,j] V[t,a,j])
            H[t+1,a,j] = (1 - Z[t,a,j]) N[t,a,j] + Z[t,a,j] H[t,a,j]
        Y[t<T,a,j] = H[t+1,a,j]"""
    )


@cache
def rotary() -> Program:
    """(Y_tj0, Y_tj1) is (X_tj0, X_tj1) turned by the angle t theta_j: X (T, d, 2), theta (d), Y (T, d, 2).

    Su et al., RoFormer, 2021, equation 13.
    """
    return define(
        """rotary(X[T,d,2], theta[d]) -> Y
        c[t<T,j] = cos(t theta[j])
        s[t<T,j] = sin(t theta[j])
        Y[t,j,h<2] = c[t,j] X[t,j,h] + (2 h - 1) s[t,j] X[t,j,1-h]"""
    )


@cache
def elman() -> Program:
    """h_{t+1} = tanh(x_t W + h_t U): X (T, m, n), W (n, d), U (d, d), H0 (m, d). Elman, 1990."""
    return define(
        """elman(X[T,m,n], W[n,d], U[d,d], H0[m,d]) -> Y
        H[0,a,j] = H0[a,j]
        for t < T:
            B[t,a,j] = sum_{p} X[t,a,p] W[p,j] + sum_{q} H[t,a,q] U[q,j]
            H[t+1,a,j] = tanh(B[t,a,j])
        Y[t<T,a,j] = H[t+1,a,j]"""
    )


@cache
def cumulative_sum() -> Program:
    """y_t = sum_{s <= t} x_s: x (n), y (n)."""
    return define(
        """cumulative_sum(x[n]) -> y
        y[t<n] = sum_{s<=t} x[s]"""
    )

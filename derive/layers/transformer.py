"""The transformer: blocks of causal attention and a dense layer, and what stands before and behind them."""

from __future__ import annotations

from functools import cache

from sympy import Rational

from derive.calculus.definition.define import define
from derive.calculus.program.program import Program
from derive.layers.normalisation import EPSILON


@cache
def transformer(eps: Rational = EPSILON) -> Program:
    """Z_{l+1} = B + gelu(N2 Wf + bf) Wp + bp, B = Z_l + attention(N1) Wo + bo: L blocks, one recurrence.

    N1 and N2 are layernorms of Z_l and of B. X (m, T, d), h heads of width e, f hidden: Wa (L, d, 3, h, e)
    for queries, keys and values, Wo (L, h, e, d), Wf (L, d, f), Wp (L, f, d). Vaswani et al., Attention Is
    All You Need, 2017, section 3; layernorm before: Radford et al., Language Models are Unsupervised
    Multitask Learners, 2019, section 2.3.
    """
    return define(
        """transformer(X[m,T,d], g1[L,d], s1[L,d], Wa[L,d,3,h,e], ba[L,3,h,e], Wo[L,h,e,d], bo[L,d], \\
            g2[L,d], s2[L,d], Wf[L,d,f], bf[L,f], Wp[L,f,d], bp[L,d]) -> Y
        Z[0,i<m,t<T,j<d] = X[i,t,j]
        for l < L:
            mu1[l,i,t] = mean_{q} Z[l,i,t,q]
            C1[l,i,t,j] = Z[l,i,t,j] - mu1[l,i,t]
            v1[l,i,t] = mean_{q} C1[l,i,t,q]^2
            r1[l,i,t] = (v1[l,i,t] + eps)^(-1/2)
            Xhat1[l,i,t,j] = C1[l,i,t,j] r1[l,i,t]
            N1[l,i,t,j] = g1[l,j] Xhat1[l,i,t,j] + s1[l,j]
            A[l,c,i,a,t,n] = sum_{p} N1[l,i,t,p] Wa[l,p,c,a,n] + ba[l,c,a,n]
            R[l,i,a,t,s] = sum_{n} A[l,0,i,a,t,n] A[l,1,i,a,s,n]/sqrt(e)
            P[l,i,a,t,s] = where(s <= t, exp(R[l,i,a,t,s]), 0) / sum_{r<=t} exp(R[l,i,a,t,r])
            O[l,i,a,t,n] = sum_{s<=t} P[l,i,a,t,s] A[l,2,i,a,s,n]
            B[l,i,t,j] = Z[l,i,t,j] + sum_{a,n} O[l,i,a,t,n] Wo[l,a,n,j] + bo[l,j]
            mu2[l,i,t] = mean_{q} B[l,i,t,q]
            C2[l,i,t,j] = B[l,i,t,j] - mu2[l,i,t]
            v2[l,i,t] = mean_{q} C2[l,i,t,q]^2
            r2[l,i,t] = (v2[l,i,t] + eps)^(-1/2)
            Xhat2[l,i,t,j] = C2[l,i,t,j] r2[l,i,t]
            N2[l,i,t,j] = g2[l,j] Xhat2[l,i,t,j] + s2[l,j]
            F[l,i,t,k] = sum_{p} N2[l,i,t,p] Wf[l,p,k] + bf[l,k]
            G[l,i,t,k] = F[l,i,t,k] (1 + tanh(sqrt(2/pi) (F[l,i,t,k] + 0.044715 F[l,i,t,k]^3)))/2
            Z[l+1,i,t,j] = B[l,i,t,j] + sum_{k} G[l,i,t,k] Wp[l,k,j] + bp[l,j]
        Y[i,t,j] = Z[L,i,t,j]""",
        eps=eps,
    )


@cache
def embedding_with_positions() -> Program:
    """X = E[x] + P: E (v, d), P (T, d), integer x (m, T), X (m, T, d). Vaswani et al., section 3.4."""
    return define(
        """embedding_with_positions(E[v,d], P[T,d], integer x[m,T]) -> X
        X[i,t,j] = E[x[i,t],j] + P[t,j]"""
    )


@cache
def tied_logits(eps: Rational = EPSILON) -> Program:
    """H = N E^T, N the layernorm of Z: Z (m, T, d), g (d), s (d), E (v, d), H (m, T, v).

    Press, Wolf, Using the Output Embedding to Improve Language Models, 2017.
    """
    return define(
        """tied_logits(Z[m,T,d], g[d], s[d], E[v,d]) -> H
        mu[i,t] = mean_{q} Z[i,t,q]
        C[i,t,j] = Z[i,t,j] - mu[i,t]
        var[i,t] = mean_{q} C[i,t,q]^2
        r[i,t] = (var[i,t] + eps)^(-1/2)
        Xhat[i,t,j] = C[i,t,j] r[i,t]
        N[i,t,j] = g[j] Xhat[i,t,j] + s[j]
        H[i,t,k] = sum_{p} N[i,t,p] E[k,p]""",
        eps=eps,
    )

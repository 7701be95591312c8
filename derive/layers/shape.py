"""Rearrangements: no arithmetic, only indices."""

from __future__ import annotations

from functools import cache

from derive.calculus.definition.define import define
from derive.calculus.program.program import Program


@cache
def concatenate() -> Program:
    """Y = [X Z] along the last axis: X (m, n), Z (m, k), Y (m, n + k)."""
    return define(
        """concatenate(X[m,n], Z[m,k]) -> Y
        Y[i,j<n+k] = where(j < n, X[i,j], Z[i,j-n])"""
    )


@cache
def flatten() -> Program:
    """Y[e, (c H + h) W + w] = X[e,c,h,w]: X (m, c, H, W), Y (m, c H W)."""
    return define(
        """flatten(X[m,c,H,W]) -> Y
        Y[e,j<c*H*W] = X[e,(j//(H*W)),((j//W)%H),(j%W)]"""
    )


@cache
def reshape() -> Program:
    """Y (a b, c) of the elements of X (a, b c), in row-major order."""
    return define(
        """reshape(X[a,b*c]) -> Y
        Y[i<a*b,j<c] = X[((i*c+j)//(b*c)),((i*c+j)%(b*c))]"""
    )


@cache
def transpose() -> Program:
    """Y = X^T: X (m, n), Y (n, m)."""
    return define(
        """transpose(X[m,n]) -> Y
        Y[j,i] = X[i,j]"""
    )

"""Convolutions and pooling: windows with stride s, dilation r and padding p."""

from __future__ import annotations

from functools import cache

from derive.calculus.definition.define import define
from derive.calculus.program.program import Program


@cache
def conv2d(stride: int = 1, dilation: int = 1, padding: int = 0, bias: bool = False) -> Program:
    """Y[e,o,h,w] = sum_{c,u,v} X[e,c,s h + r u - p, s w + r v - p] K[o,c,u,v] + b[o]; reads outside X are 0.

    X (m, c, H, W), K (o, c, U, V), b (o). Dumoulin, Visin, A guide to convolution arithmetic, 2016.
    """
    declared, added = (", b[o]", " + b[o]") if bias else ("", "")
    return define(
        f"""conv2d(X[m,c,H,W], K[o,c,U,V]{declared}) -> Y
        Y[e,o,h<((H+2*p-r*(U-1)-1)//s)+1,w<((W+2*p-r*(V-1)-1)//s)+1] = \\
            sum_{{c,u,v}} X[e,c,s*h+r*u-p,s*w+r*v-p] K[o,c,u,v]{added}""",
        s=stride,
        r=dilation,
        p=padding,
    )


@cache
def depthwise(stride: int = 1, padding: int = 0) -> Program:
    """Y[e,c,h,w] = sum_{u,v} X[e,c,s h + u - p, s w + v - p] K[c,u,v]: one kernel a channel."""
    return define(
        """depthwise(X[m,c,H,W], K[c,U,V]) -> Y
        Y[e,c,h<((H+2*p-U)//s)+1,w<((W+2*p-V)//s)+1] = sum_{u,v} X[e,c,s*h+u-p,s*w+v-p] K[c,u,v]""",
        s=stride,
        p=padding,
    )


@cache
def max_pool(height: int = 2, width: int = 2, stride: int = 2, padding: int = 0) -> Program:
    """Y[e,c,h,w] = max_{u,v} X[e,c,s h + u - p, s w + v - p] over the positions inside X."""
    return define(
        """max_pool(X[m,c,H,W]) -> Y
        Y[e,c,h<((H+2*p-U)//s)+1,w<((W+2*p-V)//s)+1] = max_{u<U,v<V} X[e,c,s*h+u-p,s*w+v-p]""",
        U=height,
        V=width,
        s=stride,
        p=padding,
    )


@cache
def average_pool(height: int = 2, width: int = 2, stride: int = 2, padding: int = 0) -> Program:
    """Y[e,c,h,w] = sum_{u,v} X[e,c,s h + u - p, s w + v - p]/(U V); padding counts as 0."""
    return define(
        """average_pool(X[m,c,H,W]) -> Y
        Y[e,c,h<((H+2*p-U)//s)+1,w<((W+2*p-V)//s)+1] = sum_{u<U,v<V} X[e,c,s*h+u-p,s*w+v-p]/(U*V)""",
        U=height,
        V=width,
        s=stride,
        p=padding,
    )


@cache
def pixel_shuffle(factor: int = 2) -> Program:
    """Y[e,o,h,w] = X[e, o r^2 + r (h mod r) + w mod r, h // r, w // r].

    X (m, c r^2, H, W), Y (m, c, H r, W r). Shi et al., Real-Time Single Image Super-Resolution,
    2016, equation 4.
    """
    return define(
        """pixel_shuffle(X[m,c*r*r,H,W]) -> Y
        Y[e,o<c,h<H*r,w<W*r] = X[e,o*r*r + r*(h%r) + (w%r),(h//r),(w//r)]""",
        r=factor,
    )

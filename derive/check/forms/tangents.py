"""Tangents in closed form, and networks: residual graphs, shared weights, the lecture's chain."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from derive.calculus.program.program import Program
from derive.check.forms.form import Form
from derive.layers import convolution, losses, normalisation, sequence
from derive.layers.registry import layer
from derive.networks.registry import network


def down_to_loss(name: str) -> Program:
    """A network's program with its loss as the one output."""
    net = network(name)
    return replace(net.program, outputs=(net.loss,))


TANGENTS: tuple[Form, ...] = (
    Form(
        "sigmoid",
        "X_dot o s o (1 - s)",
        partial(layer, "sigmoid"),
        ("Y_dot[i,j] = X_dot[i,j] Y[i,j] (1 - Y[i,j])",),
        tangent=True,
    ),
    Form(
        "tanh",
        "X_dot o (1 - t^2)",
        partial(layer, "tanh"),
        ("Y_dot[i,j] = X_dot[i,j] (1 - Y[i,j]^2)",),
        tangent=True,
    ),
    Form(
        "softmax",
        "S o (Z_dot - rowsum(S o Z_dot))",
        normalisation.softmax,
        ("S_dot[i,j] = S[i,j] (Z_dot[i,j] - sum_{q} S[i,q] Z_dot[i,q])",),
        tangent=True,
    ),
    Form(
        "log_softmax",
        "Z_dot - rowsum(S o Z_dot)",
        normalisation.log_softmax,
        ("Y_dot[i,j] = Z_dot[i,j] - sum_{q} S[i,q] Z_dot[i,q]",),
        tangent=True,
    ),
    Form(
        "cross_entropy",
        "mean(rowsum(S o H_dot) - H_dot_y)",
        losses.cross_entropy,
        ("L_dot = (sum_{i,q} S[i,q] H_dot[i,q] - sum_{i} H_dot[i,y[i]])/m",),
        tangent=True,
    ),
    Form(
        "layernorm",
        "g o r (X_dot - mean(X_dot) - Xhat mean(Xhat o X_dot))",
        normalisation.layernorm,
        (
            (
                "Y_dot[i,j] = g[j] r[i] (X_dot[i,j] - mean_{q} X_dot[i,q]"
                " - Xhat[i,j] mean_{q} Xhat[i,q] X_dot[i,q])"
            ),
        ),
        wrt=("X",),
        tangent=True,
    ),
    Form(
        "l2norm",
        "(X_dot - u u^T X_dot)/|x|",
        normalisation.l2norm,
        ("U_dot[i,j] = (X_dot[i,j] - U[i,j] sum_{q} U[i,q] X_dot[i,q])/r[i]",),
        tangent=True,
    ),
    Form(
        "conv2d",
        "X_dot correlated with K, and X with K_dot",
        convolution.conv2d,
        (
            (
                "Y_dot[e,o,h<H-U+1,w<W-V+1] = sum_{c,u,v} X_dot[e,c,h+u,w+v] K[o,c,u,v]"
                " + sum_{c,u,v} X[e,c,h+u,w+v] K_dot[o,c,u,v]"
            ),
        ),
        tangent=True,
    ),
    Form(
        "attention",
        "Z_dot = (Q_dot K^T + Q K_dot^T)/sqrt(D),  P_dot = P o (Z_dot - rowsum(P o Z_dot)),"
        "  A_dot = P_dot V + P V_dot",
        partial(sequence.attention, causal=False),
        (
            "Z_dot[t,s] = (sum_{e} Q_dot[t,e] K[s,e] + sum_{e} Q[t,e] K_dot[s,e])/sqrt(D)",
            "P_dot[t,s] = P[t,s] (Z_dot[t,s] - sum_{r} P[t,r] Z_dot[t,r])",
            "A_dot[t,j] = sum_{s} P_dot[t,s] V[s,j] + sum_{s} P[t,s] V_dot[s,j]",
        ),
        ("Z_dot[t,s] = (sum_{e} Q_dot[t,e] K[s,e] + sum_{e} Q[t,e] K_dot[s,e])/sqrt(D)",),
        tangent=True,
    ),
)

NETWORKS: tuple[Form, ...] = (
    Form(
        "two_layer",
        "H_bar = (S - I_y)/m,  W2_bar = Z2^T H_bar,  A1_bar = (H_bar W2^T) o [Z2 > 0],  W1_bar = X^T A1_bar",
        partial(down_to_loss, "two_layer"),
        (
            "H_bar[i,j] = (S[i,j] + where(j == y[i], -1, 0)) L_bar/m",
            "W2_bar[p,j] = sum_{i} Z2[i,p] H_bar[i,j]",
            "A1_bar[i,j] = where(Z2[i,j] > 0, sum_{q} H_bar[i,q] W2[j,q], 0)",
            "W1_bar[p,j] = sum_{i} X[i,p] A1_bar[i,j]",
        ),
        wrt=("W1", "W2"),
    ),
    Form(
        "residual, one U shared by two layers",
        "U_bar = Z2^T A2_bar + Z3^T A3_bar: a sum over the places where U is used",
        partial(down_to_loss, "residual"),
        (
            "H_bar[i,j] = (S[i,j] + where(j == y[i], -1, 0)) L_bar/m",
            "Z4_bar[i,j] = sum_{q} H_bar[i,q] W2[j,q]",
            "A3_bar[i,j] = where(A3[i,j] > 0, Z4_bar[i,j], 0)",
            "A2_bar[i,j] = where(Z3[i,j] > 0, sum_{q} A3_bar[i,q] U[j,q], 0)",
            "A1_bar[i,j] = where(Z2[i,j] > 0, Z4_bar[i,j] + sum_{q} A2_bar[i,q] U[j,q], 0)",
            "U_bar[p,j] = sum_{i} Z2[i,p] A2_bar[i,j] + sum_{i} Z3[i,p] A3_bar[i,j]",
            "W1_bar[p,j] = sum_{i} X[i,p] A1_bar[i,j]",
            "W2_bar[p,j] = sum_{i} Z4[i,p] H_bar[i,j]",
            "V_bar[p,j] = sum_{i} X[i,p] H_bar[i,j]",
        ),
        wrt=("W1", "U", "W2", "V"),
    ),
)

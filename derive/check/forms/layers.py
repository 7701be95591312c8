"""The closed forms of layers and losses, as textbooks and papers have them."""

from __future__ import annotations

from functools import partial

from derive.check.forms.form import Form
from derive.layers import blocks, convolution, dense, losses, normalisation
from derive.layers.registry import layer

LAYERS: tuple[Form, ...] = (
    Form(
        "linear",
        "X_bar = G W^T,  W_bar = X^T G,  b_bar = G^T 1",
        dense.linear,
        (
            "X_bar[i,p] = sum_{j} Y_bar[i,j] W[p,j]",
            "W_bar[p,j] = sum_{i} X[i,p] Y_bar[i,j]",
            "b_bar[j] = sum_{i} Y_bar[i,j]",
        ),
    ),
    Form(
        "bilinear",
        "x_bar = sum_j g_j A_j z,  z_bar = sum_j g_j A_j^T x,  A_j_bar = g_j x z^T",
        dense.bilinear,
        (
            "X_bar[i,p] = sum_{j,q} Y_bar[i,j] A[j,p,q] Z[i,q]",
            "Z_bar[i,q] = sum_{j,p} Y_bar[i,j] A[j,p,q] X[i,p]",
            "A_bar[j,p,q] = sum_{i} Y_bar[i,j] X[i,p] Z[i,q]",
        ),
    ),
    Form(
        "sigmoid",
        "G o s o (1 - s)",
        partial(layer, "sigmoid"),
        ("X_bar[i,j] = Y_bar[i,j] Y[i,j] (1 - Y[i,j])",),
    ),
    Form("tanh", "G o (1 - t^2)", partial(layer, "tanh"), ("X_bar[i,j] = Y_bar[i,j] (1 - Y[i,j]^2)",)),
    Form(
        "relu",
        "G where Y > 0, else 0",
        partial(layer, "relu"),
        ("X_bar[i,j] = where(Y[i,j] > 0, Y_bar[i,j], 0)",),
    ),
    Form(
        "softplus",
        "G o sigma(X)",
        partial(layer, "softplus"),
        ("X_bar[i,j] = Y_bar[i,j]/(1 + exp(-X[i,j]))",),
    ),
    Form(
        "silu",
        "G o (s + Y o (1 - s)),  s = sigma(X)",
        partial(layer, "silu"),
        ("X_bar[i,j] = Y_bar[i,j] (Y_sigma[i,j] + Y[i,j] (1 - Y_sigma[i,j]))",),
        (),
    ),
    Form(
        "gelu",
        "G o ((1 + t) + X o (1 - t^2) o c (1 + 3 a X^2))/2",
        partial(layer, "gelu"),
        (
            (
                "X_bar[i,j] = Y_bar[i,j] ((1 + Y_tanh[i,j])/2 "
                "+ X[i,j] (1 - Y_tanh[i,j]^2) sqrt(2/pi) (1 + 3*0.044715 X[i,j]^2)/2)"
            ),
        ),
        (),
    ),
    Form(
        "gelu_erf",
        "G o (Phi + X o phi)",
        partial(layer, "gelu_erf"),
        ("X_bar[i,j] = Y_bar[i,j] (Y_erfc[i,j]/2 + X[i,j] exp(-X[i,j]^2/2)/sqrt(2 pi))",),
        (),
    ),
    Form(
        "mish",
        "G o (t + X o sigma(X) o (1 - t^2)),  t = tanh(softplus(X))",
        partial(layer, "mish"),
        ("X_bar[i,j] = Y_bar[i,j] (Y_tanh[i,j] + X[i,j] (1 - Y_tanh[i,j]^2)/(1 + exp(-X[i,j])))",),
    ),
    Form(
        "elu",
        "G o (1 where X > 0, else Y + 1)",
        partial(layer, "elu"),
        ("X_bar[i,j] = Y_bar[i,j] where(X[i,j] > 0, 1, Y[i,j] + 1)",),
    ),
    Form(
        "softmax",
        "S o (G - rowsum(G o S))",
        normalisation.softmax,
        ("Z_bar[i,j] = S[i,j] (S_bar[i,j] - sum_{q} S_bar[i,q] S[i,q])",),
    ),
    Form(
        "log_softmax",
        "G - S rowsum(G)",
        normalisation.log_softmax,
        ("Z_bar[i,j] = Y_bar[i,j] - S[i,j] sum_{q} Y_bar[i,q]",),
    ),
    Form(
        "layernorm",
        "r (G' - mean(G') - Xhat mean(G' o Xhat)),  G' = g o G",
        normalisation.layernorm,
        (
            "Xhat_bar[i,j] = Y_bar[i,j] g[j]",
            (
                "X_bar[i,j] = r[i] (Xhat_bar[i,j] - mean_{q} Xhat_bar[i,q]"
                " - Xhat[i,j] mean_{q} Xhat[i,q] Xhat_bar[i,q])"
            ),
            "g_bar[j] = sum_{i} Y_bar[i,j] Xhat[i,j]",
            "b_bar[j] = sum_{i} Y_bar[i,j]",
        ),
    ),
    Form(
        "rmsnorm",
        "r (G' - Xhat mean(G' o Xhat)),  G' = g o G;  G' o Xhat = G o Y is read off the output",
        normalisation.rmsnorm,
        (
            "Xhat_bar[i,j] = Y_bar[i,j] g[j]",
            "X_bar[i,j] = r[i] (Xhat_bar[i,j] - Xhat[i,j] mean_{q} Xhat[i,q] Xhat_bar[i,q])",
            "g_bar[j] = sum_{i} Y_bar[i,j] Xhat[i,j]",
        ),
        (
            "X_bar[i,j] = r[i] (g[j] Y_bar[i,j] - Xhat[i,j] mean_{q} Y[i,q] Y_bar[i,q])",
            "g_bar[j] = sum_{i} Y_bar[i,j] Xhat[i,j]",
        ),
    ),
    Form(
        "batchnorm",
        "r g (G - mean(G) - Xhat mean(G o Xhat)) by columns,  g_bar = sum G o Xhat,  b_bar = sum G",
        normalisation.batchnorm,
        (
            "g_bar[j] = sum_{i} Y_bar[i,j] Xhat[i,j]",
            "b_bar[j] = sum_{i} Y_bar[i,j]",
            (
                "X_bar[i,j] = r[j] g[j] (Y_bar[i,j] - mean_{q} Y_bar[q,j]"
                " - Xhat[i,j] mean_{q} Xhat[q,j] Y_bar[q,j])"
            ),
        ),
    ),
    Form(
        "groupnorm",
        "r (G' - mean(G') - Xhat mean(G' o Xhat)) over a group,  G' = g o G",
        normalisation.groupnorm,
        (
            "Xhat_bar[i,a,o,p] = Y_bar[i,a,o,p] g[a,o]",
            (
                "X_bar[i,a,o,p] = r[i,a] (Xhat_bar[i,a,o,p] - mean_{u,q} Xhat_bar[i,a,u,q]"
                " - Xhat[i,a,o,p] mean_{u,q} Xhat[i,a,u,q] Xhat_bar[i,a,u,q])"
            ),
            "g_bar[a,o] = sum_{i,p} Y_bar[i,a,o,p] Xhat[i,a,o,p]",
            "b_bar[a,o] = sum_{i,p} Y_bar[i,a,o,p]",
        ),
    ),
    Form(
        "l2norm",
        "(G - u u^T G)/|x|",
        normalisation.l2norm,
        ("X_bar[i,j] = (U_bar[i,j] - U[i,j] sum_{q} U[i,q] U_bar[i,q])/r[i]",),
    ),
    Form(
        "cosine_similarity",
        "x_bar = g (y/(|x| |y|) - c x/|x|^2),  y_bar = g (x/(|x| |y|) - c y/|y|^2)",
        normalisation.cosine_similarity,
        (
            "X_bar[i,j] = c_bar[i] Y[i,j]/(a[i] b[i]) - c_bar[i] c[i] X[i,j]/a[i]^2",
            "Y_bar[i,j] = c_bar[i] X[i,j]/(a[i] b[i]) - c_bar[i] c[i] Y[i,j]/b[i]^2",
        ),
    ),
    Form(
        "conv2d",
        "K_bar = X correlated with G,  X_bar = G correlated with K turned round (a full correlation)",
        convolution.conv2d,
        (
            "X_bar[e,c,h<H,w<W] = sum_{o,u,v} Y_bar[e,o,h-u,w-v] K[o,c,u,v]",
            "K_bar[o,c,u<U,v<V] = sum_{e,h,w} Y_bar[e,o,h,w] X[e,c,h+u,w+v]",
        ),
    ),
    Form(
        "cross_entropy",
        "(S - I_y)/m",
        losses.cross_entropy,
        ("H_bar[i,j] = (S[i,j] + where(j == y[i], -1, 0)) L_bar/m",),
    ),
    Form(
        "soft_cross_entropy",
        "w (S - P)/m, rows of P sum to 1",
        losses.soft_cross_entropy,
        ("H_bar[i,j] = (S[i,j] - P[i,j]) w[i] L_bar/m",),
        wrt=("H",),
    ),
    Form(
        "kl_divergence",
        "(S - P)/m, rows of P sum to 1",
        losses.kl_divergence,
        ("H_bar[i,j] = (S[i,j] - P[i,j]) L_bar/m",),
        wrt=("H",),
    ),
    Form(
        "binary_cross_entropy",
        "(S - Y)/m",
        losses.binary_cross_entropy,
        ("H_bar[i,j] = (S[i,j] - Y[i,j]) L_bar/m",),
        wrt=("H",),
    ),
    Form("squared_error", "(H - Y)/m", losses.squared_error, ("H_bar[i,j] = R[i,j] L_bar/m",), wrt=("H",)),
    Form(
        "huber",
        "clip(H - Y, -delta, delta)/m",
        losses.huber,
        ("H_bar[i,j] = min(max(R[i,j], -1), 1) L_bar/m",),
        wrt=("H",),
    ),
    Form(
        "gaussian_nll",
        "h_bar = (h - y) e^-s/m,  s_bar = (1 - (h - y)^2 e^-s)/2m",
        losses.gaussian_nll,
        (
            "H_bar[i,j] = R[i,j] Q_exp[i,j] L_bar/m",
            "s_bar[i,j] = (1 - Q[i,j]) L_bar/(2 m)",
        ),
        wrt=("H", "s"),
    ),
    Form(
        "residual_block",
        "A_bar = [Z > 0] o G U^T,  X_bar = G + A_bar W^T,  W_bar = X^T A_bar,  U_bar = Z^T G",
        blocks.residual_block,
        (
            "A_bar[i,j] = where(Z[i,j] > 0, sum_{q} Y_bar[i,q] U[j,q], 0)",
            "X_bar[i,q] = Y_bar[i,q] + sum_{j} A_bar[i,j] W[q,j]",
            "W_bar[p,j] = sum_{i} X[i,p] A_bar[i,j]",
            "U_bar[j,q] = sum_{i} Z[i,j] Y_bar[i,q]",
        ),
    ),
    Form(
        "glu",
        "A_bar = S o G,  B_bar = A o S o (1 - S) o G;  A o S is the output Y",
        blocks.glu,
        (
            "A_bar[i,j] = Y_bar[i,j] S[i,j]",
            "B_bar[i,j] = Y_bar[i,j] Y[i,j] (1 - S[i,j])",
            "X_bar[i,p] = sum_{j} A_bar[i,j] W[p,j] + sum_{j} B_bar[i,j] V[p,j]",
            "W_bar[p,j] = sum_{i} X[i,p] A_bar[i,j]",
            "V_bar[p,j] = sum_{i} X[i,p] B_bar[i,j]",
        ),
    ),
    Form(
        "swiglu",
        "B_bar = F o G_bar,  A_bar = G_bar o B o (S + F o (1 - S)),  F = silu(A)",
        blocks.swiglu,
        (
            "G_bar[i,j] = sum_{q} Y_bar[i,q] U[j,q]",
            "B_bar[i,j] = G_bar[i,j] F[i,j]",
            "A_bar[i,j] = G_bar[i,j] B[i,j] (S[i,j] + F[i,j] (1 - S[i,j]))",
            "X_bar[i,p] = sum_{j} A_bar[i,j] W[p,j] + sum_{j} B_bar[i,j] V[p,j]",
            "W_bar[p,j] = sum_{i} X[i,p] A_bar[i,j]",
            "V_bar[p,j] = sum_{i} X[i,p] B_bar[i,j]",
            "U_bar[j,q] = sum_{i} G[i,j] Y_bar[i,q]",
        ),
        ("G_bar[i,j] = sum_{q} Y_bar[i,q] U[j,q]", "B_bar[i,j] = G_bar[i,j] F[i,j]"),
    ),
)

"""The closed forms of attention and recurrences: gate equations as in the papers."""

from __future__ import annotations

from functools import partial

from derive.calculus.definition.define import define
from derive.calculus.program.program import Program
from derive.check.forms.form import Form
from derive.layers import sequence

SHORT = {"T": 2, "m": 1, "n": 3, "d": 2}  # fifty digits of every step cost time


def deep_network() -> Program:
    """Z_{i+1} = tanh(Z_i W_i), Z_0 = X, Y = Z_L, the number of layers L a symbol."""
    return define(
        """deep_network(X[m,n], W[L,n,n]) -> Y
        Z[0,a<m,j<n] = X[a,j]
        for i < L:
            A[i,a,j] = sum_{p} Z[i,a,p] W[i,p,j]
            Z[i+1,a,j] = tanh(A[i,a,j])
        Y[a<m,j<n] = Z[L,a,j]"""
    )


def normalised_blocks() -> Program:
    """Z_{l+1} = Z_l + N_l W_l, N_l = g_l o the layernorm of Z_l, Z_0 = X, Y = Z_L: residual blocks."""
    return define(
        """normalised_blocks(X[m,n], g[L,n], W[L,n,n]) -> Y
        Z[0,i<m,j<n] = X[i,j]
        for l < L:
            mu[l,i] = mean_{q} Z[l,i,q]
            C[l,i,j] = Z[l,i,j] - mu[l,i]
            v[l,i] = mean_{q} C[l,i,q]^2
            r[l,i] = (v[l,i] + 1/100000)^(-1/2)
            Xhat[l,i,j] = C[l,i,j] r[l,i]
            N[l,i,j] = g[l,j] Xhat[l,i,j]
            Z[l+1,i,j] = Z[l,i,j] + sum_{p} N[l,i,p] W[l,p,j]
        Y[i<m,j<n] = Z[L,i,j]"""
    )


SEQUENCES: tuple[Form, ...] = (
    Form(
        "attention",
        "V_bar = P^T G,  P_bar = G V^T,  Z_bar = P o (P_bar - rowsum(P_bar o P)),"
        "  Q_bar = Z_bar K/sqrt(D),  K_bar = Z_bar^T Q/sqrt(D)",
        partial(sequence.attention, causal=False),
        (
            "P_bar[t,s] = sum_{j} A_bar[t,j] V[s,j]",
            "Z_bar[t,s] = P[t,s] (P_bar[t,s] - sum_{r} P[t,r] P_bar[t,r])",
            "Q_bar[t,e] = sum_{s} Z_bar[t,s] K[s,e]/sqrt(D)",
            "K_bar[s,e] = sum_{t} Z_bar[t,s] Q[t,e]/sqrt(D)",
            "V_bar[s,j] = sum_{t} P[t,s] A_bar[t,j]",
        ),
    ),
    Form(
        "causal attention",
        "the same, where s <= t",
        sequence.attention,
        (
            "P_bar[t,s] = where(s <= t, sum_{j} A_bar[t,j] V[s,j], 0)",
            "Z_bar[t,s] = where(s <= t, P[t,s] (P_bar[t,s] - sum_{r<=t} P[t,r] P_bar[t,r]), 0)",
            "Q_bar[t,e] = sum_{s} Z_bar[t,s] K[s,e]/sqrt(D)",
            "K_bar[s,e] = sum_{t} Z_bar[t,s] Q[t,e]/sqrt(D)",
            "V_bar[s,j] = sum_{t} where(s <= t, P[t,s] A_bar[t,j], 0)",
        ),
    ),
    Form(
        "rotary",
        "each pair turned back by the same angle;  theta_bar = sum_t t (s_bar c - c_bar s)",
        sequence.rotary,
        (
            "s_bar[t,j] = sum_{h<2} (2 h - 1) X[t,j,1-h] Y_bar[t,j,h]",
            "c_bar[t,j] = sum_{h<2} X[t,j,h] Y_bar[t,j,h]",
            "X_bar[t,j,h<2] = c[t,j] Y_bar[t,j,h] + (1 - 2 h) s[t,j] Y_bar[t,j,1-h]",
            "theta_bar[j] = sum_{t} t c[t,j] s_bar[t,j] - sum_{t} t s[t,j] c_bar[t,j]",
        ),
    ),
    Form(
        "cumulative sum",
        "the sum of all cotangents from s on",
        sequence.cumulative_sum,
        ("x_bar[s<n] = sum_{t} where(s <= t, y_bar[t], 0)",),
    ),
    Form(
        "Elman network",
        "B_bar_t = (1 - h_{t+1}^2) o h_bar_{t+1},  h_bar_t = G_t + B_bar_t U^T",
        sequence.elman,
        (
            "H_bar[t+1,a,j] = Y_bar[t,a,j] + where(t <= T-2, sum_{q} B_bar[t+1,a,q] U[j,q], 0)",
            "B_bar[t<T,a,j] = H_bar[t+1,a,j] (1 - H[t+1,a,j]^2)",
            "H_bar[0,a,j] = sum_{q} B_bar[0,a,q] U[j,q]",
            "X_bar[t,a,p] = sum_{j} B_bar[t,a,j] W[p,j]",
            "W_bar[p,j] = sum_{t,a} X[t,a,p] B_bar[t,a,j]",
            "U_bar[q,j] = sum_{t<T,a} H[t,a,q] B_bar[t,a,j]",
            "H0_bar[a,j] = H_bar[0,a,j]",
        ),
        sizes=SHORT,
    ),
    Form(
        "LSTM",
        "o_bar = h_bar tanh(c),  c_bar = h_bar o (1 - tanh(c)^2) + c_bar_{t+1} f_{t+1},"
        "  i_bar = c_bar g,  f_bar = c_bar c_{t-1},  g_bar = c_bar i;  each times its gate's slope",
        sequence.lstm,
        (
            "H_bar[t+1,a,j] = Y_bar[t,a,j] + where(t <= T-2, sum_{g,q} A_bar[t+1,a,g,q] U[g,j,q], 0)",
            "O_bar[t<T,a,j] = H_bar[t+1,a,j] H_tanh[t,a,j]",
            (
                "C_bar[t+1,a,j] = H_bar[t+1,a,j] O[t,a,j] (1 - H_tanh[t,a,j]^2)"
                " + where(t <= T-2, C_bar[t+2,a,j] F[t+1,a,j], 0)"
            ),
            "G_bar[t<T,a,j] = C_bar[t+1,a,j] I[t,a,j]",
            "F_bar[t<T,a,j] = C_bar[t+1,a,j] C[t,a,j]",
            "I_bar[t<T,a,j] = C_bar[t+1,a,j] G[t,a,j]",
            (
                "A_bar[t<T,a,g<4,j] = where(g == 0, I_bar[t,a,j] I[t,a,j] (1 - I[t,a,j]), 0)"
                " + where(g == 1, F_bar[t,a,j] F[t,a,j] (1 - F[t,a,j]), 0)"
                " + where(g == 2, G_bar[t,a,j] (1 - G[t,a,j]^2), 0)"
                " + where(g == 3, O_bar[t,a,j] O[t,a,j] (1 - O[t,a,j]), 0)"
            ),
            "H_bar[0,a,j] = sum_{g,q} A_bar[0,a,g,q] U[g,j,q]",
            "C_bar[0,a,j] = C_bar[1,a,j] F[0,a,j]",
            "X_bar[t,a,p] = sum_{g,j} A_bar[t,a,g,j] W[g,p,j]",
            "W_bar[g,p,j] = sum_{t,a} X[t,a,p] A_bar[t,a,g,j]",
            "U_bar[g,q,j] = sum_{t<T,a} H[t,a,q] A_bar[t,a,g,j]",
            "b_bar[g,j] = sum_{t,a} A_bar[t,a,g,j]",
            "H0_bar[a,j] = H_bar[0,a,j]",
            "C0_bar[a,j] = C_bar[0,a,j]",
        ),
        (
            "H_bar[t+1,a,j] = Y_bar[t,a,j] + where(t <= T-2, sum_{g,q} A_bar[t+1,a,g,q] U[g,j,q], 0)",
            "O_bar[t<T,a,j] = H_bar[t+1,a,j] H_tanh[t,a,j]",
            (
                "C_bar[t+1,a,j] = H_bar[t+1,a,j] (O[t,a,j] - H[t+1,a,j] H_tanh[t,a,j])"
                " + where(t <= T-2, C_bar[t+2,a,j] F[t+1,a,j], 0)"
            ),
            "G_bar[t<T,a,j] = C_bar[t+1,a,j] I[t,a,j]",
            "F_bar[t<T,a,j] = C_bar[t+1,a,j] C[t,a,j]",
            "I_bar[t<T,a,j] = C_bar[t+1,a,j] G[t,a,j]",
            (
                "A_bar[t<T,a,g<4,j] = where(g == 0, I_bar[t,a,j] I[t,a,j] (1 - I[t,a,j]), 0)"
                " + where(g == 1, F_bar[t,a,j] F[t,a,j] (1 - F[t,a,j]), 0)"
                " + where(g == 2, G_bar[t,a,j] (1 - G[t,a,j]^2), 0)"
                " + where(g == 3, O_bar[t,a,j] O[t,a,j] (1 - O[t,a,j]), 0)"
            ),
            "W_bar[g,p,j] = sum_{t,a} X[t,a,p] A_bar[t,a,g,j]",
            "U_bar[g,q,j] = sum_{t<T,a} H[t,a,q] A_bar[t,a,g,j]",
            "b_bar[g,j] = sum_{t,a} A_bar[t,a,g,j]",
        ),
        sizes=SHORT,
    ),
    Form(
        "GRU",
        "n_bar = h_bar (1 - z),  z_bar = h_bar (h_{t-1} - n),  r_bar = n_bar (1 - n^2) v;  each times its"
        " gate's slope,  h_bar_{t-1} = h_bar z + the three gates through U^T",
        sequence.gru,
        (
            (
                "H_bar[t+1,a,j] = Y_bar[t,a,j] + where(t <= T-2, H_bar[t+2,a,j] Z[t+1,a,j]"
                " + sum_{q} R_argument_bar[t+1,a,q] U[0,j,q] + sum_{q} Z_argument_bar[t+1,a,q] U[1,j,q]"
                " + sum_{q} V_bar[t+1,a,q] U[2,j,q], 0)"
            ),
            "N_bar[t<T,a,j] = H_bar[t+1,a,j] (1 - Z[t,a,j])",
            "N_argument_bar[t<T,a,j] = N_bar[t,a,j] (1 - N[t,a,j]^2)",
            "V_bar[t<T,a,j] = N_argument_bar[t,a,j] R[t,a,j]",
            "Z_bar[t<T,a,j] = H_bar[t+1,a,j] (H[t,a,j] - N[t,a,j])",
            "Z_argument_bar[t<T,a,j] = Z_bar[t,a,j] Z[t,a,j] (1 - Z[t,a,j])",
            "R_bar[t<T,a,j] = N_argument_bar[t,a,j] V[t,a,j]",
            "R_argument_bar[t<T,a,j] = R_bar[t,a,j] R[t,a,j] (1 - R[t,a,j])",
            (
                "H_bar[0,a,j] = H_bar[1,a,j] Z[0,a,j]"
                " + sum_{q} R_argument_bar[0,a,q] U[0,j,q] + sum_{q} Z_argument_bar[0,a,q] U[1,j,q]"
                " + sum_{q} V_bar[0,a,q] U[2,j,q]"
            ),
            (
                "X_bar[t,a,p] = sum_{j} R_argument_bar[t,a,j] W[0,p,j]"
                " + sum_{j} Z_argument_bar[t,a,j] W[1,p,j] + sum_{j} N_argument_bar[t,a,j] W[2,p,j]"
            ),
            (
                "W_bar[g<3,p,j] = where(g == 0, sum_{t,a} X[t,a,p] R_argument_bar[t,a,j], 0)"
                " + where(g == 1, sum_{t,a} X[t,a,p] Z_argument_bar[t,a,j], 0)"
                " + where(g == 2, sum_{t,a} X[t,a,p] N_argument_bar[t,a,j], 0)"
            ),
            (
                "U_bar[g<3,p,j] = where(g == 0, sum_{t<T,a} H[t,a,p] R_argument_bar[t,a,j], 0)"
                " + where(g == 1, sum_{t<T,a} H[t,a,p] Z_argument_bar[t,a,j], 0)"
                " + where(g == 2, sum_{t<T,a} H[t,a,p] V_bar[t,a,j], 0)"
            ),
            (
                "b_bar[g<3,j] = where(g == 0, sum_{t,a} R_argument_bar[t,a,j], 0)"
                " + where(g == 1, sum_{t,a} Z_argument_bar[t,a,j], 0)"
                " + where(g == 2, sum_{t,a} N_argument_bar[t,a,j], 0)"
            ),
            "c_bar[j] = sum_{t,a} V_bar[t,a,j]",
            "H0_bar[a,j] = H_bar[0,a,j]",
        ),
        sizes=SHORT,
    ),
    Form(
        "a network of L layers, L a symbol",
        "A_bar_i = (1 - Z_{i+1}^2) o Z_bar_{i+1},  Z_bar_i = A_bar_i W_i^T,  W_bar_i = Z_i^T A_bar_i",
        deep_network,
        (
            "A_bar[i<L,a,j] = Z_bar[i+1,a,j] (1 - Z[i+1,a,j]^2)",
            "Z_bar[i<L,a,j] = sum_{q} A_bar[i,a,q] W[i,j,q]",
            "X_bar[a,j] = Z_bar[0,a,j]",
            "W_bar[i<L,p,j] = sum_{a} Z[i,a,p] A_bar[i,a,j]",
        ),
        sizes={"L": 3, "m": 2, "n": 4},
    ),
    Form(
        "L blocks of layernorm before a matrix, L a symbol",
        "Z_bar_l = Z_bar_{l+1} + r (Xhat_bar - mean(Xhat_bar) - Xhat mean(Xhat_bar o Xhat))",
        normalised_blocks,
        (
            "N_bar[l<L,i,p] = sum_{j} Z_bar[l+1,i,j] W[l,p,j]",
            "Xhat_bar[l<L,i,p] = g[l,p] N_bar[l,i,p]",
            (
                "Z_bar[l<L,i,j] = Z_bar[l+1,i,j] + r[l,i] (Xhat_bar[l,i,j] - (sum_{q} Xhat_bar[l,i,q])/n"
                " - Xhat[l,i,j] (sum_{q} Xhat_bar[l,i,q] Xhat[l,i,q])/n)"
            ),
            "X_bar[i,j] = Z_bar[0,i,j]",
            "g_bar[l<L,j] = sum_{i} Xhat[l,i,j] N_bar[l,i,j]",
            "W_bar[l<L,p,j] = sum_{i} N[l,i,p] Z_bar[l+1,i,j]",
        ),
        sizes={"L": 3, "m": 2, "n": 4},
    ),
)

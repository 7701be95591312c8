"""Ten layers that nobody has seen, made of odd pieces, each with the best backward form found by hand.

The hand derivations read forward values as an expert would: what is derived may take no more operations.
"""

from __future__ import annotations

from functools import cache, partial

from derive.calculus.definition.define import define
from derive.calculus.program.program import Program
from derive.check.forms.form import Form

DEFINITIONS = {
    "softmax of a product of gates": """gates(X[m,k], Z[m,k]) -> S
        U[i,j] = tanh(X[i,j])
        V[i,j] = tanh(Z[i,j])
        A[i,j] = U[i,j] V[i,j]
        S[i,j] = exp(A[i,j])/sum_{q} exp(A[i,q])""",
    "layernorm of the cosine of a bilinear form": """waves(X[m,n], Z[m,k], A[d,n,k]) -> Y
        B[i,j] = sum_{p,q} X[i,p] A[j,p,q] Z[i,q]
        D[i,j] = cos(B[i,j])
        mu[i] = mean_{q} D[i,q]
        C[i,j] = D[i,j] - mu[i]
        v[i] = mean_{q} C[i,q]^2
        r[i] = (v[i] + 1/1000)^(-1/2)
        Y[i,j] = C[i,j] r[i]""",
    "log-sum-exp pooling with a learned temperature": """pooling(X[m,k], b) -> y
        y[i] = log(sum_{q} exp(b X[i,q]))/b""",
    "attention normalised by squared relu": """squared(Q[T,D], K[T,D], V[T,d]) -> A
        Z[t,s] = sum_{e} Q[t,e] K[s,e]
        B[t,s] = max(Z[t,s], 0)
        N[t] = 1/1000 + sum_{s} B[t,s]^2
        P[t,s] = B[t,s]^2/N[t]
        A[t,j] = sum_{s} P[t,s] V[s,j]""",
    "gated cumulative sums": """gated(x[n], g[n]) -> y
        s[t] = 1/(1 + exp(-g[t]))
        w[t] = x[t] s[t]
        y[t<n] = sum_{u<=t} w[u]""",
    "softplus instead of exp in softmax": """soft(Z[m,k]) -> P
        A[i,j] = log(1 + exp(Z[i,j]))
        N[i] = sum_{q} A[i,q]
        P[i,j] = A[i,j]/N[i]""",
    "squashed capsules": """squash(X[m,n]) -> Y
        s[i] = sum_{q} X[i,q]^2
        a[i] = sqrt(s[i])/(1 + s[i])
        Y[i,j] = a[i] X[i,j]""",
    "attention pooling of a batch": """pooled(X[m,n], W[n,d], v[d]) -> y
        Z[i,j] = tanh(sum_{p} X[i,p] W[p,j])
        a[i] = sum_{j} Z[i,j] v[j]
        s[i] = exp(a[i])/sum_{u} exp(a[u])
        y[j] = sum_{i} s[i] Z[i,j]""",
    "damping by exp of the root mean square": """damped(X[m,n]) -> Y
        Y[i,j] = X[i,j] exp(-sqrt(1/1000 + mean_{q} X[i,q]^2))""",
    "entropy of softmax": """entropy(Z[m,k]) -> y
        S[i,j] = exp(Z[i,j])/sum_{q} exp(Z[i,q])
        y[i] = -sum_{j} S[i,j] log(S[i,j])""",
}


@cache
def invented(name: str) -> Program:
    """One of the ten by name."""
    return define(DEFINITIONS[name])


def _form(name: str, law: str, *textbook: str, wrt: tuple[str, ...] | None = None) -> Form:
    return Form(name, law, partial(invented, name), textbook, (), wrt)


INVENTED: tuple[Form, ...] = (
    _form(
        "softmax of a product of gates",
        "A_bar = S o (G - rowsum(G o S)),  X_bar = A_bar o (V - A o U),  Z_bar = A_bar o (U - A o V)",
        "A_bar[i,j] = S[i,j] (S_bar[i,j] - sum_{q} S_bar[i,q] S[i,q])",
        "X_bar[i,j] = A_bar[i,j] (V[i,j] - A[i,j] U[i,j])",
        "Z_bar[i,j] = A_bar[i,j] (U[i,j] - A[i,j] V[i,j])",
    ),
    _form(
        "layernorm of the cosine of a bilinear form",
        "B_bar = -sin(B) o r (G - mean(G) - Y mean(G o Y)),  then the bilinear form's three gradients",
        "B_bar[i,j] = -sin(B[i,j]) r[i] (Y_bar[i,j] - mean_{q} Y_bar[i,q]"
        " - Y[i,j] mean_{q} Y[i,q] Y_bar[i,q])",
        "X_bar[i,p] = sum_{j,q} B_bar[i,j] A[j,p,q] Z[i,q]",
        "Z_bar[i,q] = sum_{j,p} B_bar[i,j] A[j,p,q] X[i,p]",
        "A_bar[j,p,q] = sum_{i} B_bar[i,j] X[i,p] Z[i,q]",
    ),
    _form(
        "log-sum-exp pooling with a learned temperature",
        "X_bar = g E/T,  b_bar = sum g (rowsum(E o X)/T - y)/b",
        "X_bar[i,j] = E[i,j] (y_bar[i]/T[i])",
        "b_bar = sum_{i} y_bar[i] (sum_{q} E[i,q] X[i,q]/T[i] - y[i])/b",
    ),
    _form(
        "attention normalised by squared relu",
        "P_bar = G V^T,  Z_bar = 2 B o (P_bar - rowsum(P o P_bar))/N,  then Q and K",
        "P_bar[t,s] = sum_{j} A_bar[t,j] V[s,j]",
        "Z_bar[t,s] = B[t,s] (P_bar[t,s] - sum_{u} P[t,u] P_bar[t,u]) (2/N[t])",
        "Q_bar[t,e] = sum_{s} Z_bar[t,s] K[s,e]",
        "K_bar[s,e] = sum_{t} Z_bar[t,s] Q[t,e]",
        "V_bar[s,j] = sum_{t} P[t,s] A_bar[t,j]",
    ),
    _form(
        "gated cumulative sums",
        "w_bar_s = sum_{t >= s} g_t,  x_bar = w_bar o s,  g_bar = w_bar o w o (1 - s)",
        "w_bar[u<n] = sum_{t} where(u <= t, y_bar[t], 0)",
        "x_bar[t] = w_bar[t] s[t]",
        "g_bar[t] = w_bar[t] w[t] (1 - s[t])",
    ),
    _form(
        "softplus instead of exp in softmax",
        "sigma(Z) o (G - rowsum(G o P))/N",
        "Z_bar[i,j] = (P_bar[i,j] - sum_{q} P_bar[i,q] P[i,q])/(1 + exp(-Z[i,j]))/N[i]",
    ),
    _form(
        "squashed capsules",
        "a G + X rowsum(G o X) (1 - s)/(sqrt(s) (1 + s)^2)",
        "X_bar[i,j] = a[i] Y_bar[i,j]"
        " + X[i,j] (sum_{q} Y_bar[i,q] X[i,q] (1 - s[i])/(a_root[i] (1 + s[i])^2))",
    ),
    _form(
        "attention pooling of a batch",
        "s_bar = Z g,  a_bar = s o (s_bar - s^T s_bar),  Z_bar = s g^T + a_bar v^T,  through tanh to W and X",
        "s_bar[i] = sum_{j} y_bar[j] Z[i,j]",
        "a_bar[i] = s[i] (s_bar[i] - sum_{u} s[u] s_bar[u])",
        "v_bar[j] = sum_{i} a_bar[i] Z[i,j]",
        "B_bar[i,j] = (s[i] y_bar[j] + a_bar[i] v[j]) (1 - Z[i,j]^2)",
        "W_bar[p,j] = sum_{i} X[i,p] B_bar[i,j]",
        "X_bar[i,p] = sum_{j} B_bar[i,j] W[p,j]",
    ),
    _form(
        "damping by exp of the root mean square",
        "e G - X rowsum(G o Y)/(n r)",
        "X_bar[i,j] = Y_exp[i] Y_bar[i,j] - X[i,j] (sum_{q} Y_bar[i,q] Y[i,q]/(n Y_exp_root[i]))",
    ),
    _form(
        "entropy of softmax",
        "-g S o (log S + y),  log S = Z - M - log T",
        "Z_bar[i,j] = -S[i,j] (Z[i,j] + (y[i] - M[i] - log(T[i]))) y_bar[i]",
    ),
)

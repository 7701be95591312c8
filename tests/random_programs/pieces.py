"""Pieces of programs as texts: layers by name, and odd formulas written for the occasion.

A text is a definition; its operands are matched to tensors at hand by the sizes of their axes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np

from derive.calculus.definition.define import define
from derive.calculus.program.program import Program
from derive.layers import convolution, sequence
from derive.layers.registry import LAYERS, layer
from tests.random_programs.formulas import binary, unary

BUILDERS: dict[str, Callable[[], Program]] = {
    **{name: partial(layer, name) for name in LAYERS if not layer(name).facts},
    "attention_not_causal": partial(sequence.attention, causal=False),
    "conv_s2_d2_p1": partial(convolution.conv2d, stride=2, dilation=2, padding=1),
    "conv_s3_p2": partial(convolution.conv2d, stride=3, padding=2),
    "depthwise_s2_p1": partial(convolution.depthwise, stride=2, padding=1),
    "max_pool_3_2": partial(convolution.max_pool, height=3, width=2, stride=2, padding=1),
    "average_pool_3_2": partial(convolution.average_pool, height=3, width=2, stride=2, padding=1),
}
COSTLY = ("lstm", "attention", "attention_not_causal", "conv_s2_d2_p1", "conv_s3_p2", "conv2d", "batchnorm")
REDUCED = (
    *("sum_{q} @", "mean_{q} @", "max_{q} @", "log(sum_{q} exp(@))", "sqrt(1 + sum_{q} @^2)", "sum_{q} @^3"),
    *("-max_{q} -(@)", "log(mean_{q} exp(@))", "mean_{q} abs(@)", "sum_{q} where(@ > 0, @, 0)"),
    *("(sum_{q} @)^2 - sum_{q} @^2", "sum_{q} q*@", "tanh(mean_{q} @) max_{q} @", "sum_{q<=0} @"),
)
ODD = (
    "gram(X[m,n]) -> Y\n Y[i,j] = sum_{p} X[i,p] X[j,p]",
    "scores(X[m,n], Z[k,n]) -> Y\n Y[i,j] = sum_{p} tanh(X[i,p]) Z[j,p]",
    "distances(X[m,n], Z[k,n]) -> Y\n Y[i,j] = sum_{p} (X[i,p] - Z[j,p])^2",
    "outer(x[m], z[n]) -> Y\n Y[i,j] = x[i] z[j]",
    "diagonal(X[n,n]) -> y\n y[i] = X[i,i] tanh(X[i,i])",
    "trace(X[n,n]) -> y\n y = sum_{i} sin(X[i,i])",
    "symmetric(X[n,n]) -> Y\n Y[i,j] = X[i,j] X[j,i]",
    "triangle(X[n,n]) -> Y\n Y[i,j] = where(j <= i, X[i,j], 0)",
    "quadratic(A[n,n], z[n]) -> y\n y = sum_{i,j} z[i] A[i,j] z[j]",
    "reversed(x[n]) -> y\n y[i<n] = x[n-1-i]",
    "reversed(X[m,n]) -> Y\n Y[i,j<n] = X[i,n-1-j]",
    "rolled(x[n]) -> y\n y[i<n] = x[((i+1)%n)]",
    "strided(x[n]) -> y\n y[i<((n+1)//2)] = x[2*i]",
    "strided(X[m,n]) -> Y\n Y[i,j<((n+1)//2)] = X[i,2*j] + 1",
    "spread(x[n]) -> y\n y[i<2*n] = x[(i//2)]",
    "folded(X[m,n]) -> y\n y[i<m*n] = X[(i//n),(i%n)]",
    "window(x[n]) -> y\n y[t<n] = sum_{u<3} x[t+u-1]",
    "kernel(x[n], k[U]) -> y\n y[t<n] = sum_{u} x[t+u-1] k[u]",
    "kernel(x[n], k[U]) -> y\n y[t<((n-1)//2)+1] = sum_{u} x[2*t-u] k[u]",
    "window_max(x[n]) -> y\n y[t<n] = max_{u<2} x[t+u]",
    "before(x[n]) -> y\n y[t<n] = sum_{s<=t} x[s] exp(-(t-s))",
    "causal(Z[n,n]) -> L\n L[t<n] = log(sum_{s<=t} exp(Z[t,s]))",
    "after(x[n]) -> y\n y[t<n] = max_{s>=t} x[s]",
    "masked(X[m,n], mask B[m,n]) -> y\n y[i] = sum_{q} B[i,q] X[i,q]/(1 + sum_{q} B[i,q])",
    "chosen(X[m,n], mask B[m,n]) -> Y\n Y[i,j] = where(B[i,j] > 0, tanh(X[i,j]), 0)",
    "dropped(x[n], mask b[n]) -> y\n y[i] = 2*b[i] x[i]",
    "gathered(X[n,d], integer z[T]) -> Y\n Y[t,j] = X[z[t],j]",
    "picked(X[m,k], integer z[m]) -> y\n y[i] = -X[i,z[i]]",
    "one_hot(X[m,k], integer z[m]) -> y\n y[i] = sum_{q} [q == z[i]] X[i,q]^2",
    "scan(x[T], w) -> y\n h[0] = 0\n for t < T:\n  h[t+1] = tanh(w h[t] + x[t])\n y[t<T] = h[t+1]",
    "decay(x[T], a) -> y\n s[0] = x[0]\n for t < T:\n  s[t+1] = s[t]/(1 + exp(-a)) + x[t]\n y = s[T]",
    (
        "rows(X[T,n]) -> Y\n H[0,j<n] = 0\n for t < T:\n  H[t+1,j] = H[t,j]/2 + sin(X[t,j] + H[t,j])\n"
        " Y[t<T,j] = H[t+1,j] X[t,j]"
    ),
    (
        "mixed(X[T,n], W[n,n]) -> Y\n H[0,j<n] = X[0,j]\n for t < T:\n"
        "  H[t+1,j] = tanh(sum_{p} H[t,p] W[p,j]) + X[t,j]\n Y[j<n] = H[T,j]"
    ),
    "l2norm(X[m,n]) -> Y\n r[i] = (1/10 + sum_{q} X[i,q]^2)^(-1/2)\n Y[i,j] = X[i,j] r[i]",
    "rms(X[m,n], g[n]) -> Y\n s[i] = mean_{q} X[i,q]^2\n Y[i,j] = g[j] X[i,j]/sqrt(s[i] + 1/100)",
    (
        "cosine(X[m,n], Z[m,n]) -> y\n"
        " y[i] = sum_{p} X[i,p] Z[i,p]/sqrt((1 + sum_{p} X[i,p]^2) (1 + sum_{p} Z[i,p]^2))"
    ),
    "log_softmax(Z[m,k]) -> Y\n Y[i,j] = Z[i,j] - log(sum_{q} exp(Z[i,q]))",
    "entropy(Z[m,k]) -> y\n S[i,j] = exp(Z[i,j])/sum_{q} exp(Z[i,q])\n y[i] = -sum_{j} S[i,j] log(S[i,j])",
    "temperature(Z[k], a) -> S\n E[j] = exp(Z[j]/(1 + a^2))\n S[j] = E[j]/sum_{q} E[q]",
    "columns(Z[m,k]) -> S\n S[i,j] = exp(-Z[i,j])/sum_{p} exp(-Z[p,j])",
    "blend(X[m,n], Z[m,n], g[n]) -> Y\n s[j] = 1/(1 + exp(-g[j]))\n Y[i,j] = s[j] X[i,j] + (1 - s[j]) Z[i,j]",
    "centred(X[m,n]) -> C\n u[j] = mean_{q} X[q,j]\n C[i,j] = X[i,j] - u[j]",
    "variance(x[n]) -> v\n u = mean_{q} x[q]\n v = mean_{q} (x[q] - u)^2",
    "deviation(x[n]) -> v\n v = sqrt(1/100 + mean_{q} x[q]^2 - (mean_{q} x[q])^2)",
    "beside(x[n], z[k]) -> y\n y[i<n+k] = where(i < n, x[i], z[i-n])",
    "stacked(X[m,n], Z[m,n]) -> Y\n Y[i,s<2,j] = where(s == 0, X[i,j], Z[i,j])",
    "bend(X[m,n], w, b) -> Y\n Y[i,j] = max(w X[i,j] + b, X[i,j]/10)",
    "twice(X[n,n]) -> Y\n Z[i,j] = sum_{p} X[i,p] X[p,j]\n Y[i,j] = sum_{p} Z[i,p] Z[j,p]",
    "batch(X[e,m,n], Z[e,n,k]) -> Y\n Y[a,i,j] = sum_{p} X[a,i,p] Z[a,p,j]",
    "moved(X[e,m,n]) -> Y\n Y[j,a,i] = X[a,i,j]",
    "loss(X[m,n], Z[m,n]) -> L\n L = mean_{i,j} log(1 + (X[i,j] - Z[i,j])^2)",
    "huber(x[n]) -> y\n y = sum_{i} where(abs(x[i]) <= 1, x[i]^2/2, abs(x[i]) - 1/2)",
    "hinge(x[n], z[n]) -> y\n y = mean_{i} max(0, 1 - x[i] z[i])",
    "steps(x[n]) -> y\n y[i<n] = where(i >= 1, x[i] - x[i-1], x[i])",
)


@cache
def program_of(text: str) -> Program:
    """The program of a piece: a layer by name, else a definition."""
    return BUILDERS[text]() if text in BUILDERS else define(text)


def drawn(rng: np.random.Generator) -> str:
    """The text of a piece at random."""
    kind = rng.random()
    if kind < 0.3:
        name = str(rng.choice(list(BUILDERS)))
        return name if name not in COSTLY or rng.random() < 0.3 else "softmax"
    if kind < 0.6:
        return str(rng.choice(ODD))
    rank = int(rng.integers(0, 4))
    axes, indices = "[a,b,c]"[: 2 * rank] + "]" * (rank > 0), "[i,j,l]"[: 2 * rank] + "]" * (rank > 0)
    axes, indices = axes.replace(",]", "]"), indices.replace(",]", "]")
    if kind < 0.72:
        return f"odd(X{axes}) -> Y\n Y{indices} = {unary(rng).replace('@', f'X{indices}')}"
    if kind < 0.86:
        return _joined(rng, axes, indices)
    return _reduced(rng, max(rank, 1))


def _joined(rng: np.random.Generator, axes: str, indices: str) -> str:
    """Two tensors of one shape, or one and its row, by a formula."""
    last, place = ("[" + axes[-2:], "[" + indices[-2:]) if axes and rng.random() < 0.5 else (axes, indices)
    a, b = unary(rng, 0).replace("@", f"X{indices}"), unary(rng, 0).replace("@", f"Z{place}")
    return f"odd(X{axes}, Z{last}) -> Y\n Y{indices} = {binary(rng, a, b)}"


def _reduced(rng: np.random.Generator, rank: int) -> str:
    """A tensor reduced over one of its axes."""
    position = int(rng.integers(0, rank))
    letters = [*"ijl"[: rank - 1]]
    letters.insert(position, "q")
    element = unary(rng, 0).replace("@", f"X[{','.join(letters)}]")
    kept = ",".join("ijl"[: rank - 1])
    target = f"Y[{kept}]" if kept else "Y"
    formula = str(rng.choice(REDUCED)).replace("@", f"({element})")
    return f"odd(X[{','.join('abc'[:rank])}]) -> Y\n {target} = {formula}"

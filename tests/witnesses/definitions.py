"""The witnesses as on paper: each name -> a builder of its Program.

They are what a derivation gets wrong first: shared and repeated indices, windows, ragged sums,
data as an index, ties, guards, recurrences, undetermined functions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from sympy import Integer

from derive.calculus.define import define
from derive.calculus.nodes import Opaque, Sum, VectorMap
from derive.calculus.program import Equation, Program, Recurrence
from derive.calculus.tensor import Axis, Index, Kind, Ref, Size, Tensor

LINEAR = """
linear(X[m,n], W[n,d], b[d]) -> Y
    Y[i,j] = sum_{p} X[i,p] W[p,j] + b[j]
"""

SOFTMAX = """
softmax(Z[m,k]) -> S
    frozen c[i] = max_{q} Z[i,q]
    E[i,j] = exp(Z[i,j] - c[i])
    T[i] = sum_{q} E[i,q]
    S[i,j] = E[i,j]/T[i]
"""

CROSS_ENTROPY = """
cross_entropy(Z[m,k], integer y[m]) -> L
    frozen c[i] = max_{q} Z[i,q]
    E[i,j] = exp(Z[i,j] - c[i])
    T[i] = sum_{q} E[i,q]
    L = sum_{i} (log(T[i]) + c[i] - Z[i,y[i]])/m
"""

TWO_LAYER = """
two_layer(X[m,n], W1[n,d], W2[d,k], integer y[m]) -> L
    A1[i,j] = sum_{p} X[i,p] W1[p,j]
    Z2[i,j] = max(A1[i,j], 0)
    Z3[i,j] = sum_{p} Z2[i,p] W2[p,j]
    frozen c[i] = max_{q} Z3[i,q]
    E[i,j] = exp(Z3[i,j] - c[i])
    T[i] = sum_{q} E[i,q]
    L = sum_{i} (log(T[i]) + c[i] - Z3[i,y[i]])/m
"""

LAYERNORM = """
layernorm(X[m,n], g[n], b[n]) -> Y
    mu[i] = mean_{q} X[i,q]
    C[i,j] = X[i,j] - mu[i]
    v[i] = mean_{q} C[i,q]^2
    r[i] = (v[i] + eps)^(-1/2)
    Xhat[i,j] = C[i,j] r[i]
    Y[i,j] = g[j] Xhat[i,j] + b[j]
"""

BATCHNORM = """
batchnorm(X[m,n], g[n], b[n], state R[n], state V[n]) -> Y, R_new, V_new
    mu[j] = mean_{q} X[q,j]
    C[i,j] = X[i,j] - mu[j]
    v[j] = mean_{q} C[q,j]^2
    r[j] = (v[j] + eps)^(-1/2)
    Xhat[i,j] = C[i,j] r[j]
    Y[i,j] = g[j] Xhat[i,j] + b[j]
    R_new[j] = (1 - rho) R[j] + rho mu[j]
    V_new[j] = (1 - rho) V[j] + rho v[j]
"""

BATCHNORM_EVAL = """
batchnorm_eval(X[m,n], g[n], b[n], state R[n], state V[n]) -> Y
    Y[i,j] = g[j] (X[i,j] - R[j])/sqrt(V[j] + eps) + b[j]
"""

CAUSAL_SOFTMAX = """
causal_softmax(Z[n,n]) -> P
    frozen c[t] = max_{s<=t} Z[t,s]
    E[t,s] = where(s <= t, exp(Z[t,s] - c[t]), 0)
    T[t] = sum_{s<=t} E[t,s]
    P[t,s] = E[t,s]/T[t]
"""

CAUSAL_LOG_SUM_EXP = """
causal_log_sum_exp(Z[n,n]) -> L
    L[t<n] = log(sum_{s<=t} exp(Z[t,s]))
"""

CUMULATIVE_SUM = """
cumulative_sum(x[n]) -> y
    y[t<n] = sum_{s<=t} x[s]
"""

MOVING_SUM = """
moving_sum(x[n]) -> y
    y[t<n-w+1] = sum_{u<w} x[t+u]
"""

# the output has (H + 2p - r(U-1) - 1)//s + 1 rows: a = 2p + r - 1
CONVOLUTION = """
conv2d(X[m,c,H,W], K[o,c,U,V]) -> Y
    Y[e,o,h<((H+a-r*U)//s)+1,w<((W+a-r*V)//s)+1] = sum_{c,u,v} X[e,c,s*h+r*u-p,s*w+r*v-p] K[o,c,u,v]
"""

CONVOLUTION_1D = """
conv1d(x[n], k[U]) -> y
    y[t<((n+2*p-r*(U-1)-1)//s)+1] = sum_{u} x[s*t+r*u-p] k[u]
"""

DEPTHWISE = """
depthwise(X[m,c,H,W], K[c,U,V]) -> Y
    Y[e,c,h<((H+2*p-U)//s)+1,w<((W+2*p-V)//s)+1] = sum_{u,v} X[e,c,s*h+u-p,s*w+v-p] K[c,u,v]
"""

MAX_POOL = """
max_pool(X[m,c,H,W]) -> Y
    Y[e,c,h<((H+2*p-u0)//s)+1,w<((W+2*p-v0)//s)+1] = max_{u<u0,v<v0} X[e,c,s*h+u-p,s*w+v-p]
"""

AVERAGE_POOL = """
average_pool(X[m,c,H,W]) -> Y
    Y[e,c,h<((H+2*p-u0)//s)+1,w<((W+2*p-v0)//s)+1] = sum_{u<u0,v<v0} X[e,c,s*h+u-p,s*w+v-p]/(u0 v0)
"""

GLOBAL_MAX = """
global_max(X[m,n]) -> y
    y[i] = max_{q} X[i,q]
"""

EMBEDDING = """
embedding(integer x[T], E[v,d]) -> Y
    Y[t,j] = E[x[t],j]
"""

CONCATENATE = """
concatenate(X[m,n], Z[m,k]) -> Y
    Y[i,j<n+k] = where(j < n, X[i,j], Z[i,j-n])
"""

RESHAPE = """
reshape(X[a,b*c]) -> Y
    Y[i<a*b,j<c] = X[((i*c+j)//(b*c)),((i*c+j)%(b*c))]
"""

FLATTEN = """
flatten(X[m,c,H,W]) -> Y
    Y[e,j<c*H*W] = X[e,(j//(H*W)),((j//W)%H),(j%W)]
"""

TRANSPOSE = """
transpose(X[m,n]) -> Y
    Y[j,i] = X[i,j]
"""

PIXEL_SHUFFLE = """
pixel_shuffle(X[m,c*r*r,H,W]) -> Y
    Y[e,o<c,h<H*r,w<W*r] = X[e,o*r*r + r*(h%r) + (w%r),(h//r),(w//r)]
"""

ATTENTION = """
attention(Q[n,D], K[n,D], V[n,d]) -> A
    Z[t,s] = sum_{e} Q[t,e] K[s,e]/sqrt(D)
    frozen c[t] = max_{s<=t} Z[t,s]
    E[t,s] = where(s <= t, exp(Z[t,s] - c[t]), 0)
    T[t] = sum_{s<=t} E[t,s]
    P[t,s] = E[t,s]/T[t]
    A[t,j] = sum_{s<=t} P[t,s] V[s,j]
"""

LSTM = """
lstm(X[T,m,n], W[4,n,d], U[4,d,d], b[4,d], H0[m,d], C0[m,d]) -> Y
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
    Y[a,j] = H[T,a,j]
"""

ELMAN = """
elman(X[T,m,n], W[n,d], U[d,d], H0[m,d]) -> Y
    H[0,a,j] = H0[a,j]
    for t < T:
        H[t+1,a,j] = tanh(sum_{p} X[t,a,p] W[p,j] + sum_{q} H[t,a,q] U[q,j])
    Y[t<T,a,j] = H[t+1,a,j]
"""

USED_TWICE = """
used_twice(X[m,n], W[n,n]) -> Y
    Z[i,j] = tanh(sum_{p} X[i,p] W[p,j])
    Y[i,j] = sum_{p} Z[i,p] W[j,p]
"""

INNER_SOFTMAX = """
inner_softmax(X[m,n], W1[n,d], W2[d,k]) -> Y
    Z[i,j] = sum_{p} X[i,p] W1[p,j]
    frozen c[i] = max_{q} Z[i,q]
    E[i,j] = exp(Z[i,j] - c[i])
    T[i] = sum_{q} E[i,q]
    S[i,j] = E[i,j]/T[i]
    Y[i,j] = sum_{p} S[i,p] W2[p,j]
"""

TRACE = """
trace(A[n,n]) -> y
    y = sum_{i} A[i,i] sin(A[i,i])
"""

GRAM = """
gram(X[m,n]) -> G
    G[i,j] = sum_{p} X[i,p] X[j,p]
"""

MASKED_MEAN = """
masked_mean(X[m,n], mask M[m,n]) -> y
    y[i] = sum_{q} M[i,q] X[i,q]/(1 + sum_{q} M[i,q])
"""

ACTIVATIONS = """
activations(X[m,n]) -> Y
    R[i,j] = max(X[i,j], 0)
    A[i,j] = abs(X[i,j]) + X[i,j]^3
    B[i,j] = erf(X[i,j]) atan(X[i,j]) cos(X[i,j])
    Y[i,j] = R[i,j] A[i,j] + B[i,j] max(X[i,j], sin(3 X[i,j]))
"""


def layers_recurrence() -> Program:
    """Z[i+1,a,j] = sigma_i(sum_{p<n[i]} Z[i,a,p] W[i,p,j]), Z[0] = X, Y = Z[L]; ragged sizes n[i].

    X (m, n[0]), W (L, n[i], n[i+1]), Z (L+1, m, n[i]), Y (m, n[L]); sigma_i undetermined.
    """
    i, a, j, p = (Index(letter) for letter in "iajp")
    inputs, step = _layers(i, p)
    z, w = step["Z"], step["W"]
    body = Opaque("sigma", (i,), Sum(z[i, a, p] * w[i, p, j], (p, _width(i))))
    following = Equation(z[i + 1, a, j], ((a, Size("m")), (j, _width(i + 1))), body)
    return _recurrent("layers", inputs, step, following)


def vector_layers_recurrence() -> Program:
    """Z[i+1,a,j] = sigma_i(Z[i,a,:] W[i])_j, sigma_i: R^n -> R^n undetermined, as softmax is.

    X (m, n[0]), W (L, n[i], n[i+1]), A (L, m, n[i+1]), Z (L+1, m, n[i]), Y (m, n[L]).
    """
    i, a, j, p, q = (Index(letter) for letter in "iajpq")
    inputs, step = _layers(i, p)
    z, w = step["Z"], step["W"]
    row = Axis("i", Size("L"))
    inner = Tensor("A", (row, Axis("m", Size("m")), Axis("n[i+1]", _width(i + 1))))
    loops = ((a, Size("m")), (j, _width(i + 1)))
    product = Equation(inner[i, a, j], loops, Sum(z[i, a, p] * w[i, p, j], (p, _width(i))))
    value = VectorMap("sigma", (i, j), inner[i, a, q], (q, _width(i + 1)))
    following = Equation(z[i + 1, a, j], loops, value)
    return _recurrent("vector_layers", inputs, step | {"A": inner}, product, following)


def _width(layer: object) -> Ref:
    return Ref("n", layer, integer=True)


def _layers(i: Index, p: Index) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
    """The declarations of an L-layer network: axis `i` names the index that its ragged sizes use."""
    count, rows = Size("L"), Axis("m", Size("m"))
    widths = Tensor("n", (Axis("L+1", count + 1),), Kind.INTEGER)
    data = Tensor("X", (rows, Axis("n[0]", _width(0))))
    entering, leaving = Axis("n[i]", _width(i)), Axis("n[i+1]", _width(i + 1))
    weights = Tensor("W", (Axis("i", count), entering, leaving))
    state = Tensor("Z", (Axis("i", count + 1), rows, entering))
    return (widths, data, weights), {"W": weights, "X": data, "Z": state}


def _recurrent(name: str, inputs: tuple[Tensor, ...], known: dict[str, Tensor], *steps: Equation) -> Program:
    a, j, count, rows = Index("a"), Index("j"), Size("L"), Size("m")
    z, x = known["Z"], known["X"]
    output = Tensor("Y", (Axis("m", rows), Axis("n[L]", _width(count))))
    start = Equation(z[Integer(0), a, j], ((a, rows), (j, _width(0))), x[a, j])
    end = Equation(output[a, j], ((a, rows), (j, _width(count))), z[count, a, j])
    inner = tuple(known[key] for key in known if key not in ("W", "X"))
    return Program(name, inputs, (start, Recurrence(Index("i"), count, steps), end), ("Y",), (*inner, output))


def _written(text: str, **values: object) -> Callable[[], Program]:
    return cache(lambda: define(text, **values))  # type: ignore[arg-type]


WITNESSES: dict[str, Callable[[], Program]] = {
    "linear": _written(LINEAR),
    "softmax": _written(SOFTMAX),
    "cross_entropy": _written(CROSS_ENTROPY),
    "two_layer": _written(TWO_LAYER),
    "layernorm": _written(LAYERNORM, eps=Integer(1) / 100000),
    "batchnorm": _written(BATCHNORM, eps=Integer(1) / 100000, rho=Integer(1) / 10),
    "batchnorm_eval": _written(BATCHNORM_EVAL, eps=Integer(1) / 100000),
    "causal_softmax": _written(CAUSAL_SOFTMAX),
    "causal_log_sum_exp": _written(CAUSAL_LOG_SUM_EXP),
    "cumulative_sum": _written(CUMULATIVE_SUM),
    "moving_sum": _written(MOVING_SUM, w=3),
    "conv_s2_d2_p1": _written(CONVOLUTION, s=2, r=2, p=1, a=3),
    "conv_s3_d2_p0": _written(CONVOLUTION, s=3, r=2, p=0, a=1),
    "conv1d_s2_d2_p1": _written(CONVOLUTION_1D, s=2, r=2, p=1),
    "conv1d_s3_d2_p0": _written(CONVOLUTION_1D, s=3, r=2, p=0),
    "depthwise": _written(DEPTHWISE, s=2, p=1),
    "max_pool": _written(MAX_POOL, s=2, p=1, u0=3, v0=2),
    "average_pool": _written(AVERAGE_POOL, s=2, p=1, u0=3, v0=2),
    "global_max": _written(GLOBAL_MAX),
    "embedding": _written(EMBEDDING),
    "concatenate": _written(CONCATENATE),
    "reshape": _written(RESHAPE),
    "flatten": _written(FLATTEN),
    "transpose": _written(TRANSPOSE),
    "pixel_shuffle": _written(PIXEL_SHUFFLE, r=2),
    "attention": _written(ATTENTION),
    "lstm": _written(LSTM),
    "elman": _written(ELMAN),
    "layers_recurrence": layers_recurrence,
    "vector_layers_recurrence": vector_layers_recurrence,
    "used_twice": _written(USED_TWICE),
    "inner_softmax": _written(INNER_SOFTMAX),
    "trace": _written(TRACE),
    "gram": _written(GRAM),
    "masked_mean": _written(MASKED_MEAN),
    "activations": _written(ACTIVATIONS),
}

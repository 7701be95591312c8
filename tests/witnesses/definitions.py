"""The witnesses as on paper: each name -> a builder of its Program.

They are what a derivation gets wrong first: shared and repeated indices, windows, ragged sums,
data as an index, ties, guards, recurrences, undetermined functions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

from sympy import Expr, Integer, Mul, Rational, Symbol, diff, exp, sin, tanh

from derive.calculus.definition.define import define
from derive.calculus.expressions.nodes import IsZero, Opaque, Sum, VectorMap, Where
from derive.calculus.expressions.tensor import Axis, Index, Kind, Ref, Size, Tensor
from derive.calculus.program.program import Equation, Program, Recurrence
from derive.check.reader import Functions, Selectors
from derive.layers import convolution, dense, losses, normalisation, sequence, shape

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

MOVING_SUM = """
moving_sum(x[n]) -> y
    y[t<n-w+1] = sum_{u<w} x[t+u]
"""

CONVOLUTION_1D = """
conv1d(x[n], k[U]) -> y
    y[t<((n+2*p-r*(U-1)-1)//s)+1] = sum_{u} x[s*t+r*u-p] k[u]
"""

GLOBAL_MAX = """
global_max(X[m,n]) -> y
    y[i] = max_{q} X[i,q]
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
    "linear": dense.linear,
    "softmax": normalisation.softmax,
    "softmax_by_hand": _written(SOFTMAX),
    "layernorm": normalisation.layernorm,
    "batchnorm": normalisation.batchnorm,
    "batchnorm_eval": _written(BATCHNORM_EVAL, eps=Rational(1, 100000)),
    "causal_softmax": _written(CAUSAL_SOFTMAX),
    "causal_log_sum_exp": _written(CAUSAL_LOG_SUM_EXP),
    "cumulative_sum": sequence.cumulative_sum,
    "moving_sum": _written(MOVING_SUM, w=3),
    "conv_s2_d2_p1": partial(convolution.conv2d, stride=2, dilation=2, padding=1),
    "conv_s3_d2_p0": partial(convolution.conv2d, stride=3, dilation=2),
    "conv1d_s2_d2_p1": _written(CONVOLUTION_1D, s=2, r=2, p=1),
    "conv1d_s3_d2_p0": _written(CONVOLUTION_1D, s=3, r=2, p=0),
    "conv1d_s2_d3_p2": _written(CONVOLUTION_1D, s=2, r=3, p=2),
    "depthwise": partial(convolution.depthwise, stride=2, padding=1),
    "max_pool": partial(convolution.max_pool, height=3, width=2, stride=2, padding=1),
    "average_pool": partial(convolution.average_pool, height=3, width=2, stride=2, padding=1),
    "global_max": _written(GLOBAL_MAX),
    "embedding": dense.embedding,
    "concatenate": shape.concatenate,
    "reshape": shape.reshape,
    "flatten": shape.flatten,
    "transpose": shape.transpose,
    "pixel_shuffle": convolution.pixel_shuffle,
    "attention": sequence.attention,
    "attention_not_causal": partial(sequence.attention, causal=False),
    "attention_by_hand": _written(ATTENTION),
    "lstm": sequence.lstm,
    "elman": sequence.elman,
    "layers_recurrence": layers_recurrence,
    "vector_layers_recurrence": vector_layers_recurrence,
    "used_twice": _written(USED_TWICE),
    "inner_softmax": _written(INNER_SOFTMAX),
    "cross_entropy": losses.cross_entropy,
    "cross_entropy_by_hand": _written(CROSS_ENTROPY),
    "two_layer": _written(TWO_LAYER),
    "bilinear": dense.bilinear,
    "trace": _written(TRACE),
    "gram": _written(GRAM),
    "masked_mean": _written(MASKED_MEAN),
    "activations": _written(ACTIVATIONS),
}


def tanh_sigmoid_sine(selectors: Selectors, order: int) -> Callable[[Expr], Expr]:
    """sigma_i: tanh, the logistic function and sin in turn; its derivative of any order."""
    x = Symbol("x", real=True)
    laws = (tanh(x), 1 / (1 + exp(-x)), sin(x))
    derivative = diff(laws[int(selectors[0]) % 3], x, order)
    return lambda argument: derivative.subs(x, argument)


def softmax_map(selectors: Selectors, order: int) -> Callable[..., Expr]:
    """sigma_i(f)_j = exp(f_j)/sum_p exp(f_p); its partial by f_q is S_j ([j = q] - S_q), and by f_r as well
    S_j ([j = q] - S_q) ([j = r] - S_r) - S_j S_q ([q = r] - S_r).
    """
    assert order <= 2

    def component(j: Expr, vector: Callable[[Expr], Expr], extent: Expr) -> Expr:
        p = Index("place")
        return exp(vector(j)) / Sum(exp(vector(p)), (p, extent))

    def law(j: Expr, vector: Callable[[Expr], Expr], extent: Expr, *by: Expr) -> Expr:
        def gap(a: Expr, b: Expr) -> Expr:
            return Where(IsZero(a - b), 1, 0) - component(b, vector, extent)

        value = component(j, vector, extent)
        if len(by) < 2:
            return value * Mul(*(gap(j, q) for q in by))
        q, r = by
        return value * gap(j, q) * gap(j, r) - value * component(q, vector, extent) * gap(q, r)

    return law


UNDETERMINED: dict[str, Functions] = {
    "layers_recurrence": {"sigma": tanh_sigmoid_sine},
    "vector_layers_recurrence": {"sigma": softmax_map},
}
"""What stands for the undetermined functions in numbers."""

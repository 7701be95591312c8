"""h(X) = (X o C) W, the squared error summed, by hand: a regression with a fixed parameter C."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Params(NamedTuple):
    """C (n) fixed, W (n, k)."""

    C: Array
    W: Array


class Gradients(NamedTuple):
    """W (n, k)."""

    W: Array


def init(seed: int = 0, dtype: Any = np.float32, n: int = 3, k: int = 2) -> Params:
    return Params(np.full(n, 1 + seed, dtype), np.zeros((n, k), dtype))


def forward(p: Params, X: Array) -> tuple[Array, Array]:
    Z = X * p.C
    return Z @ p.W, Z


def predict(p: Params, X: Array) -> Array:
    return forward(p, X)[0]


def loss(p: Params, X: Array, Y: Array) -> tuple[Any, tuple[Array, Array]]:
    H, Z = forward(p, X)
    return np.sum((H - Y) ** 2), (H, Z)


def vjp(residuals: tuple[Array, Array], L_bar: Any, p: Params, X: Array, Y: Array) -> Gradients:
    H, Z = residuals
    return Gradients(Z.T @ (2 * L_bar * (H - Y)))


def sgd_step(p: Params, X: Array, Y: Array, lr: float, weight_decay: float = 0.0) -> Any:
    L, residuals = loss(p, X, Y)
    if not np.isfinite(L):
        raise FloatingPointError("loss is not finite")
    W_bar = vjp(residuals, X.dtype.type(1), p, X, Y).W
    p.W[...] -= p.W.dtype.type(lr) * (W_bar + p.W.dtype.type(weight_decay) * p.W)
    return L

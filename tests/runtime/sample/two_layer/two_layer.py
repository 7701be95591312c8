"""h(X) = relu(X W1) W2, softmax cross entropy, by hand: what the tests of the runtime load."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

NAME = "two_layer"
SIZES = {"n": 784, "d": 100, "k": 10}


class Params(NamedTuple):
    """W1 (n, d), W2 (d, k)."""

    W1: Array
    W2: Array


class Gradients(NamedTuple):
    """Of the same shapes."""

    W1: Array
    W2: Array


Residuals = tuple[Array, Array]


def mix(z: Array) -> Array:
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(seed: int, index: int, shape: tuple[int, int], scale: float, dtype: Any) -> Array:
    key = mix(mix(np.array([seed], np.uint64)) + np.uint64(index))
    element = np.arange(shape[0] * shape[1], dtype=np.uint64)
    u = (mix(key + np.uint64(16) * element) >> np.uint64(11)).astype(np.float64)
    return ((u - 2.0**52) * 2.0**-52 * scale).astype(dtype).reshape(shape)


def init(seed: int = 0, dtype: Any = np.float32, **sizes: int) -> Params:
    n, d, k = {**SIZES, **sizes}.values()
    return Params(
        uniform(seed, 0, (n, d), float(np.sqrt(6 / n)), dtype),
        uniform(seed, 1, (d, k), float(np.sqrt(6 / d)), dtype),
    )


def forward(p: Params, X: Array) -> tuple[Array, Array]:
    Z2 = np.maximum(X @ p.W1, 0)
    return Z2 @ p.W2, Z2


def loss(p: Params, X: Array, y: Array) -> tuple[Any, Residuals]:
    H, Z2 = forward(p, X)
    if y.min() < 0 or y.max() >= H.shape[1]:
        raise ValueError("label out of range")
    Z = H - H.max(axis=1, keepdims=True)
    E = np.exp(Z)
    T = E.sum(axis=1, keepdims=True)
    return np.mean(np.log(T[:, 0]) - Z[np.arange(len(y)), y]), (Z2, E / T)


def vjp(residuals: Residuals, L_bar: Any, p: Params, X: Array, y: Array) -> Gradients:
    Z2, S = residuals
    H_bar = S.copy()
    H_bar[np.arange(len(y)), y] -= 1
    H_bar *= L_bar / len(y)
    return Gradients(X.T @ ((H_bar @ p.W2.T) * (Z2 > 0)), Z2.T @ H_bar)


def gradients(p: Params, X: Array, y: Array) -> tuple[Any, Gradients]:
    L, residuals = loss(p, X, y)
    return L, vjp(residuals, X.dtype.type(1), p, X, y)


def jvp(p: Params, p_dot: Gradients, X: Array, y: Array) -> tuple[Any, Any]:
    L, (Z2, S) = loss(p, X, y)
    Z2_dot = (X @ p_dot.W1) * (Z2 > 0)
    H_dot = Z2_dot @ p.W2 + Z2 @ p_dot.W2
    return L, np.mean((S * H_dot).sum(axis=1) - H_dot[np.arange(len(y)), y])


def predict(p: Params, X: Array) -> Array:
    return forward(p, X)[0].argmax(axis=1).astype(np.int32)


def decayed(p: Params, X: Array, y: Array, weight_decay: float) -> tuple[Any, list[Array]]:
    with np.errstate(all="ignore"):
        L, g = gradients(p, X, y)
        if not (np.isfinite(L) and all(np.isfinite(bar).all() for bar in g)):
            raise FloatingPointError("loss or gradient is not finite")
    return L, [bar + bar.dtype.type(weight_decay) * w for w, bar in zip(p, g, strict=True)]


def sgd_step(p: Params, X: Array, y: Array, lr: float, weight_decay: float = 0.0) -> Any:
    L, g = decayed(p, X, y, weight_decay)
    for w, bar in zip(p, g, strict=True):
        w[...] -= w.dtype.type(lr) * bar
    return L


def momentum_step(
    p: Params, v: Gradients, X: Array, y: Array, lr: float, mu: float, weight_decay: float = 0.0
) -> Any:
    L, g = decayed(p, X, y, weight_decay)
    for w, velocity, bar in zip(p, v, g, strict=True):
        velocity[...] = w.dtype.type(mu) * velocity - w.dtype.type(lr) * bar
        w[...] += velocity
    return L


def averaged_step(
    p: Params, u: Gradients, X: Array, y: Array, lr: float, mu: float, weight_decay: float = 0.0
) -> Any:
    L, g = decayed(p, X, y, weight_decay)
    for w, average, bar in zip(p, u, g, strict=True):
        average[...] = w.dtype.type(mu) * average + w.dtype.type(1 - mu) * bar
        w[...] -= w.dtype.type(lr) * average
    return L


def trace(p: Params, X: Array, y: Array) -> Iterator[tuple[str, Array]]:
    A1 = X @ p.W1
    yield "A1", A1
    Z2 = np.maximum(A1, 0)
    yield "Z2", Z2
    yield "H", Z2 @ p.W2
    yield "L", np.asarray(loss(p, X, y)[0])

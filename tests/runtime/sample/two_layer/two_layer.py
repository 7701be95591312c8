"""h(X) = relu(X W1) W2, softmax cross entropy, by hand."""

from typing import NamedTuple

import numpy as np

NAME = "two_layer"
SIZES = {"n": 784, "d": 100, "k": 10}
MASK = 2**64 - 1


class Params(NamedTuple):
    W1: np.ndarray  # (n, d)
    W2: np.ndarray  # (d, k)


class Gradients(NamedTuple):
    W1: np.ndarray
    W2: np.ndarray


def mix(z):
    """The finaliser of SplitMix64."""
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(seed, index, shape, scale, dtype):
    key = mix(mix(np.array([seed], np.uint64)) + np.uint64(index))
    element = np.arange(np.prod(shape), dtype=np.uint64)
    u = (mix(key + np.uint64(16) * element) >> np.uint64(11)).astype(np.float64)
    return ((u - 2.0**52) * 2.0**-52 * scale).astype(dtype).reshape(shape)


def init(seed=0, dtype=np.float32, **sizes):
    n, d, k = {**SIZES, **sizes}.values()
    return Params(
        uniform(seed, 0, (n, d), np.sqrt(6 / n), dtype),
        uniform(seed, 1, (d, k), np.sqrt(6 / d), dtype),
    )


def forward(p, X):
    Z2 = np.maximum(X @ p.W1, 0)
    return Z2 @ p.W2, (Z2,)


def loss(p, X, y):
    H, (Z2,) = forward(p, X)
    if y.min() < 0 or y.max() >= H.shape[1]:
        raise ValueError("label out of range")
    with np.errstate(all="ignore"):
        Z = H - H.max(axis=1, keepdims=True)
        E = np.exp(Z)
        T = E.sum(axis=1, keepdims=True)
        L = np.mean(np.log(T[:, 0]) - Z[np.arange(len(y)), y])
    return L, (Z2, E / T)


def vjp(residuals, L_bar, p, X, y):
    Z2, S = residuals
    H_bar = S.copy()
    H_bar[np.arange(len(y)), y] -= 1
    H_bar *= L_bar / len(y)
    return Gradients(X.T @ ((H_bar @ p.W2.T) * (Z2 > 0)), Z2.T @ H_bar)


def gradients(p, X, y):
    L, residuals = loss(p, X, y)
    return L, vjp(residuals, X.dtype.type(1), p, X, y)


def jvp(p, p_dot, X, y):
    L, (Z2, S) = loss(p, X, y)
    Z2_dot = (X @ p_dot.W1) * (Z2 > 0)
    H_dot = Z2_dot @ p.W2 + Z2 @ p_dot.W2
    return L, np.mean((S * H_dot).sum(axis=1) - H_dot[np.arange(len(y)), y])


def predict(p, X):
    return forward(p, X)[0].argmax(axis=1).astype(np.int32)


def finite_gradients(p, X, y):
    with np.errstate(all="ignore"):
        L, g = gradients(p, X, y)
    if not (np.isfinite(L) and all(np.isfinite(w).all() for w in g)):
        raise FloatingPointError("loss or gradient is not finite")
    return L, g


def sgd_step(p, X, y, lr, weight_decay=0.0):
    L, g = finite_gradients(p, X, y)
    for w, bar in zip(p, g, strict=True):
        w -= w.dtype.type(lr) * (bar + w.dtype.type(weight_decay) * w)
    return L


def momentum_step(p, v, X, y, lr, mu, weight_decay=0.0):
    L, g = finite_gradients(p, X, y)
    for w, velocity, bar in zip(p, v, g, strict=True):
        velocity *= w.dtype.type(mu)
        velocity -= w.dtype.type(lr) * (bar + w.dtype.type(weight_decay) * w)
        w += velocity
    return L


def averaged_step(p, u, X, y, lr, mu, weight_decay=0.0):
    L, g = finite_gradients(p, X, y)
    for w, average, bar in zip(p, u, g, strict=True):
        average *= w.dtype.type(mu)
        average += w.dtype.type(1 - mu) * (bar + w.dtype.type(weight_decay) * w)
        w -= w.dtype.type(lr) * average
    return L


def trace(p, X, y):
    A1 = X @ p.W1
    yield "A1", A1
    Z2 = np.maximum(A1, 0)
    yield "Z2", Z2
    yield "H", Z2 @ p.W2
    yield "L", np.asarray(loss(p, X, y)[0])

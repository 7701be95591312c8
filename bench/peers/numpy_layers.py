"""Layers by hand in NumPy, in place where that is fast: for themselves and for the GPT."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bench.cases import ADAMW, NORM_EPSILON, Layer
from bench.data import Array, layer
from bench.peers.numpy_perceptron import cross_entropy

C0, C1 = np.float32((2 / np.pi) ** 0.5), np.float32(0.044715)
HALF = np.float32(0.5)


def normalised(x: Array, g: Array, b: Array, epsilon: float) -> tuple[Array, Array, Array]:
    """(x - mean) r g + b, r = (variance + epsilon)^(-1/2); also (x - mean) r, and r."""
    hat = x - x.mean(1, keepdims=True)
    squares = np.einsum("ij,ij->i", hat, hat)[:, None]
    r = 1 / np.sqrt(squares * np.float32(1 / x.shape[1]) + np.float32(epsilon))
    hat *= r
    return hat * g + b, hat, r


def normalised_pullback(bar: Array, g: Array, hat: Array, r: Array, g_bar: Array, b_bar: Array) -> Array:
    """r (G - mean(G) - hat mean(G hat)) with G = bar g; the parameters' cotangents are written."""
    np.sum(bar, 0, out=b_bar)
    np.einsum("ij,ij->j", bar, hat, out=g_bar)
    x_bar = bar * g
    dot = np.einsum("ij,ij->i", x_bar, hat)[:, None] * np.float32(1 / bar.shape[1])
    x_bar -= x_bar.mean(1, keepdims=True)
    x_bar -= hat * dot
    x_bar *= r
    return x_bar


def gelu(z: Array) -> tuple[Array, Array]:
    """z (1 + t)/2 with t = tanh(sqrt(2/pi) (z + 0.044715 z^3)); also t."""
    t = np.tanh(C0 * z * (1 + C1 * (z * z)))
    return HALF * z * (1 + t), t


def gelu_pullback(bar: Array, z: Array, t: Array) -> Array:
    """Written over the cotangent."""
    bar *= HALF * (1 + t) + HALF * z * (1 - t * t) * C0 * (1 + 3 * C1 * (z * z))
    return bar


def softmax(x: Array, out: Array) -> Array:
    """exp(x - max) over its sum, by rows."""
    np.subtract(x, x.max(1, keepdims=True), out=out)
    np.exp(out, out=out)
    out /= out.sum(1, keepdims=True)
    return out


def adamw(flat: Array, bar: Array, settings: Mapping[str, float]) -> Callable[[], None]:
    """The update of one flat vector in place, moments from zero. Loshchilov, Hutter, ICLR 2019."""
    first, second = np.zeros_like(flat), np.zeros_like(flat)
    update = adamw_from(flat, bar, first, second, settings)
    count = [0]

    def run() -> None:
        count[0] += 1
        update(count[0])

    return run


def adamw_from(
    flat: Array, bar: Array, first: Array, second: Array, settings: Mapping[str, float]
) -> Callable[[int], None]:
    """The t-th update, with the moments given."""
    spare = np.empty_like(flat)
    beta1, beta2, rate = settings["beta1"], settings["beta2"], settings["lr"]
    real = np.float32

    def update(t: int) -> None:
        np.multiply(first, real(beta1), out=first)
        np.multiply(bar, real(1 - beta1), out=spare)
        np.add(first, spare, out=first)
        np.multiply(second, real(beta2), out=second)
        np.multiply(bar, bar, out=spare)
        np.multiply(spare, real(1 - beta2), out=spare)
        np.add(second, spare, out=second)
        np.multiply(second, real(1 / (1 - beta2**t)), out=spare)
        np.sqrt(spare, out=spare)
        np.add(spare, real(settings["eps"]), out=spare)
        np.divide(first, spare, out=spare)
        np.multiply(spare, real(rate / (1 - beta1**t)), out=spare)
        np.multiply(flat, real(1 - rate * settings["weight_decay"]), out=flat)
        np.subtract(flat, spare, out=flat)

    return update


def layer_run(case: Layer) -> Callable[[], tuple[Array, ...]]:
    """One evaluation of a layer alone, into arrays that are kept."""
    return RUNS[case.network](layer(case), case.function == "vjp")


def _softmax(given: dict[str, Array], pulled: bool) -> Callable[[], tuple[Array, ...]]:
    out = np.empty_like(given["X"])

    def forward() -> tuple[Array, ...]:
        return (softmax(given["X"], out),)

    def vjp() -> tuple[Array, ...]:
        s, bar = softmax(given["X"], out), given["Y_bar"]
        return (s * (bar - np.einsum("ij,ij->i", bar, s)[:, None]),)

    return vjp if pulled else forward


def _layernorm(given: dict[str, Array], pulled: bool) -> Callable[[], tuple[Array, ...]]:
    x, g, b = given["X"], given["g"], given["b"]
    g_bar, b_bar = np.empty_like(g), np.empty_like(b)

    def forward() -> tuple[Array, ...]:
        return (normalised(x, g, b, NORM_EPSILON)[0],)

    def vjp() -> tuple[Array, ...]:
        _, hat, r = normalised(x, g, b, NORM_EPSILON)
        return normalised_pullback(given["Y_bar"], g, hat, r, g_bar, b_bar), g_bar, b_bar

    return vjp if pulled else forward


def _gelu(given: dict[str, Array], pulled: bool) -> Callable[[], tuple[Array, ...]]:
    x = given["X"]

    def forward() -> tuple[Array, ...]:
        return (gelu(x)[0],)

    def vjp() -> tuple[Array, ...]:
        return (gelu_pullback(given["Y_bar"].copy(), x, gelu(x)[1]),)

    return vjp if pulled else forward


def _cross_entropy(given: dict[str, Array], pulled: bool) -> Callable[[], tuple[Array, ...]]:
    x, labels = given["H"], given["y"]
    rows = np.arange(len(x))
    spare = np.empty_like(x)

    def forward() -> tuple[Array, ...]:
        np.subtract(x, x.max(1, keepdims=True), out=spare)
        chosen = spare[rows, labels]
        np.exp(spare, out=spare)
        return ((np.log(spare.sum(1)) - chosen).mean(),)

    def vjp() -> tuple[Array, ...]:
        spare[:] = x
        cross_entropy(spare, labels, rows)
        return (spare,)

    return vjp if pulled else forward


def _adamw(given: dict[str, Array], _: bool) -> Callable[[], tuple[Array, ...]]:
    arrays = given["W"], given["W_bar"], given["m"], given["v"]
    update = adamw_from(*arrays, ADAMW)

    def step() -> tuple[Array, ...]:
        update(1)
        return given["W"], given["m"], given["v"]

    return step


RUNS = {
    "softmax": _softmax,
    "layernorm": _layernorm,
    "gelu": _gelu,
    "cross_entropy": _cross_entropy,
    "adamw": _adamw,
}

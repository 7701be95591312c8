"""The networks in JAX: a loss of named parameters, and the optimizer's step on a state that is donated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bench.cases import ADAMW, NORM_EPSILON, RATE, Lenet, Perceptron, Transformer

Parameters = Mapping[str, Any]
Loss = Callable[[Parameters, Any, Any], Any]
Step = Callable[[Any, Any, Any], tuple[Any, Any]]


def cross_entropy(logits: Any, labels: Any) -> Any:
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1))


def normalised(h: Any, g: Any, b: Any) -> Any:
    centred = h - h.mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt(h.var(-1, keepdims=True) + NORM_EPSILON) * g + b


def perceptron_loss(case: Perceptron) -> Loss:
    depth = len(case.widths) - 1

    def loss(p: Parameters, x: Any, y: Any) -> Any:
        for layer in range(1, depth + 1):
            x = x @ p[f"W{layer}"]
            x = x + p[f"b{layer}"] if case.bias else x
            x = jnp.maximum(x, 0) if layer < depth else x
        return cross_entropy(x, y)

    return loss


def lenet_loss(case: Lenet) -> Loss:
    """Channels last and a pool by reshape: measured faster than channels first with reduce_window."""
    convolve = partial(
        jax.lax.conv_general_dilated, window_strides=(1, 1), dimension_numbers=("NHWC", "HWIO", "NHWC")
    )

    def pool(x: Any) -> Any:
        m, height, width, channels = x.shape
        return x.reshape(m, height // 2, 2, width // 2, 2, channels).max((2, 4))

    def loss(p: Parameters, x: Any, y: Any) -> Any:
        x = pool(jnp.maximum(convolve(x, p["K1"], padding=((2, 2), (2, 2))) + p["b1"], 0))
        x = pool(jnp.maximum(convolve(x, p["K2"], padding="VALID") + p["b2"], 0))
        x = x.transpose(0, 3, 1, 2).reshape(case.batch, -1)
        x = jnp.maximum(x @ p["W3"] + p["b3"], 0)
        x = jnp.maximum(x @ p["W4"] + p["b4"], 0)
        return cross_entropy(x @ p["W5"] + p["b5"], y)

    return loss


def gpt_loss(case: Transformer) -> Loss:
    head = case.width // case.heads
    causal = np.tril(np.ones((case.length, case.length), bool))

    def block(p: Parameters, layer: int, h: Any) -> Any:
        def norm(name: str, h: Any) -> Any:
            return normalised(h, p[f"{layer}.{name}_g"], p[f"{layer}.{name}_b"])

        def dense(name: str, u: Any) -> Any:
            return u @ p[f"{layer}.{name}_w"] + p[f"{layer}.{name}_b"]

        qkv = dense("qkv", norm("ln1", h))
        parts = qkv.reshape(case.batch, case.length, 3, case.heads, head).transpose(2, 0, 3, 1, 4)
        q, k, v = parts
        scores = jnp.where(causal, q @ k.swapaxes(-1, -2) * head**-0.5, -jnp.inf)
        heads = jax.nn.softmax(scores) @ v
        h = h + dense("proj", heads.transpose(0, 2, 1, 3).reshape(h.shape))
        return h + dense("down", jax.nn.gelu(dense("up", norm("ln2", h))))

    def loss(p: Parameters, x: Any, y: Any) -> Any:
        h = p["wte"][x] + p["wpe"]
        for layer in range(case.layers):
            h = block(p, layer, h)
        logits = normalised(h, p["lnf_g"], p["lnf_b"]) @ p["wte"].T
        return cross_entropy(logits.reshape(-1, case.vocabulary), y.reshape(-1))

    return loss


def sgd(loss: Loss) -> Step:
    """The state is the parameters."""

    def step(p: Any, x: Any, y: Any) -> tuple[Any, Any]:
        value, gradients = jax.value_and_grad(loss)(p, x, y)
        return jax.tree.map(lambda w, g: w - RATE * g, p, gradients), value

    return step


def adamw(p: Any, gradients: Any, moments: tuple[Any, Any], t: Any) -> tuple[Any, Any, Any]:
    """New parameters and moments of the t-th update."""
    beta1, beta2 = ADAMW["beta1"], ADAMW["beta2"]
    m = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, moments[0], gradients)
    v = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, moments[1], gradients)
    c1, c2 = 1 - beta1**t, 1 - beta2**t

    def updated(w: Any, m: Any, v: Any) -> Any:
        direction = m / c1 / (jnp.sqrt(v / c2) + ADAMW["eps"]) + ADAMW["weight_decay"] * w
        return w - ADAMW["lr"] * direction

    return jax.tree.map(updated, p, m, v), m, v


def with_adamw(loss: Loss) -> Step:
    """The state is the parameters, both moments and the count."""

    def step(state: Any, x: Any, y: Any) -> tuple[Any, Any]:
        p, m, v, t = state
        value, gradients = jax.value_and_grad(loss)(p, x, y)
        return (*adamw(p, gradients, (m, v), t + 1), t + 1), value

    return step

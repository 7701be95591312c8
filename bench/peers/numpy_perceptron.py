"""A perceptron's training step by hand in NumPy: buffers kept, everything in place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bench.cases import RATE, Perceptron
from bench.data import Array, Training, perceptron

Step = Callable[[Array, Array], float]


def cross_entropy(logits: Array, labels: Array, rows: Array) -> float:
    """The mean loss; the logits become its gradient."""
    logits -= logits.max(1, keepdims=True)
    chosen = logits[rows, labels]
    np.exp(logits, out=logits)
    total = logits.sum(1, keepdims=True)
    loss = (np.log(total[:, 0]) - chosen).mean()
    logits /= total
    logits[rows, labels] -= 1
    logits *= np.float32(1 / len(labels))
    return float(loss)


def perceptron_step(case: Perceptron) -> tuple[Training, Step]:
    """Z_{i+1} = relu(Z_i W_i + b_i); W_i -= rate Z_i' A_i_bar."""
    data = perceptron(case)
    depth, rate, rows = len(case.widths) - 1, np.float32(RATE), np.arange(case.batch)
    weights = [data.parameters[f"W{layer}"] for layer in range(1, depth + 1)]
    biases = [data.parameters[f"b{layer}"] for layer in range(1, depth + 1)] if case.bias else []
    outputs = [np.empty((case.batch, w.shape[1]), np.float32) for w in weights]
    weights_bar = [np.empty_like(w) for w in weights]
    outputs_bar = [np.empty_like(z) for z in outputs]

    def forward(layer: int, x: Array) -> Array:
        z = np.matmul(x, weights[layer], out=outputs[layer])
        if biases:
            z += biases[layer]
        if layer < depth - 1:
            np.maximum(z, 0, out=z)
        return z

    def backward(layer: int, x: Array, z_bar: Array) -> Array:
        np.matmul(x.T, z_bar, out=weights_bar[layer])
        x_bar = z_bar
        if layer:
            x_bar = np.matmul(z_bar, weights[layer].T, out=outputs_bar[layer - 1])
            x_bar *= x > 0
        weights_bar[layer] *= rate
        weights[layer] -= weights_bar[layer]
        if biases:
            biases[layer] -= rate * z_bar.sum(0)
        return x_bar

    def step(x: Array, labels: Array) -> float:
        z = x
        for layer in range(depth):
            z = forward(layer, z)
        loss = cross_entropy(z, labels, rows)
        for layer in reversed(range(depth)):
            z = backward(layer, outputs[layer - 1] if layer else x, z)
        return loss

    return data, step

"""The two-layer training step as an expert writes it by hand in NumPy: buffers kept, everything in place.

Bare, or `checked` as the emitted step is: labels are in range, and nothing is updated where the loss or a
gradient is not finite.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def two_layer_step(
    first: Array, second: Array, batch: int, checked: bool = False
) -> Callable[[Array, NDArray[np.int32], float], float]:
    """A step of plain SGD on h(X) = relu(X W1) W2 with softmax cross entropy; the weights change in place."""
    hidden = np.empty((batch, first.shape[1]), np.float32)
    logits = np.empty((batch, second.shape[1]), np.float32)
    hidden_bar = np.empty_like(hidden)
    first_bar, second_bar = np.empty_like(first), np.empty_like(second)
    rows = np.arange(batch)
    outer = np.dot if batch == 1 else np.matmul  # of one example matmul is five times slower

    def step(data: Array, labels: NDArray[np.int32], rate: float) -> float:
        if checked and (labels.min() < 0 or labels.max() >= second.shape[1]):
            raise ValueError("a label is out of range")
        np.matmul(data, first, out=hidden)
        np.maximum(hidden, 0, out=hidden)
        np.matmul(hidden, second, out=logits)
        loss = _cross_entropy(logits, labels, rows)
        outer(hidden.T, logits, out=second_bar)
        np.matmul(logits, second.T, out=hidden_bar)
        np.multiply(hidden_bar, hidden > 0, out=hidden_bar)
        outer(data.T, hidden_bar, out=first_bar)
        if checked and not _finite(loss, first_bar, second_bar):
            raise FloatingPointError("the loss or a gradient is not finite")
        for weight, gradient in ((first, first_bar), (second, second_bar)):
            np.multiply(gradient, np.float32(rate), out=gradient)
            np.subtract(weight, gradient, out=weight)
        return loss

    return step


def _finite(loss: float, *gradients: Array) -> bool:
    """A sum of squares is finite where every element is; the squares may overflow."""
    return bool(np.isfinite(loss)) and all(
        np.isfinite(np.vdot(gradient, gradient)) or np.isfinite(gradient).all() for gradient in gradients
    )


def _cross_entropy(logits: Array, labels: NDArray[np.int32], rows: NDArray[np.int64]) -> float:
    """The mean loss; the logits become its gradient."""
    logits -= logits.max(axis=1, keepdims=True)
    chosen = logits[rows, labels]
    np.exp(logits, out=logits)
    total = logits.sum(axis=1, keepdims=True)
    loss = (np.log(total[:, 0]) - chosen).mean()
    logits /= total
    logits[rows, labels] -= 1
    logits *= np.float32(1 / len(labels))
    return float(loss)

"""G1 to G9 of the lecture in NumPy, written by hand: loss and gradients, summed over the batch.

S is the softmax of the logits by rows, I_y the labels one-hot by rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Gradients = dict[str, Array]

Sigma = tuple[Callable[[Array], Array], Callable[[Array], Array]]

RELU: Sigma = (lambda a: np.maximum(a, 0), lambda a: np.where(a > 0, 1.0, 0.0))
SIGMOID: Sigma = (lambda a: 1 / (1 + np.exp(-a)), lambda a: np.exp(-a) / (1 + np.exp(-a)) ** 2)
TANH: Sigma = (np.tanh, lambda a: 1 - np.tanh(a) ** 2)
COS: Sigma = (np.cos, lambda a: -np.sin(a))
SOFTPLUS: Sigma = (lambda a: np.log1p(np.exp(a)), lambda a: 1 / (1 + np.exp(-a)))


def softmax(logits: Array) -> Array:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def cross_entropy(logits: Array, labels: Array) -> tuple[float, Array]:
    """The loss, and S - I_y (G1, G5)."""
    rows = np.arange(len(labels))
    probabilities = softmax(logits)
    loss = -np.log(probabilities[rows, labels]).sum()
    return float(loss), probabilities - np.eye(logits.shape[1])[labels]


def softmax_regression(t: Mapping[str, Array]) -> tuple[float, Gradients]:
    """G2: X^T (S - I_y)."""
    loss, error = cross_entropy(t["X"] @ t["Theta"], t["y"])
    return loss, {"Theta": t["X"].T @ error}


def feature_regression(t: Mapping[str, Array]) -> tuple[float, Gradients]:
    """G2 on the features phi(x) = (x, x^2)."""
    features = np.concatenate([t["X"], t["X"] ** 2], axis=1)
    return softmax_regression({**t, "X": features})


def linear_features(t: Mapping[str, Array]) -> tuple[float, Gradients]:
    """H3: Theta by (X W)^T (S - I_y), W by X^T (S - I_y) Theta^T."""
    loss, error = cross_entropy(t["X"] @ t["W"] @ t["Theta"], t["y"])
    return loss, {"W": t["X"].T @ error @ t["Theta"].T, "Theta": (t["X"] @ t["W"]).T @ error}


def random_features(t: Mapping[str, Array]) -> tuple[float, Gradients]:
    """G9: cos(X W)^T (S - I_y), none for W."""
    return softmax_regression({**t, "X": np.cos(t["X"] @ t["W"])})


def two_layer(t: Mapping[str, Array], sigma: Sigma) -> tuple[float, Gradients]:
    """G3 and G4."""
    value, slope = sigma
    hidden = t["X"] @ t["W1"]
    loss, error = cross_entropy(value(hidden) @ t["W2"], t["y"])
    return loss, {
        "W1": t["X"].T @ ((error @ t["W2"].T) * slope(hidden)),
        "W2": value(hidden).T @ error,
    }


def perceptron(t: Mapping[str, Array], depth: int, bias: bool) -> tuple[float, Gradients]:
    """G5 to G8, every sigma_i a rectifier and the last the identity."""
    value, slope = RELU
    layers, products = [t["X"]], []
    for i in range(1, depth + 1):
        products.append(layers[-1] @ t[f"W{i}"] + (t[f"b{i}"] if bias else 0))
        layers.append(value(products[-1]) if i < depth else products[-1])
    loss, error = cross_entropy(layers[-1], t["y"])
    gradients: Gradients = {}
    for i in range(depth, 0, -1):
        inner = error * (slope(products[i - 1]) if i < depth else 1)
        gradients[f"W{i}"] = layers[i - 1].T @ inner
        if bias:
            gradients[f"b{i}"] = inner.T @ np.ones(len(inner))
        error = inner @ t[f"W{i}"].T
    return loss, gradients


def residual(t: Mapping[str, Array]) -> tuple[float, Gradients]:
    """H8: the shared U gathers two terms, Z2 two paths."""
    value, slope = RELU
    a1 = t["X"] @ t["W1"]
    z2 = value(a1)
    a2 = z2 @ t["U"]
    z3 = value(a2)
    a3 = z3 @ t["U"]
    z4 = value(a3) + z2
    loss, error = cross_entropy(z4 @ t["W2"] + t["X"] @ t["V"], t["y"])
    z4_bar = error @ t["W2"].T
    a3_bar = z4_bar * slope(a3)
    a2_bar = (a3_bar @ t["U"].T) * slope(a2)
    a1_bar = (a2_bar @ t["U"].T + z4_bar) * slope(a1)
    return loss, {
        "W1": t["X"].T @ a1_bar,
        "U": z2.T @ a2_bar + z3.T @ a3_bar,
        "W2": z4.T @ error,
        "V": t["X"].T @ error,
    }


def curve(t: Mapping[str, Array]) -> tuple[float, Gradients]:
    """Half the squared error of tanh(X W1 + b1) W2 + b2."""
    hidden = np.tanh(t["X"] @ t["W1"] + t["b1"])
    error = hidden @ t["W2"] + t["b2"] - t["Y"]
    inner = (error @ t["W2"].T) * (1 - hidden**2)
    gradients = {"W1": t["X"].T @ inner, "W2": hidden.T @ error, "b1": inner.sum(0), "b2": error.sum(0)}
    return float((error**2).sum() / 2), gradients


BY_HAND: dict[str, Callable[[Mapping[str, Array]], tuple[float, Gradients]]] = {
    "softmax_regression": softmax_regression,
    "feature_regression": feature_regression,
    "linear_features": linear_features,
    "random_features": random_features,
    "two_layer": lambda t: two_layer(t, RELU),
    "two_layer_sigmoid": lambda t: two_layer(t, SIGMOID),
    "two_layer_tanh": lambda t: two_layer(t, TANH),
    "two_layer_cos": lambda t: two_layer(t, COS),
    "two_layer_softplus": lambda t: two_layer(t, SOFTPLUS),
    "three_layer": lambda t: perceptron(t, 3, bias=False),
    "three_layer_bias": lambda t: perceptron(t, 3, bias=True),
    "tiny": lambda t: perceptron(t, 2, bias=True),
    "residual": residual,
    "curve": curve,
}

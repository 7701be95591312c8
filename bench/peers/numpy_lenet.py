"""LeNet's training step by hand in NumPy: channels last, im2col, the first maximum takes the gradient."""

from __future__ import annotations

import numpy as np

from bench.cases import RATE, Lenet
from bench.data import Array, Training, lenet
from bench.peers.numpy_perceptron import Step, cross_entropy

CORNERS = ((0, 0), (0, 1), (1, 0), (1, 1))


def columns(image: Array) -> Array:
    """(m, h, w, c) -> rows (example, place), columns (u, v, c)."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (5, 5), (1, 2))
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 25 * image.shape[3])


def pooled(z: Array) -> tuple[Array, Array]:
    """The maximum of each 2 x 2, and the view that it was taken of."""
    m, height, width, channels = z.shape
    q = z.reshape(m, height // 2, 2, width // 2, 2, channels)
    upper = np.maximum(q[:, :, 0, :, 0], q[:, :, 0, :, 1])
    return np.maximum(upper, np.maximum(q[:, :, 1, :, 0], q[:, :, 1, :, 1])), q


def unpooled(bar: Array, most: Array, q: Array, shape: tuple[int, ...]) -> Array:
    """Back through the pooling and the rectifier before it."""
    q_bar = np.zeros_like(q)
    left = most > 0
    for u, v in CORNERS:
        hit = (q[:, :, u, :, v] == most) & left
        q_bar[:, :, u, :, v] = bar * hit
        left &= ~hit
    return q_bar.reshape(-1, shape[-1])


def convolved(image: Array, kernel: Array, bias: Array) -> tuple[Array, Array]:
    """relu(image * kernel + bias), and the columns of the image."""
    rows = columns(image)
    m, height, width, _ = image.shape
    z = (rows @ kernel).reshape(m, height - 4, width - 4, -1)
    z += bias
    return np.maximum(z, 0, out=z), rows


def rectified(x: Array, weight: Array, bias: Array) -> Array:
    """relu(x W + b)."""
    z = x @ weight
    z += bias
    return np.maximum(z, 0, out=z)


def spread(rows_bar: Array, shape: tuple[int, ...]) -> Array:
    """The cotangent of the image whose columns these are of."""
    m, height, width, channels = shape
    rows_bar = rows_bar.reshape(m, height - 4, width - 4, 5, 5, channels)
    image_bar = np.zeros(shape, np.float32)
    for u in range(5):
        for v in range(5):
            image_bar[:, u : u + height - 4, v : v + width - 4] += rows_bar[:, :, :, u, v]
    return image_bar


def channels_last(given: Training) -> dict[str, Array]:
    """Kernels as (25 in, out); the rows of W3 as the features lie here."""
    p = dict(given.parameters)
    one, two = len(p["K1"]), len(p["K2"])
    p["K1"] = p["K1"].transpose(2, 3, 1, 0).reshape(25, one).copy()
    p["K2"] = p["K2"].transpose(2, 3, 1, 0).reshape(25 * one, two).copy()
    p["W3"] = p["W3"].reshape(two, 5, 5, 120).transpose(1, 2, 0, 3).reshape(25 * two, 120).copy()
    return p


def lenet_step(case: Lenet) -> tuple[Training, Step]:
    """Convolution, pooling, convolution, pooling, three dense layers; plain SGD."""
    data = lenet(case)
    p = channels_last(data)
    rate, rows = np.float32(RATE), np.arange(case.batch)

    def step(x: Array, labels: Array) -> float:
        padded = np.zeros((case.batch, 32, 32, 1), np.float32)
        padded[:, 2:30, 2:30, 0] = x[:, 0]
        z1, columns1 = convolved(padded, p["K1"], p["b1"])
        h1, q1 = pooled(z1)
        z2, columns2 = convolved(h1, p["K2"], p["b2"])
        h2, q2 = pooled(z2)
        features = h2.reshape(case.batch, case.features)
        z3 = rectified(features, p["W3"], p["b3"])
        z4 = rectified(z3, p["W4"], p["b4"])
        bar = z4 @ p["W5"]
        bar += p["b5"]
        loss = cross_entropy(bar, labels, rows)
        gradients = {"W5": z4.T @ bar, "b5": bar.sum(0)}
        bar = (bar @ p["W5"].T) * (z4 > 0)
        gradients |= {"W4": z3.T @ bar, "b4": bar.sum(0)}
        bar = (bar @ p["W4"].T) * (z3 > 0)
        gradients |= {"W3": features.T @ bar, "b3": bar.sum(0)}
        z2_bar = unpooled((bar @ p["W3"].T).reshape(h2.shape), h2, q2, z2.shape)
        gradients |= {"K2": columns2.T @ z2_bar, "b2": z2_bar.sum(0)}
        z1_bar = unpooled(spread(z2_bar @ p["K2"].T, h1.shape), h1, q1, z1.shape)
        gradients |= {"K1": columns1.T @ z1_bar, "b1": z1_bar.sum(0)}
        for name, gradient in gradients.items():
            np.multiply(gradient, rate, out=gradient)
            p[name] -= gradient
        return loss

    return data, step

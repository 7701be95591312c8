"""LeNet by hand: windows, their maxima and dense layers, forward and back.

The cotangent of a maximum goes to where it was taken, through the rectifier to what is above 0.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tests.by_hand.lecture import Array, Gradients, cross_entropy

windows = np.lib.stride_tricks.sliding_window_view


def lenet(t: Mapping[str, Array]) -> tuple[float, Gradients]:
    """Sum of the losses of a batch, and its gradients."""
    padded = np.pad(t["X"], ((0, 0), (0, 0), (2, 2), (2, 2)))
    z1, p1 = _stage(padded, t["K1"], t["b1"])
    z2, p2 = _stage(p1, t["K2"], t["b2"])
    f = p2.reshape(len(p2), -1)
    z3 = np.maximum(f @ t["W3"] + t["b3"], 0)
    z4 = np.maximum(z3 @ t["W4"] + t["b4"], 0)
    loss, bar = cross_entropy(z4 @ t["W5"] + t["b5"], t["y"])
    g = {"W5": z4.T @ bar, "b5": bar.sum(0)}
    bar = (bar @ t["W5"].T) * (z4 > 0)
    g |= {"W4": z3.T @ bar, "b4": bar.sum(0)}
    bar = (bar @ t["W4"].T) * (z3 > 0)
    g |= {"W3": f.T @ bar, "b3": bar.sum(0)}
    bar = _unpooled((bar @ t["W3"].T).reshape(p2.shape), z2, p2)
    g |= {"K2": _kernel_bar(p1, bar), "b2": bar.sum((0, 2, 3))}
    bar = _unpooled(_picture_bar(bar, t["K2"]), z1, p1)
    g |= {"K1": _kernel_bar(padded, bar), "b1": bar.sum((0, 2, 3))}
    return loss, g


def _stage(x: Array, kernel: Array, bias: Array) -> tuple[Array, Array]:
    seen = windows(x, kernel.shape[2:], (2, 3))
    a = np.einsum("echwuv,ocuv->eohw", seen, kernel) + bias[:, None, None]
    z = np.maximum(a, 0)
    e, o, h, w = z.shape
    return z, z.reshape(e, o, h // 2, 2, w // 2, 2).max((3, 5))


def _unpooled(bar: Array, z: Array, p: Array) -> Array:
    spread = bar.repeat(2, 2).repeat(2, 3)
    return spread * (z == p.repeat(2, 2).repeat(2, 3)) * (z > 0)


def _kernel_bar(x: Array, bar: Array) -> Array:
    return np.einsum("echwuv,eouv->ochw", windows(x, bar.shape[2:], (2, 3)), bar)


def _picture_bar(bar: Array, kernel: Array) -> Array:
    u, v = kernel.shape[2:]
    padded = np.pad(bar, ((0, 0), (0, 0), (u - 1, u - 1), (v - 1, v - 1)))
    return np.einsum("eohwuv,ocuv->echw", windows(padded, (u, v), (2, 3)), kernel[:, :, ::-1, ::-1])

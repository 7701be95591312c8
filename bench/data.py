"""What every contestant is given: the same initial parameters, the same batches, filled beforehand.

Untouched zero pages are one physical page under many addresses and would flatter or hurt a kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cases import BATCHES, Contraction, Layer, Lenet, Perceptron, Recurrent, Transformer

Array = NDArray[Any]


@dataclass(frozen=True)
class Training:
    """Parameters by the peers' names, and the batches (X, y) that the steps visit in turn."""

    parameters: Mapping[str, Array]
    inputs: list[Array]
    labels: list[Array]


def perceptron(case: Perceptron) -> Training:
    """W (n, d) normal with variance 2/n, b (d) zero."""
    rng = np.random.default_rng(0)
    inputs = [_normal(rng, 1.0, case.batch, case.widths[0]) for _ in range(BATCHES)]
    labels = [rng.integers(0, case.widths[-1], case.batch) for _ in range(BATCHES)]
    parameters = {
        f"W{layer}": _normal(rng, (2 / rows) ** 0.5, rows, columns)
        for layer, (rows, columns) in enumerate(pairwise(case.widths), 1)
    }
    if case.bias:
        for layer, width in enumerate(case.widths[1:], 1):
            parameters[f"b{layer}"] = np.zeros(width, np.float32)
    return Training(parameters, inputs, labels)


def lenet(case: Lenet) -> Training:
    """Kernels (out, in, 5, 5) and weights (n, d), normal with variance 2 over the inputs."""
    rng = np.random.default_rng(0)
    inputs = [_normal(rng, 1.0, case.batch, 1, 28, 28) for _ in range(BATCHES)]
    labels = [rng.integers(0, 10, case.batch) for _ in range(BATCHES)]
    one, two = case.maps
    shapes = {
        "K1": ((one, 1, 5, 5), 25),
        "K2": ((two, one, 5, 5), 25 * one),
        "W3": ((case.features, 120), case.features),
        "W4": ((120, 84), 120),
        "W5": ((84, 10), 84),
    }
    parameters = {name: _normal(rng, (2 / reads) ** 0.5, *shape) for name, (shape, reads) in shapes.items()}
    widths = {"b1": one, "b2": two, "b3": 120, "b4": 84, "b5": 10}
    return Training(parameters | {n: np.zeros(w, np.float32) for n, w in widths.items()}, inputs, labels)


def gpt(case: Transformer) -> Training:
    """Every matrix normal with deviation 0.02; a layer's parameters have its number before a dot."""
    rng = np.random.default_rng(0)
    d = case.width

    def matrix(*shape: int) -> Array:
        return _normal(rng, 0.02, *shape)

    def norm(name: str) -> dict[str, Array]:
        return {f"{name}_g": np.ones(d, np.float32), f"{name}_b": np.zeros(d, np.float32)}

    parameters = {"wte": matrix(case.vocabulary, d), "wpe": matrix(case.length, d), **norm("lnf")}
    for layer in range(case.layers):
        own = norm("ln1")
        for name, rows, columns in (("qkv", d, 3 * d), ("proj", d, d)):
            own |= {f"{name}_w": matrix(rows, columns), f"{name}_b": np.zeros(columns, np.float32)}
        own |= norm("ln2")
        for name, rows, columns in (("up", d, 4 * d), ("down", 4 * d, d)):
            own |= {f"{name}_w": matrix(rows, columns), f"{name}_b": np.zeros(columns, np.float32)}
        parameters |= {f"{layer}.{name}": array for name, array in own.items()}
    tokens = [rng.integers(0, case.vocabulary, (case.batch, case.length + 1)) for _ in range(BATCHES)]
    return Training(parameters, [t[:, :-1].copy() for t in tokens], [t[:, 1:].copy() for t in tokens])


def recurrent(case: Recurrent) -> Training:
    """Each gate's matrices (n, d) and (d, d), normal with variance 1/d; biases zero."""
    rng = np.random.default_rng(0)
    n, d, k = case.width, case.hidden, case.classes
    inputs = [_normal(rng, 1.0, case.batch, case.length, n) for _ in range(BATCHES)]
    labels = [rng.integers(0, k, case.batch) for _ in range(BATCHES)]
    shapes = {"W": (4, n, d), "U": (4, d, d), "V": (d, k)}
    parameters = {name: _normal(rng, d**-0.5, *shape) for name, shape in shapes.items()}
    biases = {"b": np.zeros((4, d), np.float32), "c": np.zeros(k, np.float32)}
    return Training(parameters | biases, inputs, labels)


def training(case: Perceptron | Lenet | Transformer | Recurrent) -> Training:
    """The data of a network's case."""
    if isinstance(case, Perceptron):
        return perceptron(case)
    if isinstance(case, Recurrent):
        return recurrent(case)
    return lenet(case) if isinstance(case, Lenet) else gpt(case)


def contraction(case: Contraction) -> tuple[Array, Array]:
    """A and B as they lie in memory: (k, m) where A is transposed, (n, k) where B is."""
    rng = np.random.default_rng(0)
    first = (case.k, case.m) if case.form[0] == "T" else (case.m, case.k)
    second = (case.n, case.k) if case.form[1] == "T" else (case.k, case.n)
    return _normal(rng, 1.0, *first), _normal(rng, 1.0, *second)


def layer(case: Layer) -> dict[str, Array]:
    """The inputs of a layer by our names, in the order of its definition; cotangents last."""
    rng = np.random.default_rng(0)
    rows, width = case.batch, case.width
    if case.network == "adamw":
        arrays = {name: _normal(rng, 1.0, width) for name in ("W", "W_bar", "m")}
        return arrays | {"v": np.abs(_normal(rng, 1.0, width))}
    if case.network == "cross_entropy":
        labels = rng.integers(0, width, rows).astype(np.int32)
        return {"H": _normal(rng, 1.0, rows, width), "y": labels}
    arrays = {"X": _normal(rng, 1.0, rows, width)}
    if case.network == "layernorm":
        arrays |= {"g": _normal(rng, 1.0, width), "b": _normal(rng, 1.0, width)}
    return arrays | ({"Y_bar": _normal(rng, 1.0, rows, width)} if case.function == "vjp" else {})


def _normal(rng: np.random.Generator, deviation: float, *shape: int) -> Array:
    return (rng.standard_normal(shape) * deviation).astype(np.float32)

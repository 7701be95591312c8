"""Each example's own gradient: what a batch of it alone gives, and together the batch's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from derive.calculus.definition.define import define
from derive.calculus.derivation.examples import Coupled
from derive.calculus.derivation.per_example import per_example
from derive.calculus.derivation.seeds import with_unit_seeds
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.tensor import Kind
from derive.calculus.program.program import Program
from derive.check.arithmetic import Array
from derive.check.evaluate import evaluate
from derive.check.oracles import Point
from derive.layers.registry import layer
from derive.networks.registry import NETWORKS, network

SIZES = {
    "m": 4,
    "n": 3,
    "d": 5,
    "k": 3,
    "d1": 4,
    "d2": 5,
    "T": 3,
    "c": 2,
    "H": 6,
    "W": 5,
    "U": 2,
    "V": 2,
    "o": 2,
    "a": 1,
    "b": 2,
    "o1": 3,
    "o2": 2,
    "L": 2,
    "h": 2,
    "e": 3,
    "f": 4,
    "v": 6,  # pictures, sequences
}
LAYERS = ("linear", "bilinear", "layernorm", "conv2d", "depthwise", "lstm", "elman")
# parameters that make parameters, a term that is nobody's under a mean, a loss of a loss
SHARED = define(
    """shared(X[m,n], V[n,n], W[n,d], integer y[m]) -> L
    U[p,j] = sum_{q} V[p,q] tanh(W[q,j])
    H[i,j] = sum_{p} X[i,p] U[p,j]
    S[i,j] = exp(H[i,j])/sum_{q} exp(H[i,q])
    D = mean_{i} -log(S[i,y[i]])
    L = 3 D + sum_{p,j} W[p,j]^2/10"""
)


def losses(name: str) -> tuple[Program, tuple[str, ...], str]:
    if name == "shared":
        return SHARED, ("V", "W"), "mean"
    net = network(name)
    return replace(net.program, outputs=(net.loss,)), net.trained, net.reduction


def gradient(program: Program, wrt: tuple[str, ...], point: Point) -> dict[str, Array]:
    pullback = with_unit_seeds(vjp(program, wrt), [name + "_bar" for name in program.outputs])
    return evaluate(pullback, point.inputs, point.sizes)


def alone(program: Program, point: Point, example: int) -> Point:
    """The point of a batch that holds one example."""
    batched = {t.name for t in program.inputs if t.axes and t.axes[0].name == "m"}
    inputs = {
        name: value[example : example + 1] if name in batched else value
        for name, value in point.inputs.items()
    }
    return replace(point, inputs=inputs, sizes={**point.sizes, "m": 1})


@pytest.mark.parametrize("name", [*NETWORKS, "shared"])
def test_each_is_the_gradient_of_a_batch_of_one(name: str) -> None:
    program, wrt, _ = losses(name)
    point = Point.drawn(program, 1, SIZES)
    found = evaluate(per_example(program, wrt, unit=True), point.inputs, point.sizes)
    for example in range(SIZES["m"]):
        expected = gradient(program, wrt, alone(program, point, example))
        for each in wrt:
            error = found[f"{each}_bar"][example] - expected[f"{each}_bar"]
            assert np.linalg.norm(error) <= 1e-13 * np.linalg.norm(expected[f"{each}_bar"])


@pytest.mark.parametrize("name", [*NETWORKS, "shared"])
def test_their_mean_is_the_gradient_of_the_batch(name: str) -> None:
    program, wrt, reduction = losses(name)
    assert reduction == "mean"
    point = Point.drawn(program, 2, SIZES)
    found = evaluate(per_example(program, wrt, unit=True), point.inputs, point.sizes)
    expected = gradient(program, wrt, point)
    for each in wrt:
        error = found[f"{each}_bar"].mean(axis=0) - expected[f"{each}_bar"]
        assert np.linalg.norm(error) <= 1e-13 * np.linalg.norm(expected[f"{each}_bar"])


@pytest.mark.parametrize("name", LAYERS)
def test_of_a_layer_they_add_up_to_the_pullback(name: str) -> None:
    program = layer(name)
    point = Point.drawn(program, 0, SIZES)
    own, whole = per_example(program), vjp(program)
    found, expected = point.evaluated(own), point.evaluated(whole)
    kept = {t.name for t in program.inputs if "m" in [axis.name for axis in t.axes]}
    for tensor in program.inputs:
        if tensor.kind is Kind.REAL:
            bar = found[f"{tensor.name}_bar"]
            total = bar if tensor.name in kept else bar.sum(axis=0)
            assert np.shape(bar)[0] == SIZES["m"] or tensor.name in kept
            error = np.linalg.norm(total - expected[f"{tensor.name}_bar"])
            assert error <= 1e-13 * np.linalg.norm(expected[f"{tensor.name}_bar"]), tensor.name


def test_a_sum_of_losses_has_their_sum() -> None:
    program = define("total(X[m,n], W[n]) -> L\n    Z[i] = sum_{p} X[i,p] W[p]\n    L = sum_{i} Z[i]^3")
    point = Point.drawn(program, 0)
    found = evaluate(per_example(program, ("W",), unit=True), point.inputs, point.sizes)["W_bar"]
    expected = gradient(program, ("W",), point)["W_bar"]
    assert np.allclose(found.sum(axis=0), expected, rtol=1e-13, atol=0)


def test_no_sum_over_examples_is_formed() -> None:
    program, wrt, _ = losses("two_layer")
    (bar,) = per_example(program, wrt, unit=True).defining("W1_bar")
    assert str(bar.target) == "W1_bar[i,p,j]"
    assert str(bar.value) == "A1_bar[i,j]*X[i,p]"


REFUSED = {
    "a statistic of the batch": (
        layer("batchnorm"),
        "batchnorm: mu sums over the examples and C of each reads it",
    ),
    "no axis of examples": (layer("attention"), "attention has no axis m of examples"),
    "another example": (
        define("shifted(X[m], W) -> Y\n    Y[i<m] = where(i >= 1, X[i-1], 0) W"),
        "reads X.* which is of another example",
    ),
    "pairs of examples": (
        define("gram(X[m,n], W[n]) -> G\n    G[i,j] = sum_{p} X[i,p] W[p] X[j,p]"),
        "relates the examples of axis m to each other",
    ),
    "a recurrence over examples": (
        define("run(X[m], W) -> H\n    H[0] = W\n    for t < m:\n        H[t+1] = W H[t] + X[t]"),
        "an axis of H .* mixes the examples of axis m",
    ),
    "a function of the mean": (
        define("root(X[m], W) -> L\n    D = mean_{i} (X[i] W)^2\n    L = sqrt(D)"),
        "L is not linear in D, which sums over the examples",
    ),
    "the number of examples": (
        define("scaled(X[m], W) -> L\n    R[i] = X[i] W/m\n    L = sum_{i} R[i]^2"),
        "R depends on the number of examples, m",
    ),
    "a term that is nobody's": (
        define("decay(X[m], W) -> L\n    L = sum_{i} (X[i] W)^2 + W^2"),
        "the terms of the loss weigh an example differently, 1 in L and 1/m in L",
    ),
    "a product of sums": (
        define("square(X[m], W) -> L\n    L = (sum_{i} X[i] W) (sum_{i} X[i]^2 W)"),
        "L is no sum over the examples",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_couples_examples_is_refused_by_name(case: str) -> None:
    program, reason = REFUSED[case]
    with pytest.raises(Coupled, match=reason):
        per_example(program)

"""H1 to H8: every derived gradient against the lecture's formula, at random unequal sizes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.tensor import Kind
from derive.calculus.program.network import Network
from derive.check.evaluate import evaluate
from derive.networks.classifiers import two_layer
from derive.networks.registry import NETWORKS, network
from tests.by_hand.lecture import BY_HAND

ELSEWHERE = ("lenet", "gpt")  # tests/networks/test_by_hand.py
SIZES = {"m": 7, "n": 5, "d": 6, "k": 4, "d1": 3, "d2": 8}


def drawn(net: Network, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Random tensors for every input of a network."""
    values = {}
    for tensor in net.program.inputs:
        shape = tuple(
            int(a.size.xreplace({s: SIZES[str(s)] for s in a.size.free_symbols})) for a in tensor.axes
        )
        integer = tensor.kind is Kind.INTEGER
        values[tensor.name] = rng.integers(0, SIZES["k"], shape) if integer else rng.normal(size=shape)
    return values


def test_every_network_has_a_formula_by_hand() -> None:
    assert {*BY_HAND, *ELSEWHERE} == set(NETWORKS)


@pytest.mark.parametrize("name", BY_HAND)
def test_gradients_equal_the_hand_formula(name: str, rng: np.random.Generator) -> None:
    net = network(name)
    values = drawn(net, rng)
    joint = vjp(replace(net.program, outputs=(net.loss,)), net.trained)
    arrays = evaluate(joint, {**values, "L_bar": np.float64(1)})
    loss, gradients = BY_HAND[name](values)
    assert set(gradients) == set(net.trained)
    np.testing.assert_allclose(float(arrays["L"]), loss / SIZES["m"], rtol=1e-13)
    for parameter, gradient in gradients.items():
        got = np.asarray(arrays[f"{parameter}_bar"], dtype=float) * SIZES["m"]
        assert np.linalg.norm(got - gradient) <= 1e-12 * np.linalg.norm(gradient), parameter


def test_a_network_may_sum_over_its_batch(rng: np.random.Generator) -> None:
    net = two_layer(reduction="sum")
    values = drawn(net, rng)
    joint = vjp(replace(net.program, outputs=(net.loss,)), net.trained)
    arrays = evaluate(joint, {**values, "L_bar": np.float64(1)})
    loss, gradients = BY_HAND["two_layer"](values)
    np.testing.assert_allclose(float(arrays["L"]), loss, rtol=1e-13)
    np.testing.assert_allclose(np.asarray(arrays["W1_bar"], dtype=float), gradients["W1"], rtol=1e-10)

"""LeNet and GPT: derived gradients against the formulas by hand, at small unequal sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from derive.calculus.derivation.vjp import vjp
from derive.check.evaluate import evaluate
from derive.check.sampling import random_inputs
from derive.networks.registry import network
from tests.by_hand.convolutional import lenet
from tests.by_hand.language_model import gpt
from tests.by_hand.lecture import Array, Gradients

Formula = Callable[[Mapping[str, Array]], tuple[float, Gradients]]
SIZES = {
    "lenet": {"m": 3, "c": 2, "a": 1, "b": 2, "o1": 3, "o2": 4, "d1": 6, "d2": 5, "k": 7},
    "gpt": {"m": 2, "L": 3, "d": 8, "h": 2, "e": 5, "f": 7, "T": 4, "v": 6},
}


def mean(formula: Formula) -> Formula:
    """Of a formula of the batch's sum."""

    def averaged(t: Mapping[str, Array]) -> tuple[float, Gradients]:
        total, g = formula(t)
        return total / len(t["y"]), {name: value / len(t["y"]) for name, value in g.items()}

    return averaged


@pytest.mark.parametrize(("name", "formula"), [("lenet", mean(lenet)), ("gpt", gpt)])
def test_gradients_equal_the_hand_formula(name: str, formula: Formula) -> None:
    net = network(name)
    program = replace(net.program, outputs=(net.loss,))
    values = random_inputs(program, SIZES[name], 3)
    if "W5" in values:
        values["W5"] *= 0.01  # logits near 1, behind every kink
    found = evaluate(vjp(program, net.trained), {**values, f"{net.loss}_bar": np.float64(1)}, SIZES[name])
    loss, gradients = formula(values)
    assert set(gradients) == set(net.trained)
    np.testing.assert_allclose(float(found[net.loss]), loss, rtol=1e-12)
    for parameter, gradient in gradients.items():
        got = np.asarray(found[f"{parameter}_bar"], dtype=float)
        assert np.linalg.norm(got - gradient) <= 1e-11 * np.linalg.norm(gradient), parameter

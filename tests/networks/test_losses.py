"""The losses that NumPy by hand, PyTorch and JAX have at steps 1 and 10, from the same start and batches.

LeNet by gradient descent at 0.01, GPT by AdamW: one decimal more than the five that must agree.
"""

from __future__ import annotations

import numpy as np
import pytest

from derive.runtime.buffers import Array
from tests.networks.conftest import Loader

BATCHES = 8
BACKENDS = ["numpy", pytest.param("c", marks=pytest.mark.compiler)]
Batch = tuple[Array, Array]


def lenet_data() -> tuple[dict[str, Array], list[Batch]]:
    r = np.random.default_rng(0)
    xs = [r.standard_normal((64, 1, 28, 28)).astype("f4") for _ in range(BATCHES)]
    ys = [r.integers(0, 10, 64).astype(np.int32) for _ in range(BATCHES)]

    def normal(*shape: int, fan_in: int) -> Array:
        return (r.standard_normal(shape) * (2 / fan_in) ** 0.5).astype("f4")

    p = {
        "K1": normal(6, 1, 5, 5, fan_in=25),
        "K2": normal(16, 6, 5, 5, fan_in=150),
        "W3": normal(400, 120, fan_in=400),
        "W4": normal(120, 84, fan_in=120),
        "W5": normal(84, 10, fan_in=84),
    }
    return p, list(zip(xs, ys, strict=True))


def gpt_data() -> tuple[dict[str, Array], list[Batch]]:
    blocks, d, places, vocabulary = 4, 128, 64, 256
    r = np.random.default_rng(0)

    def normal(*shape: int) -> Array:
        return (r.standard_normal(shape) * 0.02).astype("f4")

    p = {"E": normal(vocabulary, d), "P": normal(places, d)}
    drawn = [
        {"Wa": normal(d, 3, 4, 32), "Wo": normal(4, 32, d), "Wf": normal(d, 4 * d), "Wp": normal(4 * d, d)}
        for _ in range(blocks)
    ]
    p |= {name: np.stack([block[name] for block in drawn]) for name in drawn[0]}
    tokens = [r.integers(0, vocabulary, (8, places + 1)).astype(np.int32) for _ in range(BATCHES)]
    return p, [(t[:, :-1].copy(), t[:, 1:].copy()) for t in tokens]


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("name", "first", "tenth", "step"),
    [
        ("lenet", 8.885426, 2.624177, {"kind": "sgd", "lr": 0.01}),
        (
            "gpt",
            5.562762,
            5.476945,
            {"kind": "adamw", "lr": 1e-3, "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "weight_decay": 0.1},
        ),
    ],
)
def test_losses_are_those_of_every_framework(
    name: str, first: float, tenth: float, step: dict[str, float], backend: str, loaded: Loader
) -> None:
    net = loaded(name, backend).init(0)
    p, batches = lenet_data() if name == "lenet" else gpt_data()
    for parameter, value in p.items():
        net.parameters[parameter][...] = value
    losses = [net.step(str(step["kind"]), *batches[i % BATCHES], **_scalars(step)) for i in range(10)]
    np.testing.assert_allclose([losses[0], losses[9]], [first, tenth], rtol=1e-5)


def _scalars(step: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in step.items() if name != "kind"}

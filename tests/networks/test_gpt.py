"""GPT of any size: the source grows with no size, the blocks see no later place, large logits stay finite."""

from __future__ import annotations

import re

import numpy as np
import pytest

from codegen.emit import render
from codegen.plan.plan import plan_network
from derive.calculus.program.network import Network
from derive.networks.registry import network, variant
from tests.networks.conftest import Loader


def test_the_source_is_the_same_for_any_number_of_blocks() -> None:
    texts = [render(plan_network(net), ("numpy", "c")) for net in (network("gpt"), _of(12))]
    for file in ("gpt.py", "gpt.c", "gpt.h"):
        short, long = (re.sub(r"L=12|--size|\bL\": 12|GPT_L 12", "", t[file]).split("\n") for t in texts)
        assert len(short) == len(long), file
    changed = sum(a != b for a, b in zip(*(t["gpt.c"].split("\n") for t in texts), strict=True))
    assert changed <= 2  # the command in the banner


def _of(blocks: int) -> Network:
    return variant("gpt", sizes={"L": blocks})


@pytest.mark.parametrize("backend", ["numpy", pytest.param("c", marks=pytest.mark.compiler)])
def test_no_place_sees_a_later_one(backend: str, loaded: Loader, rng: np.random.Generator) -> None:
    net = loaded("gpt", backend).init(1)
    x = rng.integers(0, 256, (2, 64), dtype=np.int32)
    before = net.forward(x)
    x[:, 40:] = rng.integers(0, 256, (2, 24))
    after = net.forward(x)
    np.testing.assert_array_equal(before[:, :40], after[:, :40])
    assert not np.array_equal(before[:, 40:], after[:, 40:])


@pytest.mark.parametrize("backend", ["numpy", pytest.param("c", marks=pytest.mark.compiler)])
def test_scores_of_thousands_stay_finite(backend: str, loaded: Loader, rng: np.random.Generator) -> None:
    """Sums of exponentials are shifted inside the recurrence as well."""
    net = loaded("gpt", backend).init(1)
    net.parameters["Wa"][...] *= 500
    x = rng.integers(0, 256, (2, 64), dtype=np.int32)
    loss, gradients = net.gradients(x, x)
    assert np.isfinite(loss)
    assert all(np.isfinite(each).all() for each in gradients.values())


def test_labels_of_every_place(loaded: Loader, rng: np.random.Generator) -> None:
    x = rng.integers(0, 256, (3, 64), dtype=np.int32)
    net = loaded("gpt", "numpy").init(2)
    np.testing.assert_array_equal(net.predict(x), net.forward(x).argmax(-1))

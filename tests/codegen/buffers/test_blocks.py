"""Runs of lines example by example, or in slices of one: the values of the whole arrays, bit for bit."""

from typing import Any

import numpy as np
import pytest

from codegen.buffers import blocks, runs
from codegen.numpy.module import render_numpy
from codegen.plan.plan import plan_network
from derive.networks.registry import variant

SIZES = {"L": 2, "d": 6, "h": 3, "e": 2, "f": 10, "T": 5, "v": 7}


def rendered() -> str:
    return render_numpy(plan_network(variant("gpt", sizes=SIZES, buffers="planned")))


def gradients(source: str) -> tuple[Any, Any]:
    """The loss and the gradients of three examples, computed twice in one workspace."""
    scope: dict[str, Any] = {"__name__": "gpt"}
    exec(compile(source, "gpt", "exec"), scope)
    generator = np.random.default_rng(1)
    drawn = scope["init"](0, np.float64)
    p = type(drawn)(*(W + 0.3 * generator.standard_normal(W.shape) for W in drawn))
    x, y = generator.integers(0, SIZES["v"], (2, 3, SIZES["T"])).astype(np.int32)
    w = scope["Workspace"]()
    scope["gradients"](p, x, y, w=w)
    w.memory.fill(0xFF)
    return scope["gradients"](p, x, y, w=w)


@pytest.mark.parametrize(("largest", "heads"), [(10**9, "for i in range(m):"), (0, "in parts(T, 25 // f):")])
def test_parts_of_the_examples_give_the_whole(monkeypatch: Any, largest: int, heads: str) -> None:
    L, g = gradients(rendered())
    monkeypatch.setattr(runs, "WHOLE", 1)
    monkeypatch.setattr(runs, "PART", 1)
    monkeypatch.setattr(runs, "LARGEST", largest)
    monkeypatch.setattr(blocks, "SLICE", 25)  # two places of F, and one is left
    source = rendered()
    assert heads in source
    found_L, found = gradients(source)
    assert found_L == L
    assert all(np.array_equal(a, b) for a, b in zip(g, found, strict=True))


def test_small_arrays_are_left_whole() -> None:
    assert "for i in range(m)" not in rendered()

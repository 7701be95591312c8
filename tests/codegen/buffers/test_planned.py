"""Gradients in a workspace: the plain module's, for every network and batch, without fresh arrays."""

import tracemalloc
from functools import cache
from typing import Any

import numpy as np
import pytest

from codegen.numpy.module import render_numpy
from codegen.plan.plan import plan_network
from derive.calculus.program.network import Network
from derive.networks.registry import NETWORKS, variant

CASTING = 2 * 8192 * 8  # NumPy's own buffers where a ufunc converts a mask, of constant size
SLICES = 60_000  # views, a few numbers an example
SIZES = {"gpt": {"L": 2, "d": 16, "h": 2, "e": 8, "f": 32, "T": 8, "v": 11}}


def network(name: str, buffers: str) -> Network:
    return variant(name, sizes=SIZES.get(name), buffers=buffers)


@cache
def module(name: str, buffers: str) -> dict[str, Any]:
    source = render_numpy(plan_network(network(name, buffers)))
    scope: dict[str, Any] = {"__name__": name}
    exec(compile(source, name, "exec"), scope)
    return scope


def batch(name: str, m: int, dtype: str) -> list[Any]:
    """Data and labels of m examples."""
    made = network(name, "fresh")
    generator = np.random.default_rng(m)
    arrays = []
    for label in (*made.data, *made.labels):
        tensor = made.tensor(label)
        sizes = {
            symbol: {"m": m, **made.sizes}[str(symbol)]
            for size in tensor.shape
            for symbol in size.free_symbols
        }
        shape = [int(size.subs(sizes)) for size in tensor.shape]
        whole = tensor.kind.name == "INTEGER"
        drawn = generator.integers(0, 3, shape) if whole else generator.standard_normal(shape)
        arrays.append(drawn.astype(np.int32 if whole else dtype))
    return arrays


def parameters(name: str, dtype: str) -> Any:
    generator = np.random.default_rng(7)
    drawn = module(name, "fresh")["init"](0, np.dtype(dtype).type)
    return type(drawn)(*(w + 0.1 * generator.standard_normal(w.shape).astype(dtype) for w in drawn))


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_the_plain_ones_in_a_workspace_of_any_batch(name: str) -> None:
    p, w = parameters(name, "f8"), module(name, "planned")["Workspace"]()
    for m in (5, 3, 1, 9, 5):
        examples = batch(name, m, "f8")
        L, g = module(name, "fresh")["gradients"](p, *examples)
        planned_L, planned_g = module(name, "planned")["gradients"](p, *examples, w=w)
        assert planned_L == pytest.approx(L, rel=1e-13)
        for right, found in zip(g, planned_g, strict=True):
            assert found.shape == right.shape
            assert np.abs(found - right).max() <= 1e-12 * max(1, np.abs(right).max())


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_is_left_of_the_last_batch(name: str) -> None:
    """All memory of the workspace is NaN before a step; padding, sums and branches write their own zeros."""
    p, w = parameters(name, "f8"), module(name, "planned")["Workspace"]()
    examples = batch(name, 4, "f8")
    gradients = module(name, "planned")["gradients"]
    L, g = gradients(p, *examples, w=w)
    first = [W_bar.copy() for W_bar in g]
    w.memory.fill(0xFF)
    again, g = gradients(p, *examples, w=w)
    assert again == L
    assert all(np.array_equal(a, b) for a, b in zip(first, g, strict=True))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_data_and_parameters_are_as_before(name: str) -> None:
    p, examples = parameters(name, "f8"), batch(name, 4, "f8")
    before = [array.copy() for array in (*p, *examples)]
    module(name, "planned")["gradients"](p, *examples)
    assert all(np.array_equal(a, b) for a, b in zip(before, (*p, *examples), strict=True))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_makes_no_arrays(name: str) -> None:
    p, w = parameters(name, "f4"), module(name, "planned")["Workspace"]()
    examples = batch(name, 64, "f4")
    step = module(name, "planned")["sgd_step"]
    step(p, *examples, 1e-4, w=w)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        step(p, *examples, 1e-4, w=w)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < CASTING + SLICES


@pytest.mark.parametrize("kind", ["sgd_step", "momentum_step", "averaged_step"])
def test_steps_with_and_without_a_workspace_agree(kind: str) -> None:
    name = "three_layer_bias"
    results = []
    for buffers, own in (
        ("fresh", None),
        ("planned", None),
        ("planned", module(name, "planned")["Workspace"]()),
    ):
        p, state = parameters(name, "f8"), []
        scope = module(name, buffers)
        if kind != "sgd_step":
            state = [scope["Gradients"](*(np.zeros_like(W) for W in p))]
        scalars = [0.1] if kind == "sgd_step" else [0.1, 0.9]
        options = {} if own is None else {"w": own}
        for m in (4, 6):
            scope[kind](p, *state, *batch(name, m, "f8"), *scalars, weight_decay=0.01, **options)
        results.append(p)
    for other in results[1:]:
        assert all(np.abs(a - b).max() <= 1e-14 for a, b in zip(results[0], other, strict=True))


def test_updates_make_no_arrays() -> None:
    name = "three_layer_bias"
    scope, p = module(name, "planned"), parameters(name, "f4")
    state, w = scope["Gradients"](*(np.zeros_like(W) for W in p)), scope["Workspace"]()
    examples = batch(name, 8, "f4")
    for kind in ("momentum_step", "averaged_step"):
        scope[kind](p, state, *examples, 1e-4, 0.9, weight_decay=0.01, w=w)
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            scope[kind](p, state, *examples, 1e-4, 0.9, weight_decay=0.01, w=w)
            peak = tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()
        assert peak < 20_000

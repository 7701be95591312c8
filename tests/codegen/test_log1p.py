"""log(1 + x) of float32 is rounded once: computed in float64, into an array where there is one."""

import tracemalloc
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from codegen.numpy.fallbacks import fallbacks
from codegen.numpy.layer import render_numpy_layer
from codegen.numpy.module import render_numpy
from codegen.plan.plan import plan_layer, plan_network
from derive.calculus.definition.define import define
from derive.networks.registry import variant
from tests.codegen.emitted_numpy import imported

BUFFERS = 2 * 8192 * 8  # NumPy's own where a function converts, whatever the size of the arrays
DECAYS = np.exp(-np.abs(np.linspace(-20, 20, 200_001, dtype=np.float32)))


@pytest.fixture
def emitted(tmp_path: Path) -> ModuleType:
    return imported("\n\n\n".join(["import numpy as np", *fallbacks({"log1p"})]), tmp_path, "own")


def test_float32_is_rounded_once(emitted: ModuleType) -> None:
    right = np.log1p(DECAYS.astype(np.float64)).astype(np.float32)
    found = emitted.log1p(DECAYS)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, right)


def test_float64_has_the_bits_of_numpys(emitted: ModuleType) -> None:
    x = DECAYS.astype(np.float64)
    np.testing.assert_array_equal(emitted.log1p(x), np.log1p(x))


def test_numbers_and_ends(emitted: ModuleType) -> None:
    for dtype in (np.float32, np.float64):
        found = emitted.log1p(dtype(3))
        assert (found.dtype, found.shape) == (dtype, ())
        assert found == dtype(np.log(4))
        ends = np.array([0.0, -0.0, np.inf, np.nan], dtype)
        np.testing.assert_array_equal(emitted.log1p(ends), ends)
        assert np.signbit(emitted.log1p(ends)[1])


def test_into_an_array_nothing_of_its_size_is_made(emitted: ModuleType) -> None:
    x = np.tile(DECAYS, 10)
    right, bytes_before = np.log1p(x.astype(np.float64)).astype(np.float32), x.nbytes
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        emitted.log1p(x, out=x)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < BUFFERS + 10_000 < bytes_before
    np.testing.assert_array_equal(x, right)


@pytest.mark.parametrize("formula", ["log(1 + exp(x[i]))", "log1p(exp(x[i]))", "log(1 + exp(x[i]))*2/2"])
def test_a_layers_softplus_has_one_rounding_besides_that_of_exp(formula: str, tmp_path: Path) -> None:
    source = render_numpy_layer("soft", plan_layer(define(f"soft(x[n]) -> Y\n    Y[i] = {formula}")))
    x = np.linspace(-20, 0, 100_001, dtype=np.float32)
    found = imported(source, tmp_path, "soft").forward(x)
    np.testing.assert_array_equal(found, np.log1p(np.exp(x).astype(np.float64)).astype(np.float32))


def test_planned_buffers_compute_into_their_own() -> None:
    source = render_numpy(plan_network(variant("two_layer_softplus", buffers="planned")))
    assert "    log1p(E2, out=Z2)" in source
    assert source.count("np.log1p") == 1


def test_what_the_trace_alone_calls_is_emitted(tmp_path: Path) -> None:
    """log(1 + e^x) - log(1 + e^-x) = x: only the trace shows the logarithms."""
    net = variant("two_layer", "odd", sigma="log(1 + exp(x)) - log(1 + exp(-x))")
    module = imported(render_numpy(plan_network(net)), tmp_path, "odd")
    p, X = module.init(0, n=5, d=4, k=3), np.ones((2, 5), np.float32)
    traced = dict(module.trace(p, X, np.array([0, 1])))
    np.testing.assert_allclose(traced["Z2"], traced["A1"], rtol=1e-5)

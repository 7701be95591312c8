"""Emitted NumPy networks: the interface of docs/interface.md, against the reference interpreter."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codegen.numpy.module import render_numpy
from codegen.plan.plan import plan_network
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.tensor import Kind, Size
from derive.calculus.program.network import Network
from derive.check.evaluate import evaluate
from derive.networks.classifiers import perceptron
from derive.networks.registry import NETWORKS, network
from tests.codegen.emitted_numpy import imported

EXAMPLES = 11


@cache
def source_of(name: str) -> str:
    return render_numpy(plan_network(network(name)))


def sizes_of(net: Network) -> dict[str, int]:
    return {letter: 3 + place for place, letter in enumerate(net.sizes)}


def batch_of(net: Network, dtype: Any, rng: np.random.Generator) -> list[Any]:
    sizes = {**sizes_of(net), net.batch: EXAMPLES}
    arrays: list[Any] = []
    for name in (*net.data, *net.labels):
        tensor = net.tensor(name)
        symbols = {
            s: sizes[s.name] for size in tensor.shape for s in size.free_symbols if isinstance(s, Size)
        }
        shape = [int(size.xreplace(symbols)) for size in tensor.shape]
        if tensor.kind is Kind.INTEGER:
            arrays.append(rng.integers(0, sizes.get("k", sizes.get("v")), shape).astype(np.int32))
        else:
            arrays.append(rng.standard_normal(shape).astype(dtype))
    return arrays


def reference(net: Network, p: Any, batch: list[Any]) -> dict[str, Any]:
    joint = vjp(replace(net.program, outputs=(net.loss,)), wrt=net.trained)
    known = {**dict(zip((*net.data, *net.labels), batch, strict=True)), **p._asdict(), f"{net.loss}_bar": 1.0}
    sizes = {**sizes_of(net), net.batch: EXAMPLES}
    return evaluate(joint, {tensor.name: known[tensor.name] for tensor in joint.inputs}, sizes)


@pytest.mark.parametrize("name", NETWORKS)
def test_loss_and_gradients(name: str, tmp_path: Path, rng: np.random.Generator) -> None:
    net, module = network(name), imported(source_of(name), tmp_path, name)
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-4)):
        p = module.init(seed=5, dtype=dtype, **sizes_of(net))
        batch = batch_of(net, dtype, rng)
        loss, gradients = module.gradients(p, *batch)
        right = reference(net, p, batch)
        assert loss.dtype == dtype
        assert abs(loss - right[net.loss]) <= tolerance * (1 + abs(loss))
        for each in net.trained:
            bar, expected = getattr(gradients, each), right[f"{each}_bar"]
            assert bar.dtype == dtype
            assert np.abs(bar - expected).max() <= tolerance * (1 + np.abs(expected).max())


@pytest.mark.parametrize("name", NETWORKS)
def test_tangents_and_cotangents_agree(name: str, tmp_path: Path, rng: np.random.Generator) -> None:
    net, module = network(name), imported(source_of(name), tmp_path, name)
    p = module.init(seed=5, dtype=np.float64, **sizes_of(net))
    batch = batch_of(net, np.float64, rng)
    _, gradients = module.gradients(p, *batch)
    p_dot = module.Gradients(*(rng.standard_normal(bar.shape) for bar in gradients))
    _, loss_dot = module.jvp(p, p_dot, *batch)
    assert loss_dot == pytest.approx(
        sum((a * b).sum() for a, b in zip(gradients, p_dot, strict=True)), rel=1e-11
    )


@pytest.mark.parametrize("name", ["two_layer", "random_features", "curve"])
def test_steps(name: str, tmp_path: Path, rng: np.random.Generator) -> None:
    net, module = network(name), imported(source_of(name), tmp_path, name)
    batch = batch_of(net, np.float64, rng)
    g = module.gradients(module.init(1, np.float64, **sizes_of(net)), *batch)[1]
    lr, mu, decay = 0.1, 0.9, 0.01
    for step, state in (("sgd_step", None), ("momentum_step", "v"), ("averaged_step", "u")):
        p = module.init(1, np.float64, **sizes_of(net))
        before = [w.copy() for w in p]
        s = module.Gradients(*(np.full_like(bar, 0.5) for bar in g))
        momenta = {"mu": mu} if state else {}
        getattr(module, step)(p, *([s] if state else []), *batch, lr=lr, weight_decay=decay, **momenta)
        for field, w, old in zip(p._fields, p, before, strict=True):
            if field not in net.trained:
                np.testing.assert_array_equal(w, old)
                continue
            full = getattr(g, field) + decay * old
            state_new = {"v": 0.5 * mu - lr * full, "u": 0.5 * mu + (1 - mu) * full, None: None}[state]
            change = {"v": state_new, "u": None if state_new is None else -lr * state_new, None: -lr * full}[
                state
            ]
            np.testing.assert_allclose(w, old + change, rtol=1e-13)
            if state:
                np.testing.assert_allclose(getattr(s, field), state_new, rtol=1e-13)


def test_a_step_that_is_not_finite_changes_nothing(tmp_path: Path, rng: np.random.Generator) -> None:
    net, module = network("two_layer"), imported(source_of("two_layer"), tmp_path, "two_layer")
    p = module.init(1, **sizes_of(net))
    X, y = batch_of(net, np.float32, rng)
    X[3, 1] = np.nan
    before = [w.copy() for w in p]
    with pytest.raises(FloatingPointError):
        module.sgd_step(p, X, y, lr=0.1)
    for w, old in zip(p, before, strict=True):
        np.testing.assert_array_equal(w, old)


@pytest.mark.parametrize(("value", "refused"), [(1e30, False), (np.inf, True), (np.nan, True)])
def test_what_counts_is_each_element(
    value: float, refused: bool, tmp_path: Path, rng: np.random.Generator
) -> None:
    """The loss is finite; the squares of 1e30 overflow, the elements do not."""
    net, module = network("two_layer"), imported(source_of("two_layer"), tmp_path, "two_layer")
    p = module.init(1, **sizes_of(net))
    X, y = batch_of(net, np.float32, rng)
    bars = module.Gradients(np.zeros_like(p.W1), np.full_like(p.W2, value))
    vars(module)["gradients"] = lambda *_: (np.float32(1), bars)
    before = p.W2.copy()
    with np.errstate(over="ignore"):
        if refused:
            with pytest.raises(FloatingPointError):
                module.sgd_step(p, X, y, lr=0.1)
            np.testing.assert_array_equal(p.W2, before)
        else:
            module.sgd_step(p, X, y, lr=0.1)
            np.testing.assert_array_equal(p.W2, before - np.float32(value))


def test_a_pullback_is_linear_in_its_seed(tmp_path: Path, rng: np.random.Generator) -> None:
    net, module = network("two_layer"), imported(source_of("two_layer"), tmp_path, "two_layer")
    p = module.init(1, np.float64, **sizes_of(net))
    batch = batch_of(net, np.float64, rng)
    for once, thrice in zip(module.gradients(p, *batch)[1], module.gradients(p, *batch, 3.0)[1], strict=True):
        np.testing.assert_allclose(thrice, 3 * once, rtol=1e-14)


@pytest.mark.parametrize("wrong", [-1, 5, 99])
def test_labels_out_of_range_are_refused(wrong: int, tmp_path: Path, rng: np.random.Generator) -> None:
    net, module = network("two_layer"), imported(source_of("two_layer"), tmp_path, "two_layer")
    p = module.init(1, **sizes_of(net))
    X, y = batch_of(net, np.float32, rng)
    y[4] = wrong
    for function in (module.loss, module.gradients):
        with pytest.raises(ValueError, match=rf"y\[4\] is {wrong}; labels are 0\.\.4"):
            function(p, X, y)


def test_an_empty_batch_is_refused(tmp_path: Path, rng: np.random.Generator) -> None:
    net, module = network("two_layer"), imported(source_of("two_layer"), tmp_path, "two_layer")
    X, y = batch_of(net, np.float32, rng)
    with pytest.raises(ValueError, match="empty"):
        module.loss(module.init(1, **sizes_of(net)), X[:0], y[:0])


@pytest.mark.parametrize("name", ["two_layer", "three_layer_bias", "random_features"])
def test_predict_trace_save_and_load(name: str, tmp_path: Path, rng: np.random.Generator) -> None:
    net, module = network(name), imported(source_of(name), tmp_path, name)
    p = module.init(1, **sizes_of(net))
    X, y = batch_of(net, np.float32, rng)
    traced = dict(module.trace(p, X, y))
    assert list(traced) == list(dict.fromkeys(e.name for e in net.program.equations()))
    np.testing.assert_allclose(traced[net.loss], module.loss(p, X, y)[0], rtol=1e-6)
    assert module.predict(p, X).dtype == np.int32
    np.testing.assert_array_equal(module.predict(p, X), traced[net.output].argmax(axis=1))
    module.save(tmp_path / "p.safetensors", p)
    for w, again in zip(p, module.load(tmp_path / "p.safetensors"), strict=True):
        np.testing.assert_array_equal(w, again)
        assert again.flags.writeable


def test_checkpoints_are_safetensors(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.numpy")
    module = imported(source_of("two_layer"), tmp_path, "two_layer")
    p = module.init(1, n=6, d=5, k=3)
    module.save(tmp_path / "p.safetensors", p)
    for name, w in library.load_file(tmp_path / "p.safetensors").items():
        np.testing.assert_array_equal(w, getattr(p, name))


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    one = imported(source_of("two_layer"), tmp_path, "two_layer")
    other = imported(source_of("softmax_regression"), tmp_path, "softmax_regression")
    one.save(tmp_path / "p.safetensors", one.init(1, n=6, d=5, k=3))
    with pytest.raises(ValueError, match=r"W1, W2.*Theta"):
        other.load(tmp_path / "p.safetensors")


def mix(z: int) -> int:
    z = (z + 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


def test_initial_bits_are_those_of_the_interface(tmp_path: Path) -> None:
    """In Python's integers, one draw after the other, as docs/interface.md defines them."""
    module = imported(source_of("two_layer"), tmp_path, "two_layer")
    p = module.init(seed=2**63 + 5, dtype=np.float64, n=4, d=3, k=2)
    for index, (w, scale) in enumerate(zip(p, (np.sqrt(2 / 4), np.sqrt(1 / 3)), strict=True)):
        key = (mix((mix(2**63 + 5) + index) % 2**64)) % 2**64
        for element, value in enumerate(w.ravel()):
            s = sum(mix((key + 16 * element + j) % 2**64) >> 32 for j in range(12))
            assert value == (float(s) - 6 * 2.0**32) * 2.0**-32 * scale


def test_the_step_reads_as_written_by_hand() -> None:
    source = source_of("two_layer")
    for line in (
        "Z2 = np.maximum(X @ p.W1, 0)",
        "H_bar[np.arange(m), y] -= 1",
        "H_bar *= L_bar / m",
        "A1_bar = (H_bar @ p.W2.T) * (Z2 > 0)",
        "W1_bar = X.T @ A1_bar",
    ):
        assert line in source
    assert max(map(len, source.splitlines())) < 120


def test_rendering_is_repeatable() -> None:
    assert render_numpy(plan_network(network("residual"))) == source_of("residual")


def test_a_deep_network_renders(tmp_path: Path, rng: np.random.Generator) -> None:
    net = perceptron((5, *([4] * 29), 3), bias=True, name="deep")
    module = imported(render_numpy(plan_network(net)), tmp_path, "deep")
    p = module.init(1, np.float64)
    loss, gradients = module.gradients(p, rng.standard_normal((6, 5)), rng.integers(0, 3, 6))
    assert np.isfinite(loss)
    assert len(gradients) == 60

"""One object for either backend: the same calls, the same numbers."""

import sys
from pathlib import Path

import numpy as np
import pytest

from derive.runtime import evaluation, load
from derive.runtime.errors import ArrayError, NonFiniteError
from derive.runtime.numpy_network import NumpyNetwork
from tests.runtime.conftest import SAMPLE, SMALL, batch, two_layer

TOLERANCE = {"float32": 2e-6, "float64": 1e-14}
KINDS = {"sgd": {"lr": 0.3}, "momentum": {"lr": 0.1, "mu": 0.9}, "averaged": {"lr": 0.3, "mu": 0.5}}


@pytest.fixture(params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.mark.compiler
@pytest.mark.usefixtures("compiler")
class TestBackendsAgree:
    def test_in_the_bits_of_init(self, dtype: str) -> None:
        a, b = two_layer("numpy", dtype=dtype), two_layer("c", dtype=dtype)
        assert a.flat.any()
        assert np.array_equal(a.flat, b.flat)

    def test_in_every_call(self, rng: np.random.Generator, dtype: str) -> None:
        X, y = batch(rng, dtype=dtype)
        a, b = two_layer("numpy", dtype=dtype).bind(X, y), two_layer("c", dtype=dtype).bind(X, y)
        close = TOLERANCE[dtype]
        (La, ga), (Lb, gb) = a.gradients(), b.gradients()
        assert La == pytest.approx(Lb, rel=close)
        for name in ("W1", "W2"):
            np.testing.assert_allclose(ga[name], gb[name], atol=close)
        np.testing.assert_allclose(a.forward(), b.forward(), atol=10 * close)
        assert a.jvp(ga) == pytest.approx(b.jvp(ga), rel=10 * close)
        assert np.array_equal(a.predict(), b.predict())
        for name, bar in a.vjp(-2).items() if a.loss() else ():
            np.testing.assert_allclose(bar, -2 * ga[name], atol=close)

    @pytest.mark.parametrize("kind", KINDS)
    def test_in_the_steps(self, rng: np.random.Generator, kind: str) -> None:
        X, y = batch(rng, dtype="float64")
        a, b = (two_layer(backend, dtype="float64").bind(X, y) for backend in ("numpy", "c"))
        losses: list[tuple[float, float]] = [
            (a.step(kind, weight_decay=0.01, **KINDS[kind]), b.step(kind, weight_decay=0.01, **KINDS[kind]))
            for _ in range(20)
        ]
        for ours, theirs in losses:
            assert ours == pytest.approx(theirs, rel=1e-12)
        assert losses[-1][0] < losses[0][0]
        np.testing.assert_allclose(a.flat, b.flat, rtol=1e-10)

    def test_in_a_regression_with_a_fixed_parameter(self, rng: np.random.Generator) -> None:
        X, Y = rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
        a, b = (load("line", backend, SAMPLE, "float64").init(1).bind(X, Y) for backend in ("numpy", "c"))
        for _ in range(3):
            assert a.step("sgd", lr=0.01) == pytest.approx(b.step("sgd", lr=0.01), rel=1e-12)
        assert list(a.gradients()[1]) == list(b.gradients()[1]) == ["W"]
        np.testing.assert_allclose(a.predict(), b.predict(), rtol=1e-12)
        assert a.predict().shape == (5, 2)


def test_vjp_is_the_transpose_of_jvp(backend: str, rng: np.random.Generator) -> None:
    network = two_layer(backend, dtype="float64").bind(*batch(rng, dtype="float64"))
    p_dot = {name: rng.standard_normal(view.shape) for name, view in network.parameters.items()}
    _, bars = network.gradients()
    assert sum(np.vdot(bars[name], p_dot[name]) for name in bars) == pytest.approx(
        network.jvp(p_dot)[1], rel=1e-12
    )


def test_gradients_belong_to_the_caller(backend: str, rng: np.random.Generator) -> None:
    network = two_layer(backend).bind(*batch(rng))
    first = network.gradients()[1]
    kept = first["W1"].copy()
    network.step("sgd", lr=1.0)
    network.gradients()
    assert np.array_equal(first["W1"], kept)


def test_views_share_the_flat_buffer(backend: str, rng: np.random.Generator) -> None:
    network = two_layer(backend).bind(*batch(rng))
    assert network.flat.size == sum(view.size for view in network.parameters.values())
    network.flat[...] = 0
    assert not network.parameters["W2"].any()
    assert network.loss() == pytest.approx(np.log(3), rel=1e-6)


def test_selected_rows_are_a_batch_of_their_own(backend: str, rng: np.random.Generator) -> None:
    X, y = batch(rng, 9)
    network = two_layer(backend)
    part = network.bind(X, y).select(4, 9).loss()
    assert part == network.loss(X[4:].copy(), y[4:].copy())
    run = network.bind(X, y).stepper("sgd", lr=0.0)
    assert run(4, 9) == part
    with pytest.raises(ArrayError, match=r"rows 4\.\.10 are not in the 9 bound rows"):
        run(4, 10)


def test_forward_and_predict_need_no_labels(backend: str, rng: np.random.Generator) -> None:
    X, y = batch(rng)
    network = two_layer(backend)
    network.loss(X, y)
    assert network.forward(X[:3]).shape == (3, 3)
    assert np.array_equal(network.predict(X), network.forward().argmax(axis=1))
    with pytest.raises(ArrayError, match="bound without y"):
        network.loss()


def test_a_step_that_is_not_finite_changes_nothing(backend: str, rng: np.random.Generator) -> None:
    X, y = batch(rng)
    network = two_layer(backend).bind(X, y)
    network.step("momentum", lr=0.1, mu=0.9)
    before = network.flat.copy(), network.state["v"]["W1"].copy()
    X[2, 3] = np.nan
    with pytest.raises(NonFiniteError):
        network.step("momentum", lr=0.1, mu=0.9)
    assert np.array_equal(network.flat, before[0])
    assert np.array_equal(network.state["v"]["W1"], before[1])


def test_init_clears_the_state(backend: str, rng: np.random.Generator) -> None:
    network = two_layer(backend).bind(*batch(rng))
    start = network.flat.copy()
    network.step("momentum", lr=0.1, mu=0.9)
    assert network.state["v"]["W1"].any()
    network.init(1)
    assert not network.state["v"]["W1"].any()
    assert np.array_equal(network.flat, start)


def test_sizes_are_free(backend: str, rng: np.random.Generator) -> None:
    network = load("two_layer", backend, SAMPLE, sizes={"n": 2, "d": 4, "k": 7}).init(0)
    assert network.parameters["W2"].shape == (4, 7)
    assert network.predict(rng.random((3, 2), dtype=np.float32)).shape == (3,)


@pytest.mark.compiler
@pytest.mark.usefixtures("compiler")
def test_c_takes_larger_batches_where_asked(rng: np.random.Generator) -> None:
    X, y = batch(rng, 200)
    with pytest.raises(ArrayError, match=r"takes 1\.\.128 rows but 200 .* max_batch=200"):
        two_layer("c").loss(X, y)
    assert two_layer("c", max_batch=200).loss(X, y) == pytest.approx(two_layer("numpy").loss(X, y), rel=1e-6)


def test_loading_leaves_no_trace(backend: str) -> None:
    before = list(sys.path), set(sys.modules)
    two_layer(backend)
    two_layer(backend)
    assert list(sys.path) == before[0]
    assert not any("two_layer" in name for name in set(sys.modules) - before[1])
    assert not list(Path(SAMPLE).rglob("__pycache__"))


def test_a_rebuilt_module_is_read_anew(tmp_path: Path) -> None:
    folder = tmp_path / "two_layer"
    folder.mkdir()
    for name in ("two_layer.json", "two_layer.py"):
        (folder / name).write_text((SAMPLE / "two_layer" / name).read_text())
    before = load("two_layer", path=tmp_path, sizes=SMALL).init(0).flat.copy()
    text = (folder / "two_layer.py").read_text()
    (folder / "two_layer.py").write_text(text.replace("uniform(seed, 0", "uniform(seed, 7"))
    assert not np.array_equal(load("two_layer", path=tmp_path, sizes=SMALL).init(0).flat, before)


@pytest.mark.compiler
@pytest.mark.usefixtures("compiler")
def test_the_c_forgets_labels_that_are_no_longer_bound(rng: np.random.Generator) -> None:
    X, y = batch(rng)
    network = two_layer("c").bind(X, y)
    y[...] = 99
    assert network.forward(X).shape == (7, 3)


def test_a_traceback_names_the_emitted_file() -> None:
    network = two_layer("numpy")
    assert isinstance(network, NumpyNetwork)
    assert network.module.forward.__code__.co_filename == str(SAMPLE / "two_layer" / "two_layer.py")


def test_a_set_is_evaluated_in_uneven_pieces(
    backend: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "ROWS", 30)
    X, y = batch(rng, 200)
    network = two_layer(backend, max_batch=200)
    L, wrong = network.loss(X, y), network.predict() != y
    score = evaluation.evaluate(two_layer(backend), (X, y))
    assert score.loss == pytest.approx(L, rel=1e-5)
    assert score.error == pytest.approx(wrong.mean())

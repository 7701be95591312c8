"""What does not fit is refused in one paragraph that names it, both sizes and the remedy."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive.runtime import RuntimeInputError, load
from derive.runtime.buffers import Array
from derive.runtime.errors import ArrayError, DescriptionError, LabelError
from tests.runtime.conftest import SAMPLE, SMALL, batch, two_layer

Batch = tuple[Array, Array]

REFUSED: dict[str, tuple[Callable[[Array, Array], tuple[Any, ...]], str]] = {
    "dtype": (
        lambda X, y: (X.astype(np.float64), y),
        r"'X' .* float64 .* float32; pass X\.astype\(np\.float32\)",
    ),
    "label dtype": (lambda X, y: (X, y.astype(np.int64)), r"'y' .* int64 .* int32; pass y\.astype"),
    "byte order": (lambda X, y: (X.astype(">f4"), y), r"dtype >f4 .* float32"),
    "strides": (
        lambda X, y: (X[::2], y[::2].copy()),
        r"strides \(48, 4\) .* strides \(24, 4\); pass np\.ascontiguousarray\(X\)",
    ),
    "column order": (
        lambda X, y: (np.asfortranarray(X), y),
        r"strides \(4, 28\) .* strides \(24, 4\); pass np.ascontiguousarray",
    ),
    "label strides": (lambda X, y: (X[:4].copy(), y[::2]), r"'y' .* strides \(8,\) .* strides \(4,\)"),
    "features": (lambda X, y: (X[:, :5].copy(), y), r"shape \(7, 5\) but \(m, n\) is \(any, 6\)"),
    "axes": (lambda X, y: (X.ravel(), y), r"shape \(42,\) but \(m, n\) is \(any, 6\)"),
    "label axes": (lambda X, y: (X, y[:, None].copy()), r"shape \(7, 1\) but \(m,\) is \(any\)"),
    "a scalar": (lambda X, y: (X, np.array(1, np.int32)), r"shape \(\)"),
    "rows": (lambda X, y: (X, y[:6].copy()), r"axis m is 7 in X, 6 in y"),
    "empty": (lambda X, y: (X[:0], y[:0]), r"axis m is 0; give at least one example"),
    "a list": (lambda X, y: (X.tolist(), y), r"is a list, not a NumPy array"),
    "too many": (lambda X, y: (X, y, y), r"binds X \(input\), y \(label\) in this order, but 3 arrays"),
    "unaligned": (
        lambda X, y: (
            np.frombuffer(b"\0" + X.tobytes(), np.float32, offset=1, count=X.size).reshape(X.shape),
            y,
        ),
        r"address divisible by 4",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_array_that_does_not_fit(backend: str, rng: np.random.Generator, case: str) -> None:
    spoil, message = REFUSED[case]
    with pytest.raises(ArrayError, match=message) as caught:
        two_layer(backend).bind(*spoil(*batch(rng)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("label", [-1, 3, 2**31 - 1])
def test_a_label_out_of_range(backend: str, rng: np.random.Generator, label: int) -> None:
    X, y = batch(rng)
    y[4] = label
    with pytest.raises(LabelError, match=rf"label y\[4\] is {label} .* 3 classes, 0\.\.2"):
        two_layer(backend).loss(X, y)


@pytest.mark.compiler
@pytest.mark.usefixtures("compiler")
def test_a_label_spoilt_after_binding_is_caught_by_the_c(rng: np.random.Generator) -> None:
    X, y = batch(rng)
    network = two_layer("c").bind(X, y)
    before = network.flat.copy()
    y[5] = 99
    with pytest.raises(LabelError, match="is 99"):
        network.step("sgd", lr=0.1)
    assert np.array_equal(network.flat, before)


def test_calls_out_of_order(backend: str, rng: np.random.Generator) -> None:
    network = two_layer(backend)
    with pytest.raises(ArrayError, match="no batch yet"):
        network.loss()
    network.bind(*batch(rng))
    with pytest.raises(ArrayError, match=r"call loss\(\) first"):
        network.vjp()
    network.loss()
    network.select(0, 2)
    with pytest.raises(ArrayError, match=r"call loss\(\) first"):
        network.vjp()
    network.bind(*batch(rng)).loss()
    network.bind(*batch(rng))
    with pytest.raises(ArrayError, match=r"call loss\(\) first"):
        network.vjp()


def test_steps_and_their_scalars(backend: str, rng: np.random.Generator) -> None:
    network = two_layer(backend).bind(*batch(rng))
    with pytest.raises(DescriptionError, match="no step 'adam'; it has sgd_step, momentum_step"):
        network.step("adam", lr=0.1)
    with pytest.raises(RuntimeInputError, match="takes lr, mu, weight_decay, but was given lr; add mu="):
        network.step("momentum", lr=0.1)
    with pytest.raises(RuntimeInputError, match="leave out mu"):
        network.step("sgd", lr=0.1, mu=0.9)


def test_a_tangent_of_another_shape(backend: str, rng: np.random.Generator) -> None:
    network = two_layer(backend).bind(*batch(rng))
    with pytest.raises(ArrayError, match=r"tangent 'W2' is of shape \(5, 2\) but W2 is \(5, 3\)"):
        network.jvp({"W1": np.zeros((6, 5)), "W2": np.zeros((5, 2))})
    with pytest.raises(ArrayError, match="'W2' is missing"):
        network.jvp({"W1": np.zeros((6, 5))})


def test_networks_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match=r"no network 'three_layer' .* derive build three_layer"):
        load("three_layer", path=tmp_path)
    with pytest.raises(RuntimeInputError, match="no backend 'fortran'; choose one of numpy, c"):
        load("two_layer", "fortran", SAMPLE)
    with pytest.raises(RuntimeInputError, match="no dtype 'float16'"):
        load("two_layer", "numpy", SAMPLE, "float16")
    with pytest.raises(DescriptionError, match="no size q=3; its sizes are n=784, d=100, k=10"):
        load("two_layer", "numpy", SAMPLE, sizes={"q": 3})


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", '{"name": 3, "sizes": []}'])
def test_a_damaged_description(tmp_path: Path, text: str) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "net.json").write_text(text)
    with pytest.raises(DescriptionError, match=r"net\.json is not the description of a network"):
        load("net", path=tmp_path)


@pytest.mark.parametrize(("backend", "remedy"), [("numpy", "--target numpy"), ("c", "--target c")])
def test_a_target_that_was_not_built(tmp_path: Path, backend: str, remedy: str) -> None:
    (tmp_path / "two_layer").mkdir()
    (tmp_path / "two_layer" / "two_layer.json").write_text(
        (SAMPLE / "two_layer" / "two_layer.json").read_text()
    )
    with pytest.raises(DescriptionError, match=remedy):
        load("two_layer", backend, tmp_path)


@pytest.mark.compiler
@pytest.mark.usefixtures("compiler")
def test_a_description_that_does_not_fit_the_c(tmp_path: Path) -> None:
    folder = tmp_path / "two_layer"
    folder.mkdir()
    for name in ("two_layer.c", "two_layer.h"):
        (folder / name).write_text((SAMPLE / "two_layer" / name).read_text())
    fields = json.loads((SAMPLE / "two_layer" / "two_layer.json").read_text())
    fields["parameters"][0]["shape"] = [784, 99]
    (folder / "two_layer.json").write_text(json.dumps(fields))
    with pytest.raises(DescriptionError, match=r"params_bytes is 317600 in the compiled C but 314464"):
        load("two_layer", "c", tmp_path)
    assert SMALL

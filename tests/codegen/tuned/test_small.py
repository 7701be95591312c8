"""Networks so small that all is inlined: maxima of few lanes, NaN among them, gradients that overflow."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codegen.emit import emit
from codegen.plan.plan import plan_network
from codegen.tuned.source.module import render_tuned
from derive.calculus.definition.define import define
from derive.calculus.program.network import Law, Network, Parameter
from derive.networks.registry import variant
from derive.runtime import load
from derive.runtime.errors import NonFiniteError
from tests.codegen.networks import classifier

ROWS = 5
COLUMNS = (1, 3, 4, 5, 17, 40)
MAXIMA = """maxima(X[m,k], w[k], Y[m,k]) -> H, L
    A[i,q] = X[i,q] w[q]
    M[i] = max_{q} A[i,q]
    H[i,q] = A[i,q] - M[i]
    L = sum_{i,q} (H[i,q] - Y[i,q])^2/(2 m)"""


def maxima(columns: int) -> Network:
    """Every number of a row from the largest of its row."""
    parameters = (Parameter("w", Law.ONES),)
    network = classifier(define(MAXIMA), f"maxima of {columns}", parameters, {"k": columns})
    return replace(network, labels=("Y",), task="regression")


@pytest.mark.compiler
@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_maximum_of_a_row(tmp_path: Path, rng: np.random.Generator, columns: int, dtype: str) -> None:
    emit(maxima(columns), ("tuned",), tmp_path)
    network = load("maxima", "tuned", tmp_path, dtype).init(1)
    X = -np.abs(rng.standard_normal((ROWS, columns))).astype(dtype)  # what lies beyond a row may be larger
    assert (network.forward(X) == X - X.max(axis=1, keepdims=True)).all()
    for place in range(columns):
        broken = X.copy()
        broken[::2, place] = np.nan
        H = network.forward(broken)
        assert np.isnan(H[::2]).all()
        assert not np.isnan(H[1::2]).any()


@pytest.mark.compiler
@pytest.mark.parametrize("rows", [1, 3, 16])
@pytest.mark.parametrize("target", ["c", "tuned"])
def test_overflow_of_a_small_network_changes_nothing(tmp_path: Path, target: str, rows: int) -> None:
    emit(small(rows), (target,), tmp_path)
    network = load("two_layer_tanh", target, tmp_path).init(1)
    X = np.random.default_rng(0).standard_normal((rows, 4)).astype(np.float32)
    network.parameters["W1"][:] *= np.float32(1e-31)
    network.parameters["W2"][:] *= np.float32(1e10)
    X *= np.float32(1e30)
    y = network.forward(X).argmin(axis=1).astype(np.int32)
    before = network.flat.copy()
    assert np.isfinite(network.loss(X, y))
    with pytest.raises(NonFiniteError):
        network.step("sgd", X, y, lr=0.1, weight_decay=0.1)
    assert (network.flat == before).all()


@pytest.mark.compiler
@pytest.mark.parametrize("rows", [1, 3, 16])
def test_a_small_network_steps_as_plain_c(tmp_path: Path, rng: np.random.Generator, rows: int) -> None:
    emit(small(rows), ("c", "tuned"), tmp_path)
    X, y = rng.standard_normal((rows, 4)), np.arange(rows, dtype=np.int32) % 3
    right, found = (load("two_layer_tanh", target, tmp_path, "float64").init(1) for target in ("c", "tuned"))
    for _ in range(3):
        losses = [one.step("sgd", X, y, lr=0.1, weight_decay=0.1) for one in (right, found)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-12)
    assert np.allclose(found.flat, right.flat, rtol=1e-12, atol=1e-14)


def small(rows: int) -> Network:
    return variant("two_layer_tanh", sizes={"n": 4, "d": 13, "k": 3, "m": rows})


def test_only_a_step_of_few_elements_is_one_function() -> None:
    assert "FN(differentiated)(p, b, w, 1, 1);" in tuned_text(1)
    assert "differentiated" not in tuned_text(200)


def tuned_text(rows: int) -> str:
    return render_tuned(plan_network(small(rows))).source

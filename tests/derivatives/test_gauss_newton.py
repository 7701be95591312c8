"""J' H_L J v against the explicit matrices at small sizes; semidefinite where the loss is convex."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from derive.calculus.definition.define import define
from derive.calculus.derivation.gauss_newton import gauss_newton, parted
from derive.calculus.derivation.hvp import hvp
from derive.calculus.derivation.jvp import jvp
from derive.calculus.derivation.vjp import vjp
from derive.calculus.program.program import Program
from derive.check.arithmetic import Array
from derive.check.evaluate import evaluate
from derive.check.oracles import Point
from derive.errors import DeriveError
from derive.layers.registry import layer
from derive.networks.registry import network

SIZES = {"m": 4, "n": 3, "d": 5, "k": 3, "d1": 4, "d2": 5}
NETWORKS = ("softmax_regression", "two_layer", "two_layer_tanh", "three_layer_bias", "residual", "curve")
# a loss that reads a parameter and a hidden tensor besides the output
DECAYED = define(
    """decayed(X[m,n], W[n,d], V[d], y[m]) -> L
    A[i,j] = sum_{p} X[i,p] W[p,j]
    Z[i,j] = tanh(A[i,j])
    H[i] = sum_{j} Z[i,j] V[j]
    R[i] = H[i] - y[i]
    L = mean_{i} (R[i]^4 + sum_{j} R[i]^2 Z[i,j]^2) + sum_{j} V[j]^4"""
)


def losses(name: str) -> tuple[Program, tuple[str, ...], str]:
    """A program of a loss, what it is differentiated by, and where the loss begins."""
    if name == "decayed":
        return DECAYED, ("W", "V"), "H"
    net = network(name)
    return replace(net.program, outputs=(net.loss,)), net.trained, net.output


def product(program: Program, point: Point, wrt: tuple[str, ...], v: Array, mark: str = "_bar") -> Array:
    """A product with a flat direction, flat."""
    values, start = dict(point.inputs), 0
    for name in wrt:
        shape = np.shape(point.inputs[name])
        count = int(np.prod(shape))
        values[name + "_dot"] = v[start : start + count].reshape(shape)
        start += count
    found = evaluate(program, {t.name: values[t.name] for t in program.inputs}, point.sizes)
    return np.concatenate([np.ravel(found[name + mark]) for name in wrt])


def matrix(program: Program, point: Point, wrt: tuple[str, ...], mark: str = "_bar") -> Array:
    count = sum(np.size(point.inputs[name]) for name in wrt)
    return np.stack([product(program, point, wrt, unit, mark) for unit in np.eye(count)], axis=1)


def explicit(program: Program, wrt: tuple[str, ...], at: str, point: Point) -> tuple[Array, float]:
    """J' H J and |J|^2 |H|: J of all that the loss reads, column by column, H of the loss alone likewise."""
    parts = parted(program, wrt, at)
    outputs = tuple(name for name in parts.read if name not in wrt)
    moved = jvp(parts.before, wrt)
    rows: list[list[Array]] = [[] for _ in parts.read]
    for unit in np.eye(sum(np.size(point.inputs[name]) for name in wrt)):
        values, start = dict(point.inputs), 0
        for name in wrt:
            count = np.size(point.inputs[name])
            values[name + "_dot"] = unit[start : start + count].reshape(np.shape(point.inputs[name]))
            start += count
        found = evaluate(moved, {t.name: values[t.name] for t in moved.inputs}, point.sizes)
        for row, name in zip(rows, parts.read, strict=True):
            row.append(np.ravel(found[name + "_dot"] if name in outputs else values[name + "_dot"]))
    jacobian = np.concatenate([np.stack(row, axis=1) for row in rows])
    forward = evaluate(program, point.inputs, point.sizes)
    inside = replace(point, inputs={t.name: forward[t.name] for t in parts.loss.inputs})
    curved = hvp(parts.loss, parts.read, unit=True)
    hessian = matrix(curved, inside, parts.read, "_bar_dot")
    scale = float(np.linalg.norm(jacobian)) ** 2 * float(np.linalg.norm(hessian))
    return np.asarray(jacobian.T @ hessian @ jacobian), scale


def drawn(program: Program, seed: int, sizes: dict[str, int]) -> Point:
    """A point where no softmax is saturated."""
    point = Point.drawn(program, seed, sizes)
    halves = {name: value / 2 if value.dtype.kind == "f" else value for name, value in point.inputs.items()}
    return replace(point, inputs=halves)


@pytest.mark.parametrize("name", [*NETWORKS, "decayed"])
def test_the_product_is_that_of_the_explicit_matrices(name: str) -> None:
    program, wrt, at = losses(name)
    point = drawn(program, 1, {**SIZES, **({"k": 2} if name == "curve" else {})})
    found = matrix(gauss_newton(program, wrt, at), point, wrt)
    expected, scale = explicit(program, wrt, at, point)
    assert np.linalg.norm(found - expected) <= 1e-13 * scale
    assert np.linalg.norm(found - found.T) <= 1e-13 * scale
    assert np.linalg.norm(expected) > 1e-6 * scale


@pytest.mark.parametrize("name", NETWORKS)
def test_a_convex_loss_gives_a_semidefinite_matrix(name: str) -> None:
    program, wrt, at = losses(name)
    point = drawn(program, 2, SIZES)
    found = matrix(gauss_newton(program, wrt, at), point, wrt)
    values = np.linalg.eigvalsh((found + found.T) / 2)
    assert values[0] >= -1e-13 * values[-1]
    assert values[-1] > 0
    if name not in (
        "softmax_regression",
    ):  # elsewhere the Hessian has negative curvature that this leaves out
        whole = matrix(hvp(program, wrt, unit=True), point, wrt, "_bar_dot")
        assert np.linalg.eigvalsh((whole + whole.T) / 2)[0] < -1e-6 * values[-1]


def test_a_linear_model_has_nothing_to_leave_out() -> None:
    program, wrt, at = losses("softmax_regression")
    point = Point.drawn(program, 0, SIZES)
    whole = matrix(hvp(program, wrt, unit=True), point, wrt, "_bar_dot")
    assert matrix(gauss_newton(program, wrt, at), point, wrt) == pytest.approx(whole, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", ["linear", "softmax", "layernorm", "attention", "lstm"])
def test_a_layer_alone_gives_the_product_of_its_jacobians(name: str) -> None:
    program = layer(name)
    point = Point.drawn(program, 0, {"T": 3, "m": 2, "n": 4, "d": 2, "k": 5, "D": 3})
    squared = gauss_newton(program)
    found = point.evaluated(squared)
    ahead = point.evaluated(jvp(program))
    seeds = {name: ahead[name + "_dot"] for name in point.cotangents}
    expected = replace(point, cotangents=seeds).evaluated(vjp(program))
    for output in squared.outputs:
        assert np.linalg.norm(found[output] - expected[output]) <= 1e-12 * np.linalg.norm(expected[output])


def test_a_loss_that_begins_nowhere_is_refused() -> None:
    program = define("two(X[m], W[m]) -> L\n    H[i] = W[i]^2\n    L = mean_{i} X[i] W[i] W[i]")
    with pytest.raises(DeriveError, match="L does not depend on H, so no loss begins there"):
        gauss_newton(program, ("W",), "H")

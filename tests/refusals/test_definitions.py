"""Definitions and networks that mean nothing: the error names the thing, both sizes and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from codegen.emit import emit
from derive.calculus.definition.define import define
from derive.calculus.definition.graph import Graph
from derive.calculus.derivation.vjp import vjp
from derive.errors import DeriveError
from derive.layers.dense import linear
from derive.networks.assembly import Assembly

DEFINITIONS = {
    "two sizes of one index": (
        "f(X[m,n], W[k,d]) -> Y\n Y[i,j] = sum_{p} X[i,p] W[p,j]",
        "runs over k in W .* but over n in X",
    ),
    "an unknown tensor": ("f(X[m]) -> Y\n Y[i] = Z[i]", "Z"),
    "too few indices": ("f(X[m,n]) -> Y\n Y[i] = X[i]", "2 axes"),
    "a cycle": ("f(x[n]) -> A\n A[i] = B[i]\n B[i] = A[i]", "B"),
    "an extent that is not said": ("f(x[n]) -> y\n y[t] = 1", "extent of"),
    "no start value": ("f(x[n]) -> H\n for t < T:\n  H[t+1,j<n] = H[t,j] + x[j]", "H"),
    "an output that is not defined": ("f(x[n]) -> y\n z[i] = x[i]", "y"),
    "an input assigned": ("f(x[n]) -> x\n x[i] = 1", "x"),
    "declared twice": ("f(x[n], x[n]) -> y\n y[i] = x[i]", "twice"),
    "assigned twice": ("f(x[n]) -> y\n y[i] = x[i]\n y[i] = 2*x[i]", "y"),
    "a range of no element": ("f(x[3]) -> y\n y[i<3-4] = x[i]", "runs over -1 .* make the size at least 1"),
    "a window wider than its input": (
        "f(x[2]) -> y\n y[i<2-4+1] = sum_{u<4} x[i+u]",
        "runs over -1 .* make the size at least 1",
    ),
    "a fact that needs equal sizes": (
        "f(A[m,n]) -> L\n fact A[i,j] = A[j,i]\n L = sum_{i,j} A[i,j]",
        r"over m in A \(m, n\) but over n .* make the two sizes equal",
    ),
    "an index that runs out of its axis": (
        "f(x[3]) -> y\n y[i<2] = x[i+4]",
        "never inside axis 3, whose size is 3",
    ),
    "a function without a derivative": ("f(x[n]) -> y\n y[i] = floor(x[i])", "unknown function 'floor'"),
    "unbalanced": ("f(x[n]) -> y\n y[i] = (x[i]", "at its end"),
}


@pytest.mark.parametrize("case", DEFINITIONS)
def test_a_definition_that_means_nothing(case: str) -> None:
    text, expected = DEFINITIONS[case]
    with pytest.raises(DeriveError, match=expected):
        define(text, T=3) if "T" in text else define(text)


def test_a_layer_of_other_sizes_names_both() -> None:
    graph = Graph("net")
    data, weight, bias = graph.input("X", "m", 20), graph.input("W1", 784, 100), graph.input("b1", 100)
    with pytest.raises(DeriveError, match=r"linear: axis n is 20 in X .* but 784 in W1"):
        graph.apply(linear(), data, weight, bias)


def test_a_product_of_other_sizes_names_both() -> None:
    graph = Graph("net")
    with pytest.raises(DeriveError, match="is 20 but axis 784"):
        graph.input("X", "m", 20) @ graph.input("W", 784, 10)


def test_a_parameter_that_the_loss_does_not_need(tmp_path: Path) -> None:
    net = Assembly("wasteful", "h(X) = X W", {"n": 3, "k": 2})
    data, weight = net.input("X", "m", "n"), net.weight("W", "n", "k")
    net.weight("Q", "n", "k")
    with pytest.raises(DeriveError, match="Q"):
        emit(net.classifier((data @ weight).named("H")), ("numpy", "c"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_integer_has_no_cotangent() -> None:
    program = define("f(integer x[T], E[v,d]) -> Y\n Y[t,j] = E[x[t],j]")
    with pytest.raises(DeriveError, match="only real tensors have cotangents"):
        vjp(program, ("x",))


def test_an_unknown_axis_is_named() -> None:
    graph = Graph("net")
    with pytest.raises(DeriveError, match="no axis 'z'"):
        graph.input("X", "m", "n").sum("z")

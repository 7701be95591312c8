"""A size that is called as a tensor is: refused where a person named both, kept apart where we named one."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sympy import Integer

from codegen.emit import emit
from codegen.names import NameRefused
from derive.calculus.definition.define import define
from derive.calculus.program.network import Network
from derive.networks.assembly import Assembly

CENTRE = define("centre(X[m,n]) -> Y\n    Y[i,j] = n X[i,j] - sum_{q} X[i,q]")


def network(size: str) -> Network:
    """Softmax cross entropy of centred rows of so many columns: the pullback divides by the size."""
    net = Assembly("named", "h(X) = centred(X W1) W2", {"n": 5, size: 4, "k": 3})
    first, second = (
        net.normal(name, axes, Integer(1)) for name, axes in (("W1", ("n", size)), ("W2", (size, "k")))
    )
    rows = net.graph.apply(CENTRE, net.input("X", "m", "n") @ first, Y="Z2")
    return net.classifier((rows @ second).named("Z3", "linear"))


def gradients(size: str, out: Path) -> Any:
    emit(network(size), ("numpy",), out / size)
    spec = importlib.util.spec_from_file_location(f"named_{size}", out / size / "named" / "named.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    X, y = np.linspace(-1, 1, 30).reshape(6, 5), np.arange(6, dtype=np.int32) % 3
    return module.gradients(module.init(0, np.float64), X, y)


@pytest.mark.parametrize("size", ["T", "E", "S", "Z2", "Z3_max"])
def test_what_is_computed_has_another_name(size: str, tmp_path: Path) -> None:
    loss, found = gradients(size, tmp_path)
    right_loss, right = gradients("d", tmp_path)
    assert loss == right_loss
    assert all(np.array_equal(a, b) for a, b in zip(found, right, strict=True))


@pytest.mark.parametrize(
    ("size", "what"),
    [
        ("L", "loss"),
        ("X", "tensor"),
        ("y", "tensor"),
        ("W1", "parameter"),
        ("Z3", "output"),
        ("p", "argument"),
    ],
)
def test_a_size_that_a_person_called_as_a_tensor_is_refused(size: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(
        NameRefused, match=f"{size} is both a size and the {what}.*rename the size, as {size}1"
    ):
        emit(network(size), ("numpy", "c"), tmp_path)
    assert not list(tmp_path.iterdir())

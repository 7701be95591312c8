"""Tensors that are called as the kernels call their own functions, variables and macros."""

import re
from pathlib import Path

import numpy as np
import pytest

from codegen.emit import emit
from codegen.names import NameRefused
from codegen.tuned.own_names import functions, macros
from derive.calculus.program.network import Network
from derive.networks.assembly import Assembly, activation
from derive.runtime import load

SIZES = {"n": 19, "d": 35, "k": 6}
FUNCTIONS = ("first", "panel", "store", "pack", "check", "total")
VARIABLES = ("x", "kernels", "panels", "finish", "rows", "left")
OTHERS = ("load", "put", "total", "step", "forward", "lane")


def network(name: str, names: tuple[str, ...], size: str = "d") -> Network:
    """X -> relu(X W + b) V, every tensor by a name of the list: data, W, b, hidden, V, logits."""
    data, first, bias, hidden, second, logits = names
    net = Assembly(name, "h(X) = relu(X W + b) V", {"n": 19, size: 35, "k": 6}, most=9)
    array = net.input(data, "m", "n") @ net.weight(first, "n", size) + net.bias(bias, size)
    array = activation("relu")(array).named(hidden, "relu") @ net.weight(second, size, "k")
    return net.classifier(array.named(logits, "linear"))


@pytest.mark.compiler
@pytest.mark.parametrize("names", [FUNCTIONS, VARIABLES, OTHERS], ids=lambda names: names[0])
def test_such_names_compute_as_any_other(tmp_path: Path, names: tuple[str, ...]) -> None:
    emit(network("named", names), ("c", "tuned"), tmp_path)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((9, SIZES["n"])).astype(np.float32)
    y = rng.integers(0, SIZES["k"], 9, dtype=np.int32)
    plain, tuned = (load("named", backend, tmp_path).init(1) for backend in ("c", "tuned"))
    (wanted, slopes), (found, others) = (one.gradients(X, y) for one in (plain, tuned))
    assert abs(found - wanted) <= 1e-6 * abs(wanted)
    for name, slope in slopes.items():
        assert np.linalg.norm(others[name] - slope) <= 1e-5 * np.linalg.norm(slope), name


def test_no_function_is_defined_twice(tmp_path: Path) -> None:
    emit(network("named", FUNCTIONS), ("c", "tuned"), tmp_path)
    text = (tmp_path / "named" / "named_tuned.c").read_text(encoding="utf-8")
    defined = re.findall(r"^(?:APART|static ALWAYS \w+|static \w+) (?:FN|ONE)\((\w+)\)", text, re.MULTILINE)
    assert [name for name in set(defined) if defined.count(name) > 1 and name.endswith("_2")] == []
    assert {"total", "pack_2", "total_2"} <= set(defined)


def test_macros_are_refused_by_name(tmp_path: Path) -> None:
    assert {"vec", "ivec", "LANES", "WIDTH", "SHARED"} <= macros()
    assert not macros() & functions()
    with pytest.raises(NameRefused, match="tensor 'vec' of network 'named' is vec in the source, a macro"):
        emit(network("named", ("X", "W", "b", "vec", "V", "Z")), ("tuned",), tmp_path)
    with pytest.raises(NameRefused, match="size 'width' of network 'named' is WIDTH in the source"):
        emit(network("named", ("X", "W", "b", "Z2", "V", "Z"), "width"), ("tuned",), tmp_path)

"""Names that C, C++ or Python would misread are refused, with a remedy that is itself legal."""

import keyword
from dataclasses import replace

import pytest

from codegen.c.module import render_c
from codegen.names import NameRefused, local_name, require_distinct, require_name, suggestion
from codegen.plan.plan import plan_network
from derive.calculus.expressions.tensor import TensorName
from derive.calculus.program.network import Network
from derive.calculus.program.program import map_equations
from tests.codegen.networks import dense

HOSTILE = ('x); system("id"); //', "", "2x", "_x", "x-y", "x y", "é", "x\n", "*/", "..", "a/b")
KEPT = ("y0", "I", "log", "main", "NAN", "class", "lambda", "int", "double", "sinf", "erfl", "and")


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(NameRefused, match="no identifier") as refused:
        require_name(name, "parameter of network 'mine'")
    assert "parameter of network 'mine'" in str(refused.value)
    assert require_name(suggestion(name), "")


@pytest.mark.parametrize("name", KEPT)
def test_what_a_language_keeps_is_refused(name: str) -> None:
    with pytest.raises(NameRefused, match="keeps for itself"):
        require_name(name, "tensor")
    assert require_name(suggestion(name), "")
    assert require_name(local_name(name, ()), "")


def test_every_python_keyword_is_refused() -> None:
    for name in keyword.kwlist:
        with pytest.raises(NameRefused):
            require_name(name, "tensor")


@pytest.mark.parametrize("name", ["W1", "X", "H", "theta_2", "Z", "d1", "two_layer"])
def test_the_mathematics_keeps_its_names(name: str) -> None:
    assert require_name(name, "tensor") == name
    assert local_name(name, ("p", "b", "w")) == name


def test_two_names_that_would_be_one_constant_are_refused() -> None:
    with pytest.raises(NameRefused, match="both D in upper case"):
        require_distinct([("d", "size"), ("n", "size"), ("D", "size")], "network 'mine'")


def renamed(network: Network, old: str, new: str) -> Network:
    """The network with a data tensor under another name."""
    program = network.program
    head = tuple(replace(t, name=new) if t.name == old else t for t in program.inputs)
    names = {TensorName(old): TensorName(new)}
    changed = map_equations(program, lambda e: replace(e, value=e.value.xreplace(names)))
    return replace(network, program=replace(changed, inputs=head), data=(new,))


@pytest.mark.parametrize("name", ['X); system("id"); //', "int", "y0"])
def test_a_network_with_a_hostile_name_is_never_printed(name: str) -> None:
    with pytest.raises(NameRefused, match="tensor of network 'dense'"):
        render_c(plan_network(renamed(dense(), "X", name)))


def test_a_size_named_as_a_status_is_refused() -> None:
    network = dense()
    with pytest.raises(NameRefused, match="status"):
        render_c(plan_network(replace(network, sizes={**network.sizes, "batch": 3})))

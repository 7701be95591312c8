"""A link through names that nobody gave is the pullback of what lies between, not one partial."""

from __future__ import annotations

import pytest

from codegen.printers.to_text import text
from derive.calculus.definition.define import define
from derive.calculus.derivation.chain import chains
from derive.networks.registry import network


@pytest.mark.parametrize(
    ("name", "by"), [("two_layer", "W2"), ("three_layer", "W1"), ("softmax_regression", "Theta")]
)
def test_the_logits_of_a_cross_entropy(name: str, by: str) -> None:
    program = network(name).program
    (path,) = chains(program, "L", by)
    assert (path[0].above, path[0].below) == ("L", "H")
    assert text(path[0].partial) == "(S[i,q] - [q == y[i]])/m"


def test_a_link_between_given_names_is_one_partial() -> None:
    program = define("f(x[n], w[n]) -> L\n    u[i] = x[i]^2\n    v[i] = sin(u[i]) w[i]\n    L = sum_{i} v[i]")
    (path,) = chains(program, "L", "x")
    assert [(link.above, link.below) for link in path] == [("L", "v"), ("v", "u"), ("u", "x")]
    assert [text(link.partial) for link in path] == ["1", "w[i] cos(u[i])", "2 x[i]"]

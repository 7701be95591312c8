"""A C file whose nests are written once for equations alike is the file without that."""

import pytest

from codegen.c import body as c_body
from codegen.c.layer import render_c_layer
from codegen.c.module import render_c
from codegen.c.nest import Node
from codegen.c.nests import Nest, equation_nest
from codegen.c.places import Places
from codegen.extents import size_names
from codegen.plan.plan import plan_layer, plan_network
from derive.calculus.program.network import Network
from derive.networks.classifiers import perceptron, random_features, residual, softmax_regression
from tests.witnesses.definitions import WITNESSES

NETWORKS = {
    "deep": perceptron((5, 4, 4, 3, 3, 2), ("relu", "tanh", "relu", "tanh"), True, "deep"),
    "regression": softmax_regression(),
    "random": random_features(),
    "residual": residual(),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_c_without_placeholders_is_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_placeholders = _written(NETWORKS[name])
    monkeypatch.setattr(c_body, "alike_nest", _alone)
    assert _written(NETWORKS[name]) == with_placeholders
    assert "~" not in "".join(with_placeholders)


def test_a_layer_without_placeholders_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where sizes that a division gives have names, too."""
    plan = plan_layer(WITNESSES["max_pool"]())
    sizes = dict.fromkeys(size_names(plan.forward), 7)
    with_placeholders = render_c_layer(plan, sizes)
    monkeypatch.setattr(c_body, "alike_nest", _alone)
    assert render_c_layer(plan, sizes) == with_placeholders


def _written(network: Network) -> tuple[str, ...]:
    return tuple(render_c(plan_network(network)))


def _alone(nest: Nest, places: Places, nests: object) -> list[Node]:
    return equation_nest(nest)

"""The networks that `build` builds when none is named."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

from derive.calculus.network import Network
from derive.errors import DeriveError
from derive.networks import classifiers

_NETWORKS: dict[str, Callable[[], Network]] = {
    "softmax_regression": classifiers.softmax_regression,
    "feature_regression": classifiers.feature_regression,
    "linear_features": classifiers.linear_features,
    "random_features": classifiers.random_features,
    "two_layer": classifiers.two_layer,
    "two_layer_sigmoid": partial(classifiers.two_layer, "sigmoid", name="two_layer_sigmoid"),
    "two_layer_tanh": partial(classifiers.two_layer, "tanh", name="two_layer_tanh"),
    "two_layer_cos": partial(classifiers.two_layer, "cos", name="two_layer_cos"),
    "two_layer_softplus": partial(classifiers.two_layer, "softplus", name="two_layer_softplus"),
    "three_layer": classifiers.three_layer,
    "three_layer_bias": partial(classifiers.three_layer, bias=True),
    "residual": classifiers.residual,
    "tiny": classifiers.tiny,
    "curve": classifiers.curve,
}

NETWORKS = tuple(_NETWORKS)


@cache
def network(name: str) -> Network:
    """The definition of a network by name."""
    if name not in _NETWORKS:
        raise DeriveError(f"there is no network {name!r}; the networks are {', '.join(NETWORKS)}")
    return _NETWORKS[name]()

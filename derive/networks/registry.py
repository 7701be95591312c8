"""The networks that `build` builds when none is named; one is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from derive.errors import DeriveError

if TYPE_CHECKING:
    from derive.calculus.program.network import Network

# The module, its function, and what that is called with beside its defaults.
_NETWORKS: dict[str, tuple[str, str, Mapping[str, Any]]] = {
    "softmax_regression": ("classifiers", "softmax_regression", {}),
    "feature_regression": ("classifiers", "feature_regression", {}),
    "linear_features": ("classifiers", "linear_features", {}),
    "random_features": ("classifiers", "random_features", {}),
    "two_layer": ("classifiers", "two_layer", {}),
    **{
        f"two_layer_{sigma}": ("classifiers", "two_layer", {"sigma": sigma, "name": f"two_layer_{sigma}"})
        for sigma in ("sigmoid", "tanh", "cos", "softplus")
    },
    "three_layer": ("classifiers", "three_layer", {}),
    "three_layer_bias": ("classifiers", "three_layer", {"bias": True}),
    "residual": ("classifiers", "residual", {}),
    "tiny": ("classifiers", "tiny", {}),
    "curve": ("classifiers", "curve", {}),
    "lenet": ("lenet", "lenet", {}),
    "gpt": ("gpt", "gpt", {}),
}

NETWORKS = tuple(_NETWORKS)
TUNED = ("two_layer", "three_layer")  # those that `make train` trains, as fast as a machine goes


def targets(name: str) -> tuple[str, ...]:
    """What is emitted of a network, or a layer, where nothing else is asked for."""
    return ("numpy", "c", "tuned") if name in TUNED else ("numpy", "c")


@cache
def network(name: str) -> Network:
    """The definition of a network by name."""
    _require_known(name)
    module, function, options = _NETWORKS[name]
    defined: Network = getattr(import_module(f"derive.networks.{module}"), function)(**options)
    return defined


def variant(
    name: str,
    renamed: str | None = None,
    sigma: str | None = None,
    sizes: Mapping[str, int] | None = None,
    derivatives: tuple[str, ...] = (),
    forms: str = "stable",
    budget: int | None = None,
    buffers: str = "fresh",
) -> Network:
    """A network with another name, activation (a formula in x), sizes (M is the batch's), or more."""
    from derive.calculus.program.roles import require_network, require_sizes
    from derive.networks.classifiers import two_layer

    _require_known(name)
    if sigma is not None and name != "two_layer":
        raise DeriveError(
            f"{name} has no activation to choose; two_layer has: build two_layer --activation '{sigma}'"
        )
    title = name if renamed is None else renamed
    chosen = two_layer(sigma, name=title) if sigma is not None else network(name)
    require_sizes(name, sizes or {})
    unknown = set(sizes or {}) - {*chosen.sizes, chosen.batch}
    if unknown:
        raise DeriveError(
            f"{name} has no size {', '.join(sorted(unknown))}; its sizes are {', '.join(chosen.sizes)}"
        )
    plain = budget is None and forms == "stable" and buffers == "fresh"
    if plain and not any((sigma, renamed, sizes, derivatives)):
        return chosen
    words = [name, *(("--activation", sigma) if sigma else ()), *(("--as", renamed) if renamed else ())]
    for letter, size in (sizes or {}).items():
        words += ["--size", f"{letter}={size}"]
    words += ["--with", ",".join(derivatives)] if derivatives else []
    words += ["--forms", forms] if forms != "stable" else []
    words += ["--budget", str(budget)] if budget is not None else []
    words += ["--buffers", buffers] if buffers != "fresh" else []
    resized = {**chosen.sizes, **(sizes or {})}
    most = resized.pop(chosen.batch, chosen.most)
    changed = replace(chosen, name=title, sizes=resized, most=most, build=tuple(words), budget=budget)
    return require_network(replace(changed, derivatives=derivatives, forms=forms, buffers=buffers))


def _require_known(name: str) -> None:
    if name not in _NETWORKS:
        raise DeriveError(f"there is no network {name!r}; the networks are {', '.join(NETWORKS)}")

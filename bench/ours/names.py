"""The peers' names of parameters and ours: one table; ours stacks what has a `*`, the layers, along an axis.

A network whose names are the same on both sides needs no row.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.data import Array

# The peers' name -> ours, of the GPT. Queries, keys and values lie side by side in both, heads within each.
GPT = {
    "wte": "E",
    "wpe": "P",
    "*.ln1_g": "g1",
    "*.ln1_b": "s1",
    "*.qkv_w": "Wa",
    "*.qkv_b": "ba",
    "*.proj_w": "Wo",
    "*.proj_b": "bo",
    "*.ln2_g": "g2",
    "*.ln2_b": "s2",
    "*.up_w": "Wf",
    "*.up_b": "bf",
    "*.down_w": "Wp",
    "*.down_b": "bp",
    "lnf_g": "g",
    "lnf_b": "s",
}
TABLES: dict[str, Mapping[str, str]] = {"gpt": GPT}


def ours(network: str, parameters: Mapping[str, Array]) -> dict[str, Array]:
    """The peers' initial values by our names; those of all layers stacked in the order of the layers."""
    if network not in TABLES:
        return dict(parameters)
    return {name: _of(theirs, parameters) for theirs, name in TABLES[network].items()}


def _of(theirs: str, parameters: Mapping[str, Array]) -> Array:
    if "*" not in theirs:
        return parameters[theirs]
    layers = sum(1 for name in parameters if name.endswith(theirs.removeprefix("*")))
    return np.stack([parameters[theirs.replace("*", str(layer))] for layer in range(layers)])

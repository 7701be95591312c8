"""The peers' names of parameters and ours: one table, `*` for the layers that ours stacks along its first axis.

A network whose names are the same on both sides needs no row.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.data import Array

# The peers' name -> ours, of the GPT.
GPT = {
    "wte": "E",
    "wpe": "P",
    "*.ln1_g": "g1",
    "*.ln1_b": "h1",
    "*.qkv_w": "W1",
    "*.qkv_b": "b1",
    "*.proj_w": "W2",
    "*.proj_b": "b2",
    "*.ln2_g": "g2",
    "*.ln2_b": "h2",
    "*.up_w": "W3",
    "*.up_b": "b3",
    "*.down_w": "W4",
    "*.down_b": "b4",
    "lnf_g": "g",
    "lnf_b": "h",
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

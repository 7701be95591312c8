"""Where a step went wrong: the first equation whose value is not finite, by the NumPy module's `trace`."""

from pathlib import Path

import numpy as np

from .buffers import Array
from .errors import DescriptionError
from .network import Network
from .numpy_network import load_module


def explain(network: Network, folder: Path, batch: tuple[Array, ...]) -> str:
    """Layer and formula for a message, in the order of the forward pass."""
    broken = [name for name, view in network.parameters.items() if not np.isfinite(view).all()]
    if broken:
        return f"parameter {broken[0]} is not finite"
    try:
        module = load_module(folder, network.name)
    except DescriptionError:
        return "the equation is not known, as the network was built without its NumPy module"
    with np.errstate(all="ignore"):
        for name, value in module.trace(module.Params(**network.parameters), *batch):
            if not np.isfinite(value).all():
                return _equation(network, name)
    return "every forward equation is finite, so a gradient is not"


def _equation(network: Network, name: str) -> str:
    equation = network.description.equation(name)
    if equation is None:
        return f"{name} is the first value that is not finite"
    return f"layer {equation.layer!r}, {equation.formula}, is the first value that is not finite"

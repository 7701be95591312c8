"""A function's value and gradient as emitted, in float32: NumPy and C."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from codegen.c.layer import render_c_layer
from codegen.numpy.layer import render_numpy_layer
from codegen.plan.plan import LayerPlan, plan_layer
from derive.calculus.definition.define import define
from tests.codegen.emitted_c import Array, library, pointer, write
from tests.codegen.emitted_numpy import imported
from tests.ulp.functions import FUNCTIONS

CHUNK = 2**13
"""Numbers of one call in C; it divides all that is tried."""
Pair = tuple[Array, Array]


def planned(name: str) -> LayerPlan:
    return plan_layer(define(f"{name}(x[n]) -> Y\n    Y[i] = {FUNCTIONS[name].formula}"))


def in_numpy(name: str, folder: Path) -> Callable[[Array], Pair]:
    """Value and gradient of an array."""
    module = imported(render_numpy_layer(name, planned(name)), folder, name)

    def both(x: Array) -> Pair:
        with np.errstate(all="ignore"):
            return module.forward(x), module.vjp(x, np.ones_like(x))

    return both


def in_c(name: str, folder: Path) -> Callable[[Array], Pair]:
    """Value and gradient of an array whose length is a multiple of the chunk."""
    write(folder, render_c_layer(planned(name), {"n": CHUNK}))
    built = library(folder / f"{name}.c", "-O2")
    ones = np.ones(CHUNK, np.float32)
    workspace = np.empty(8 * CHUNK, np.float32)

    def both(x: Array) -> Pair:
        assert built[f"{name}_workspace_bytes"]() <= workspace.nbytes
        value, gradient = np.empty_like(x), np.empty_like(x)
        for start in range(0, x.size, CHUNK):
            part = slice(start, start + CHUNK)
            room = pointer(workspace)
            built[f"{name}_forward"](pointer(x[part]), pointer(value[part]), room)
            built[f"{name}_vjp"](pointer(x[part]), pointer(ones), pointer(gradient[part]), room)
        return value, gradient

    return both

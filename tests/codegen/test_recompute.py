"""Keep or recompute: any choice gives the same gradients; a pass that reads the wrong tensor is caught."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial
from itertools import combinations
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from codegen.c_module import render_c
from codegen.numpy_layer import render_numpy_layer
from codegen.numpy_module import render_numpy
from codegen.passes.dce import dce
from codegen.passes.halves import halves
from codegen.passes.one_step import one_step
from codegen.passes.recompute import recompute
from codegen.passes.verify import BrokenProgram, verify
from codegen.plan import Plan, plan_layer, plan_network
from derive.calculus.define import define
from derive.calculus.network import Network
from derive.calculus.program import Program, map_equations
from derive.calculus.tensor import Ref
from derive.check.evaluate import evaluate
from derive.errors import DeriveError
from derive.layers.registry import layer
from derive.networks.registry import network, variant
from tests.codegen.emitted_c import EmittedLayer, drawn
from tests.codegen.emitted_network import EmittedNetwork, real
from tests.codegen.networks import NETWORKS

SIZES = {"T": 5, "m": 3, "n": 4, "d": 2, "D": 3}
LAYERS = ("layernorm", "attention", "lstm", "gru", "elman")


@cache
def small(name: str) -> Network:
    """A network of the registry, few of each size; or one of the tests'."""
    if name in NETWORKS:
        return NETWORKS[name]()
    sizes = {letter: size for letter, size in zip(network(name).sizes, (7, 5, 4, 3), strict=False)}
    return variant(name, sizes={**sizes, "m": 6})


def seeds(program: Program, primal: Program) -> set[str]:
    return {t.name for t in program.inputs} - {t.name for t in primal.inputs}


def values(program: Program, rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {tensor.name: drawn(tensor, SIZES, 2, rng) for tensor in program.inputs}


@pytest.mark.parametrize("name", LAYERS)
def test_whatever_is_kept_a_layer_has_the_same_pullback(name: str) -> None:
    program = plan_layer(layer(name)).vjp
    own = seeds(program, layer(name))
    crossing = sorted(halves(program, own).crossing)
    inputs = values(program, np.random.default_rng(1))
    expected = evaluate(program, inputs, SIZES)
    for left in (*combinations(crossing, 1), tuple(crossing)):
        changed = verify(one_step(verify(recompute(program, own, set(crossing) - set(left)), "recompute")), "step")
        found = evaluate(dce(changed), inputs, SIZES)
        for output in program.outputs:
            np.testing.assert_array_equal(found[output], expected[output], err_msg=f"{name} without {left}")

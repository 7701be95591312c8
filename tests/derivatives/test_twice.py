"""The pullback of a pullback: by X the Hessian of <Y_bar, Y> times u, by Y_bar J u, u its cotangent."""

from __future__ import annotations

import numpy as np
import pytest

from derive.calculus.derivation.hvp import hvp
from derive.calculus.derivation.jvp import jvp
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.tensor import Kind
from derive.calculus.program.program import Program
from derive.check.evaluate import evaluate
from derive.check.oracles import Point
from tests.witnesses.definitions import UNDETERMINED, WITNESSES

NAMES = (
    "softmax",
    "linear",
    "layernorm",
    "attention",
    "conv_s2_d2_p1",
    "max_pool",
    "embedding",
    "cross_entropy",
    "elman",
    "layers_recurrence",
    "vector_layers_recurrence",
)
SIZES = {"elman": {"T": 2, "m": 3, "n": 4, "d": 1}}


def reals(program: Program) -> list[str]:
    return [tensor.name for tensor in program.inputs if tensor.kind is Kind.REAL]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_product_with_the_hessian_and_the_tangent(name: str) -> None:
    program = WITNESSES[name]()
    functions = UNDETERMINED.get(name)
    point = Point.drawn(program, 0, SIZES.get(name), functions=functions)
    bars = {f"{y}_bar": seed for y, seed in point.cotangents.items()}
    dots = {f"{x}_dot": u for x, u in point.directions.items()}
    earlier = {f"{y}_bar1": seed for y, seed in point.cotangents.items()}
    earlier |= {f"{x}_bar1_bar": u for x, u in point.directions.items()}
    twice = vjp(vjp(program), (*reals(program), *bars))
    found, curved, pushed = (
        evaluate(derived, {**point.inputs, **given}, point.sizes, opaque=functions)
        for derived, given in ((twice, earlier), (hvp(program), bars | dots), (jvp(program), dots))
    )
    for x in reals(program):
        assert np.allclose(
            found[f"{x}_bar"], curved[f"{x}_bar_dot"], rtol=1e-9, atol=1e-11, equal_nan=True
        ), x
    for y in program.outputs:
        assert np.allclose(
            found[f"{y}_bar1_bar"], pushed[f"{y}_dot"], rtol=1e-9, atol=1e-11, equal_nan=True
        ), y


def test_a_third_pullback_keeps_all_names_apart() -> None:
    thrice = vjp(vjp(vjp(WITNESSES["softmax"]())))
    assert len(set(thrice.tensors)) == len(thrice.inputs) + len(thrice.locals)

"""Hessian-vector products of every witness at random unequal sizes, and of deep networks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from derive.calculus.definition.define import define
from derive.calculus.derivation.hvp import hvp
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.tensor import Kind
from derive.calculus.program.program import Equation, Program
from derive.check.curvature import curvature_checks
from derive.check.oracles import Point
from tests.witnesses.definitions import UNDETERMINED, WITNESSES

SHORT = {"T": 2, "m": 3, "n": 4, "d": 1}
SIZES = {"lstm": SHORT, "elman": SHORT}  # fifty digits of every step cost time


@pytest.mark.parametrize("name", WITNESSES)
def test_products_agree_with_every_oracle(name: str) -> None:
    program = WITNESSES[name]()
    varied = [tensor.name for tensor in program.inputs if tensor.kind is Kind.REAL]
    point = Point.drawn(program, 0, SIZES.get(name), functions=UNDETERMINED.get(name))
    found = curvature_checks(point, vjp(program, varied), hvp(program))
    failed = [str(check) for check in found if not check.passed]
    assert not failed, f"{name} at {dict(point.sizes)}: {failed}\n{hvp(program)}"


def halved(program: Program, name: str) -> Program:
    """The program with one of its equations wrong by a factor of a half."""
    statements = tuple(
        replace(s, value=s.value / 2) if isinstance(s, Equation) and s.name == name else s
        for s in program.statements
    )
    return program.with_statements(statements)


@pytest.mark.parametrize(("name", "equation"), [("layernorm", "r_dot"), ("two_layer", "W1_bar_dot")])
def test_a_wrong_product_is_caught(name: str, equation: str) -> None:
    program = WITNESSES[name]()
    point = Point.drawn(program, 0)
    wrong = halved(hvp(program), equation)
    caught = {check.name for check in curvature_checks(point, vjp(program), wrong) if not check.passed}
    assert {"symmetry", "exact gradients"} <= caught


def test_a_linear_map_has_no_curvature() -> None:
    product = hvp(define("twice(X[m,n]) -> Y\n    Y[i,j] = 2 X[i,j]"))
    (equation,) = product.defining("X_bar_dot")
    assert equation.value == 0


def test_a_step_is_flat() -> None:
    product = hvp(define("modulus(x[n]) -> y\n    y[i] = abs(x[i]) + max(x[i], 0)"))
    (equation,) = product.defining("x_bar_dot")
    assert equation.value == 0

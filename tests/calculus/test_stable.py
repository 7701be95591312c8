"""Stable forms: equal to what they replace at every exponent, and without what overflows or cancels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Add, Expr, Float, Mul, Pow, exp, log

from codegen.plan.pipeline import lowered
from derive.calculus.definition.define import define
from derive.calculus.derivation.jvp import jvp
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.canonical import canonical
from derive.calculus.program.program import Program
from derive.calculus.stable.removable import VARIABLE as A
from derive.calculus.stable.removable import near_zero
from derive.calculus.stable.stabilise import stabilise
from derive.check.evaluate import evaluate

POINTS = (-300.0, -40.0, -3.0, -0.5, -1e-3, -1e-9, 1e-9, 1e-3, 0.25, 2.0, 37.0, 250.0)
FACTORS = (
    "(1 + exp({k} x[i]))",
    "(exp({k} x[i]) - 1)",
    "(1 + 2 exp({k} x[i]))",
    "(3 + exp({k} x[i]) + exp(2 x[i]))",
)
HELD = (1e-280, 1e280)


@st.composite
def ratios(draw: st.DrawFn) -> str:
    """A product of powers of sums of exponentials, as text."""
    parts = [f"exp({draw(st.integers(-3, 3))} x[i])"]
    for _ in range(draw(st.integers(1, 3))):
        factor = draw(st.sampled_from(FACTORS)).format(k=draw(st.sampled_from((1, 2, -1))))
        power = draw(st.sampled_from((-2, -1, 1, 2)))
        parts.append(f"{factor}^({power})")
    return " * ".join(parts)


@given(ratios())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_ratio_of_exponentials_keeps_its_digits(text: str) -> None:
    program = define(f"f(x[n]) -> Y\nY[i] = {text}")
    x = np.array(POINTS)
    right = evaluate(program, {"x": x}, number=420)["Y"]
    found = evaluate(lowered(program), {"x": x}, number="float64")["Y"]
    for point, value, exact in zip(x, found, right, strict=True):
        if HELD[0] < abs(exact) < HELD[1]:
            assert abs((value - exact) / exact) < 1e-12, (text, point, value, exact)


@pytest.mark.parametrize(
    "formula",
    [
        "x[i]/(1 + exp(-x[i]))",
        "x[i] exp(x[i])/(1 + exp(x[i]))",
        "x[i] tanh(log(1 + exp(x[i])))",
        "log((exp(x[i]) + exp(-x[i]))/2)",
        "log(cosh(x[i]))",
        "(exp(x[i]) - exp(-x[i]))/(exp(x[i]) + exp(-x[i]))",
    ],
)
def test_nothing_grows_through_second_order(formula: str) -> None:
    stable = stabilise(define(f"f(x[n]) -> Y\nY[i] = {formula}"))
    pullback = vjp(stable)
    for program in (pullback, jvp(pullback, wrt=("x",))):
        assert not growing(_last(lowered(program)))


def growing(value: Expr) -> set[Expr]:
    """The exponentials in a value that have no bound."""
    return {node for node in value.atoms(exp) if not node.args[0].is_nonpositive}


def _last(program: Program) -> Expr:
    return next(e.value for e in program.equations() if e.name == program.outputs[-1])


VARIANCE = ("v = mean_{i} x[i]^2 - (mean_{i} x[i])^2", "v = mean_{i} (x[i] - u)^2")
COVARIANCE = ("v = mean_{i} x[i] y[i] - u w", "v = mean_{i} (x[i] - u) (y[i] - w)")
MEANS = "f(x[n], y[n]) -> v\nu = mean_{i} x[i]\nw = mean_{i} y[i]\n"


@pytest.mark.parametrize(("naive", "centred"), [VARIANCE, COVARIANCE])
def test_moments_are_taken_about_the_mean(naive: str, centred: str) -> None:
    assert canonical(_last(stabilise(define(MEANS + naive)))) == canonical(_last(define(MEANS + centred)))


def test_what_is_no_moment_stays() -> None:
    other = define("f(x[n]) -> v\nv = mean_{i} x[i]^2 - 2 (mean_{i} x[i])^2")
    assert canonical(_last(stabilise(other))) == canonical(_last(other))


@pytest.mark.parametrize("quotient", [(exp(A) - 1) / A, log(1 + A) / A])
def test_the_polynomial_near_a_removable_singularity_is_taylors(quotient: Expr) -> None:
    near = near_zero(quotient)
    assert near is not None
    radius, polynomial = near
    edge = Float(radius, 60) * Float("0.999", 60)
    assert abs(polynomial.subs(A, edge) - quotient.subs(A, edge)) < 1e-15


@pytest.mark.parametrize("quotient", [1 / A, exp(A) / A, Mul(A, Pow(Add(1, A), -1), exp(A))])
def test_a_pole_and_a_regular_quotient_have_no_such_polynomial(quotient: Expr) -> None:
    assert near_zero(quotient) is None

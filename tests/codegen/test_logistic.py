"""Logistic functions of computed arguments, by an exponential that may be infinite."""

from typing import Any

import numpy as np
import pytest
from sympy import Abs, Integer, exp

from codegen.numpy.module import render_numpy
from codegen.passes.logistic import logistic
from codegen.plan.plan import plan_network
from derive.calculus.expressions.nodes import Nonnegative, Positive, Where
from derive.calculus.expressions.tensor import Axis, Index, Ref, Size, Tensor
from derive.calculus.program.program import Equation, Program
from derive.networks.registry import variant

N = Size("n")
i, j = map(Index, "ij")
X, A, E, C, Z = (Ref(name, i) for name in "XAECZ")
ROW = (Axis("i", N),)
WHOLE, SLOPE = C - C * E / (1 + E), E / (1 + E * (E + 2))
PARTS = {"A": X**3 + X, "E": exp(-Abs(A)), "C": Where(Nonnegative(A), 1, E)}


def program(**values: Any) -> Program:
    made = tuple(Equation(Ref(name, i), ((i, N),), value) for name, value in {**PARTS, **values}.items())
    return Program("P", (Tensor("X", ROW),), made, (made[-1].name,), tuple(Tensor(e.name, ROW) for e in made))


def values(made: Program) -> dict[str, Any]:
    return {equation.name: equation.value for equation in made.equations()}


def test_the_function_has_the_name_of_the_first_that_is_equal_to_it() -> None:
    found = values(logistic(program(Z=WHOLE, G=X * Z)))
    assert found == {"A": PARTS["A"], "E": exp(-A), "Z": 1 / (1 + E), "G": X * Z}


def test_within_a_value_it_has_the_name_of_the_branch() -> None:
    found = values(logistic(program(G=X * WHOLE)))
    assert found == {"A": PARTS["A"], "E": exp(-A), "C": 1 / (1 + E), "G": X * C}


def test_the_slope_is_guarded_where_it_vanishes() -> None:
    found = values(logistic(program(Z=WHOLE, G=Where(Positive(E), X * SLOPE, Integer(0)) + Z)))
    slope = Ref("Z_slope", i)
    assert found["Z_slope"] == Z / (1 + 1 / E)
    assert found["G"] == Where(Positive(slope), X * slope, Integer(0)) + Z


@pytest.mark.parametrize(
    "given",
    [
        {"A": 2 * X, "Z": WHOLE},  # no sum: the argument is as good as given
        {"Z": WHOLE, "G": E},
        {"Z": WHOLE, "G": C * Z},
        {"Z": WHOLE, "G": Where(Positive(E), X * Z, Integer(0))},
        {"Z": C - E / (1 + E)},
        {"C": Where(Nonnegative(A), E, 1), "Z": WHOLE},
    ],
)
def test_where_something_else_is_read_all_stays(given: dict[str, Any]) -> None:
    made = program(**given)
    assert logistic(made) is made


def test_what_is_returned_stays() -> None:
    made = program(Z=WHOLE)
    made = Program(made.name, made.inputs, made.statements, ("Z", "E"), made.locals)
    assert logistic(made) is made


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("buffers", ["fresh", "planned"])
def test_both_tails_of_a_network_are_those_of_doubles(buffers: str) -> None:
    """Scores up to 1e4, where exp(-A) is infinite and 0."""
    source = render_numpy(
        plan_network(variant("two_layer_sigmoid", sizes={"n": 3, "d": 4, "k": 2}, buffers=buffers))
    )
    assert "where 1/inf is 0" in source
    scope: dict[str, Any] = {"__name__": "two_layer_sigmoid"}
    exec(compile(source, "two_layer_sigmoid", "exec"), scope)
    generator = np.random.default_rng(0)
    X_ = generator.standard_normal((50, 3)) * np.exp(generator.uniform(-3, 9, (50, 1)))
    y = np.zeros(50, np.int32)
    p = scope["init"](0, np.float64)
    p = type(p)(*(10 * W for W in p))
    right, g = scope["gradients"](p, X_, y)
    single = type(p)(*(W.astype(np.float32) for W in p))
    found, h = scope["gradients"](single, X_.astype(np.float32), y)
    assert found == pytest.approx(right, rel=1e-4)
    assert all(np.abs(a - b).max() <= 1e-3 * max(1, np.abs(a).max()) for a, b in zip(g, h, strict=True))


def test_a_product_is_negated_and_not_its_larger_factor() -> None:
    source = render_numpy(plan_network(variant("two_layer_sigmoid")))
    assert "np.exp(-(X @ p.W1))" in source
    assert "-X @" not in source

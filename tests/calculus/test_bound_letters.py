"""A letter may be bound more than once: no index is captured, no two become one."""

import numpy as np
import pytest

from derive.calculus.definition.define import define
from derive.calculus.derivation.jvp import jvp
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.nodes import Sum
from derive.calculus.expressions.substitution import apart, freshened, substitute
from derive.calculus.expressions.tensor import Axis, Index, Size, Tensor
from derive.check.oracles import Point, checks

COSINE = "L = sum_{i} x[i] y[i]/(sqrt(sum_{i} x[i]^2) sqrt(sum_{i} y[i]^2))"
APART = "L = sum_{i} x[i] y[i]/(sqrt(sum_{j} x[j]^2) sqrt(sum_{k} y[k]^2))"
CORRELATION = """a = mean_{i} x[i]
    b = mean_{i} y[i]
    L = sum_{i} (x[i] - a) (y[i] - b)/sqrt(sum_{i} (x[i] - a)^2)/sqrt(sum_{i} (y[i] - b)^2)"""
DEEP = "L = sum_{i} x[i] sum_{i} y[i] sum_{i} x[i] y[i] exp(x[i])"
n, (i, i1, i2, p) = Size("n"), map(Index, ("i", "i1", "i2", "p"))
x, y = (Tensor(name, (Axis("n", n),)) for name in "xy")


@pytest.mark.parametrize("body", [COSINE, APART, CORRELATION, DEEP], ids=["again", "apart", "named", "deep"])
def test_derivatives_of_sums_inside_sums(body: str) -> None:
    program = define(f"f(x[n], y[n]) -> L\n    {body}")
    for check in checks(Point.drawn(program, 3), vjp(program), jvp(program)):
        assert check.passed, str(check)


def test_the_inner_letter_is_another_index() -> None:
    again, apart_ = (vjp(define(f"f(x[n], y[n]) -> L\n    {body}")) for body in (COSINE, APART))
    values = {"x": np.array([3.0, -4.0, 12.0]), "y": np.array([1.0, 2.0, -1.0]), "L_bar": 1.0}
    from derive.check.evaluate import evaluate

    for name in ("x_bar", "y_bar"):
        np.testing.assert_allclose(evaluate(again, values)[name], evaluate(apart_, values)[name], rtol=1e-14)


def test_two_indices_of_one_stem_stay_two() -> None:
    assert apart((i, i1), {"i", "i1"}) == {i: i2, i1: Index("i3")}
    renamed = freshened(Sum(x[i] * y[i1], (i, n), (i1, n)), {"i", "i1"})
    assert len(set(renamed.bound)) == 2


def test_a_new_index_is_none_that_is_bound_inside() -> None:
    nested = Sum(x[i] * Sum(y[i1], (i1, n)) ** 2, (i, n))
    renamed = freshened(nested, {"i"})
    (outer,) = renamed.bound
    (inner,) = next(node for node in renamed.atoms(Sum) if node != renamed).bound
    assert outer not in (i, inner)
    shifted = substitute(Sum(x[i] * x[p] * Sum(y[i1], (i1, n)) ** 2, (i, n)), {p: i})
    (outer,) = shifted.bound
    assert outer not in (i, i1)


def test_sums_that_enclose_each_other_differ() -> None:
    nested = Sum(x[i] * Sum(y[i], (i, n)) ** 2, (i, n))
    renamed = freshened(nested, set())
    (inner,) = next(node for node in renamed.atoms(Sum) if node != renamed).bound
    assert renamed.bound == (i,)
    assert inner != i


def test_a_condition_decides_nothing_in_a_sum_over_its_own_letter() -> None:
    """d (sum_q x_q [x_q > 1/2])^2 = 2 (sum_q x_q [x_q > 1/2]) x_bar: the sum keeps its guard."""
    program = define("f(x[n]) -> y\n    y = (sum_{q} x[q] [x[q] > 1/2])^2")
    (tangent,) = jvp(program).defining("y_dot")
    (pulled,) = vjp(program).defining("x_bar")
    for equation in (tangent, pulled):
        assert "sum_{q<n}(where(x[q] - 1/2 > 0, x[q], 0))" in str(equation)

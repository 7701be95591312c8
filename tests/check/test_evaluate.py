"""The reference interpreter against NumPy loops written out, number systems, and what must be an error."""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from sympy import Expr, Rational, Symbol, exp, oo

from derive.calculus.definition.define import define
from derive.calculus.expressions.nodes import IsZero, Largest, Nonnegative, Sum, Where
from derive.calculus.expressions.tensor import Axis, Index, Kind, Ref, Size, Tensor
from derive.calculus.program.program import Equation, Program, Recurrence
from derive.check.arithmetic import Array, Number, arithmetic
from derive.check.evaluate import evaluate
from derive.check.reader import OutOfRange, Selectors
from derive.errors import DeriveError

I, J, P, T = (Index(letter) for letter in "ijpt")
M, N = Size("m"), Size("n")
SCALARS = ["exp", "log", "sqrt", "tanh", "sinh", "cosh", "sin", "cos", "tan", "atan", "erf", "abs", "sign"]
MPMATH = {"abs": "fabs"}
NUMBERS: tuple[tuple[Number, float], ...] = (("float64", 1e-15), ("float32", 1e-6), (40, 1e-15))
CONVOLUTION = """
conv(X[H,W], K[U,V]) -> Y
    Y[h<((H+1-2*(U-1))//2)+1,w<((W+1-2*(V-1))//2)+1] = sum_{u,v} X[2*h+2*u-1,2*w+2*v-1] K[u,v]
"""


def convolved(x: Array, k: Array) -> Array:
    """Stride 2, dilation 2, padding 1, by a padded copy of x."""
    padded = np.pad(x, 1)
    rows, columns = ((s + 1 - 2 * (u - 1)) // 2 + 1 for s, u in zip(x.shape, k.shape, strict=True))
    y = np.zeros((rows, columns))
    for h in range(rows):
        for w in range(columns):
            window = padded[2 * h :: 2, 2 * w :: 2][: k.shape[0], : k.shape[1]]
            y[h, w] = (window * k).sum()
    return y


def test_a_product_and_a_broadcast(rng: np.random.Generator) -> None:
    program = define("linear(X[m,n], W[n,d], b[d]) -> Y\n    Y[i,j] = sum_{p} X[i,p] W[p,j] + b[j]")
    x, w, b = rng.normal(size=(3, 4)), rng.normal(size=(4, 2)), rng.normal(size=2)
    assert np.allclose(evaluate(program, {"X": x, "W": w, "b": b})["Y"], x @ w + b, rtol=1e-14)


@pytest.mark.parametrize("shape", [(5, 7), (6, 8), (7, 6)])
def test_a_window_reads_zero_outside(rng: np.random.Generator, shape: tuple[int, int]) -> None:
    x, k = rng.normal(size=shape), rng.normal(size=(3, 2))
    assert np.allclose(evaluate(define(CONVOLUTION), {"X": x, "K": k})["Y"], convolved(x, k), rtol=1e-13)


def test_a_gather_and_a_scatter_with_repeated_places(rng: np.random.Generator) -> None:
    embedding = define("embedding(integer x[T], E[v,d]) -> Y\n    Y[t,j] = E[x[t],j]")
    labels, table = np.array([2, 0, 2, 2]), rng.normal(size=(3, 2))
    assert np.array_equal(evaluate(embedding, {"x": labels, "E": table})["Y"], table[labels])
    scatter = embedding.with_statements(
        (
            Equation(
                Ref("Y", Ref("x", T, integer=True), J),
                ((T, Size("T")), (J, Size("d"))),
                Ref("E", Ref("x", T, integer=True), J),
            ),
        )
    )
    counted = evaluate(scatter, {"x": labels, "E": table})["Y"]
    assert np.allclose(counted[:3], table * np.array([[1], [0], [3]]))


def test_a_scatter_writes_nothing_where_its_guard_is_false() -> None:
    x, y = Tensor("x", (Axis("n", N),)), Tensor("y", (Axis("n", N),))
    moved = Equation(y[I - 2], ((I, N),), Where(Nonnegative(I - 2), x[I], 0))
    program = Program("moved", (x,), (moved,), ("y",), (y,))
    assert evaluate(program, {"x": np.arange(5.0)})["y"].tolist() == [2, 3, 4, 0, 0]


def test_the_branch_not_taken_is_neither_nan_nor_an_error() -> None:
    x, y = Tensor("x", (Axis("n", N),)), Tensor("y", (Axis("n", N),))
    guarded = Where(Nonnegative(I - 1), x[I - 1] / x[I], Where(IsZero(I), 7, x[I + 99]))
    program = Program("guarded", (x,), (Equation(y[I], ((I, N),), guarded),), ("y",), (y,))
    for number, _ in NUMBERS:
        found = evaluate(program, {"x": [0.0, 2.0, 4.0]}, number=number)["y"].astype(float)
        assert found.tolist() == [7.0, 0.0, 0.5]


def test_conjuncts_without_data_guard_those_with_data() -> None:
    x, y = Tensor("x", (Axis("n", N),)), Tensor("y", (Axis("n", N),))
    both = Nonnegative(I - 1) & IsZero(x[I - 1] - 2)
    program = Program("both", (x,), (Equation(y[I], ((I, N),), Where(both, 1, 0)),), ("y",), (y,))
    assert evaluate(program, {"x": [2.0, 2.0, 3.0]})["y"].tolist() == [0, 1, 1]


def test_the_maximum_over_nothing_is_minus_infinity() -> None:
    x, y = Tensor("x", (Axis("n", N),)), Tensor("y", (Axis("n", N),))
    largest = Largest(Where(Nonnegative(I - P - 1), x[P], -oo), (P, N))
    program = Program("largest", (x,), (Equation(y[I], ((I, N),), largest),), ("y",), (y,))
    assert evaluate(program, {"x": [3.0, 1.0, 5.0]})["y"].tolist() == [-np.inf, 3, 3]


def test_integers_stay_integers_and_argmax_takes_the_first() -> None:
    program = define("first(X[m,n]) -> y\n    y[i] = argmax_{q} X[i,q]")
    found = evaluate(program, {"X": [[1.0, 5.0, 5.0], [2.0, 1.0, 0.0]]})["y"]
    assert found.dtype == np.int64
    assert found.tolist() == [1, 0]


def test_a_recurrence_forwards_and_backwards() -> None:
    length = Size("T")
    x, s = Tensor("x", (Axis("T", length),)), Tensor("s", (Axis("T+1", length + 1),))
    ahead = Recurrence(T, length, (Equation(s[T + 1], (), s[T] + x[T]),))
    back = Recurrence(T, length, (Equation(s[T], (), s[T + 1] + x[T]),), reverse=True)
    values = np.array([1.0, 2.0, 4.0])
    for start, loop, expected in ((0, ahead, [0, 1, 3, 7]), (length, back, [7, 6, 4, 0])):
        program = Program("sums", (x,), (Equation(s[start], (), Rational(0)), loop), ("s",), (s,))
        assert evaluate(program, {"x": values})["s"].tolist() == expected


def test_ragged_rows_are_padded_with_nan_and_never_read() -> None:
    lengths = Tensor("k", (Axis("m", M),), Kind.INTEGER)
    row = Ref("k", I, integer=True)
    x = Tensor("x", (Axis("i", M), Axis("k[i]", row)))
    y = Tensor("y", (Axis("m", M),))
    values = np.array([[1.0, 2.0, np.nan], [4.0, 8.0, 16.0]])
    inputs = {"k": np.array([2, 3]), "x": values}
    total = Program("rows", (lengths, x), (Equation(y[I], ((I, M),), Sum(x[I, P], (P, row))),), ("y",), (y,))
    assert evaluate(total, inputs)["y"].tolist() == [3, 28]
    beyond = Equation(y[I], ((I, M),), Sum(x[I, P], (P, row + 1)))
    with pytest.raises(OutOfRange, match="has no element 2"):
        evaluate(total.with_statements((beyond,)), inputs)


def test_undetermined_functions_are_the_callers_choice() -> None:
    program = define("apply(X[m]) -> Y\n    Y[i] = f_i(X[i])", opaque=("f",))
    x = Symbol("x", real=True)

    def law(selectors: Selectors, order: int) -> Callable[[Expr], Expr]:
        chosen = (x**2, exp(x))[int(selectors[0])].diff(x, order)
        return lambda argument: chosen.subs(x, argument)

    assert np.allclose(evaluate(program, {"X": [3.0, 0.5]}, opaque={"f": law})["Y"], [9, np.exp(0.5)])
    with pytest.raises(DeriveError, match="undetermined"):
        evaluate(program, {"X": [3.0, 0.5]})


@pytest.mark.parametrize("name", SCALARS)
def test_scalar_functions_agree_in_every_number_system(name: str) -> None:
    program = define(f"scalar(x[n]) -> y\n    y[i] = {name}(x[i])")
    values = np.array([0.3, 1.7])
    with mpmath.workdps(20):
        expected = [float(getattr(mpmath, MPMATH.get(name, name))(value)) for value in values]
    for number, accuracy in NUMBERS:
        found = evaluate(program, {"x": values}, number=number)["y"]
        assert found.dtype == arithmetic(number).dtype
        assert np.allclose(found.astype(float), expected, rtol=accuracy, atol=0)


def test_fifty_digits_are_fifty_digits() -> None:
    program = define("root(x[n]) -> y\n    y[i] = sqrt(x[i])/3 + pi")
    found = evaluate(program, {"x": [2.0]}, number=50)["y"][0]
    with mpmath.workdps(50):
        assert abs(found - (mpmath.sqrt(2) / 3 + mpmath.pi)) < mpmath.mpf(10) ** -48


def test_composite_axes_are_solved_for_their_one_unknown() -> None:
    program = define("pairs(X[m,2*c]) -> Y\n    Y[i,j<c] = X[i,2*j] + X[i,2*j+1]")
    assert evaluate(program, {"X": np.ones((1, 6))})["Y"].tolist() == [[2, 2, 2]]


def test_shapes_that_do_not_fit_name_tensor_axis_and_both_sizes() -> None:
    program = define("product(X[m,n], W[n,d]) -> Y\n    Y[i,j] = sum_{p} X[i,p] W[p,j]")
    with pytest.raises(DeriveError, match=r"axis n is 5 in W \(n, d\) but 4 in X \(m, n\)"):
        evaluate(program, {"X": np.ones((2, 4)), "W": np.ones((5, 3))})
    with pytest.raises(DeriveError, match="has 2 axes"):
        evaluate(program, {"X": np.ones(4), "W": np.ones((4, 3))})
    with pytest.raises(DeriveError, match="which is missing"):
        evaluate(program, {"X": np.ones((2, 4))})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Ref("x", I + 1), "has no element 3"),
        (Ref("x", J), "index j is free"),
        (Ref("z", I), "before an equation defines z"),
        (Ref("x", I) * Size("unknown"), "size unknown is not known"),
    ],
)
def test_what_a_wrong_program_reads_is_an_error(value: Ref, message: str) -> None:
    x, y, z = (Tensor(name, (Axis("n", N),)) for name in "xyz")
    program = Program("wrong", (x,), (Equation(y[I], ((I, N),), value),), ("y",), (y, z))
    with pytest.raises(DeriveError, match=message):
        evaluate(program, {"x": np.ones(3)})


def test_what_no_equation_writes_is_nan() -> None:
    x, y = Tensor("x", (Axis("n", N),)), Tensor("y", (Axis("n", N),))
    program = Program("part", (x,), (Equation(y[I], ((I, N - 1),), x[I]),), ("y",), (y,))
    assert np.isnan(evaluate(program, {"x": np.ones(3)})["y"]).tolist() == [False, False, True]

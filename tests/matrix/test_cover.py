"""The cover of every equation of the witnesses and of their pullbacks: shape and numbers."""

import pytest
from sympy import Integer

from derive.calculus.arrays.algebra import (
    array,
    broadcast,
    difference,
    matmul,
    negative,
    number,
    outer,
    power,
    product,
    quotient,
    reduced,
    total,
    transpose,
)
from derive.calculus.arrays.base import Form, MatrixFormError
from derive.calculus.arrays.check import checked_form
from derive.calculus.arrays.forms import Diagonal, Einsum, Gather, MatMul, OneHot
from derive.calculus.arrays.matrix import matrix_form
from derive.calculus.arrays.meaning import element
from derive.calculus.definition.define import define
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.tensor import Size
from derive.calculus.program.program import Program
from tests.witnesses.definitions import WITNESSES

m, n, d, k = (Size(letter) for letter in "mndk")
X, Y, W = array("X", m, n), array("Y", m, n), array("W", n, d)
SLOW = {"conv_s2_d2_p1", "conv_s3_d2_p0", "depthwise", "max_pool", "average_pool"}


@pytest.mark.parametrize("name", WITNESSES)
def test_every_equation_of_a_witness_is_covered(name: str) -> None:
    joint = vjp(WITNESSES[name]())
    for equation in joint.equations():
        assert isinstance(checked_form(equation, joint, points=1 if name in SLOW else 3), Form)


def covered(text: str, inputs: str) -> Form:
    program = define(f"f({inputs}) -> R\n    {text}")
    return checked_form(program.defining("R")[0], program)


MATRICES = "X[m,n], Y[m,n], W[n,d], A[n,n], b[n], c[m], integer y[m]"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("R[i,j] = sum_{p} X[i,p] W[p,j]", matmul(X, W)),
        ("R[j,i] = sum_{p} X[i,p] W[p,j]", transpose(matmul(X, W))),
        ("R[p,q] = sum_{i} X[i,p] Y[i,q]", matmul(transpose(X), Y)),
        ("R[i,j] = X[i,j] Y[i,j]", product(X, Y)),
        ("R[i] = sum_{j} X[i,j] Y[i,j]", reduced("sum", product(X, Y), 1)),
        ("R[i] = sum_{j} X[i,j]", reduced("sum", X, 1)),
        ("R[j] = sum_{i} X[i,j]", reduced("sum", X, 0)),
        ("R = sum_{i,j} X[i,j]", reduced("sum", X, 0, 1)),
        ("R[j,i] = X[i,j]", transpose(X)),
        ("R[i] = A[i,i]", Diagonal(array("A", n, n))),
        ("R[i,j] = X[i,j] + b[j]", total(X, broadcast(array("b", n), (m, n), (1,)))),
        ("R[i,j] = X[i,j] - c[i]", difference(X, broadcast(array("c", m), (m, n), (0,)))),
        ("R[i,j] = X[i,j]/c[i]", product(X, power(broadcast(array("c", m), (m, n), (0,)), -1))),
        ("R[i,j] = c[i] b[j]", outer(array("c", m), array("b", n))),
        ("R = sum_{i} b[i] b[i]", reduced("sum", power(array("b", n), 2), 0)),
        ("R[i] = sum_{j} A[i,j] b[j]", matmul(array("A", n, n), array("b", n))),
        ("R[j] = sum_{i} A[i,j] b[i]", matmul(array("b", n), array("A", n, n))),
        ("R[i,j] = -2 X[i,j]/m", negative(quotient(product(number(2), X), number(m)))),
        ("R[i,j<n] = X[i,j] - [j == y[i]]", difference(X, OneHot(array("y", m, integer=True), n))),
        ("R[i] = sum_{j} (X[i,j] + Y[i,j])", reduced("sum", total(X, Y), 1)),
    ],
)
def test_small_covers(text: str, form: Form) -> None:
    assert covered(text, MATRICES) == form


def test_a_scatter_is_a_product_with_one_hot_rows() -> None:
    joint = vjp(WITNESSES["embedding"]())
    (equation,) = joint.defining("E_bar")
    T, v = Size("T"), Size("v")
    expected = matmul(transpose(OneHot(array("x", T, integer=True), v)), array("Y_bar", T, d))
    assert checked_form(equation, joint) == expected


def test_what_is_no_matrix_product_is_a_named_einsum() -> None:
    found = covered("R[i,j,p] = sum_{q} T[i,j,q] U[p,i,q]", "T[a,b,c], U[e,a,c]")
    assert isinstance(found, MatMul | Einsum)
    assert isinstance(covered("R[j] = sum_{i,q} T[i,j,q] V[i,q]", "T[a,b,c], V[a,c]"), Einsum)


def test_a_read_at_a_computed_place_is_a_gather() -> None:
    found = covered("R[i] = X[i,y[i]]", MATRICES)
    assert isinstance(found, Gather)
    assert found.unproved == ()


def test_products_are_associated_by_cost() -> None:
    found = covered("R[i] = sum_{p,q} X[i,p] A[p,q] b[q]", MATRICES)
    assert found == matmul(X, matmul(array("A", n, n), array("b", n)))


def test_a_nested_sum_is_regrouped_where_that_is_cheaper() -> None:
    found = covered("R[i] = sum_{q} (sum_{p} X[i,p] A[p,q]) b[q]", MATRICES)
    assert found == matmul(X, matmul(array("A", n, n), array("b", n)))
    as_written = covered("R[i,j] = sum_{q} (sum_{p} X[i,p] A[p,q]) W[q,j]", MATRICES)
    assert as_written == matmul(matmul(X, array("A", n, n)), W)


def test_a_part_of_an_axis_is_not_the_whole() -> None:
    joint = vjp(WITNESSES["concatenate"]())
    assert isinstance(checked_form(joint.defining("X_bar")[0], joint), Gather)


def test_a_guard_is_kept() -> None:
    text = "R[t<n] = sum_{s<n} where(s <= t, A[t,s] b[s], 0)"
    program = define(f"f({MATRICES}) -> R\n    {text}")
    (equation,) = program.defining("R")
    unguarded = define(f"f({MATRICES}) -> R\n    R[t<n] = sum_{{s<n}} A[t,s] b[s]")
    assert checked_form(equation, program) != matrix_form(unguarded.defining("R")[0], unguarded)


def test_commutative_operands_have_one_order() -> None:
    assert product(X, Y) == product(Y, X)
    assert total(X, Y, number(1)) == total(number(1), Y, X)
    assert product(negative(X), Y) == negative(product(X, Y))
    assert transpose(transpose(X)) == X
    assert product(X, X) == power(X, 2)
    assert product(number(0), X) == number(0)
    assert total(X, negative(X)) != X


def test_sizes_that_differ_are_refused() -> None:
    with pytest.raises(MatrixFormError, match="inner sizes"):
        matmul(X, Y)
    with pytest.raises(MatrixFormError, match="differ in shape"):
        product(X, W)


def test_a_wrong_form_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    program = define("f(A[n,n], B[n,n]) -> R\n    R[i,j] = sum_{p} A[i,p] B[p,j]")
    (equation,) = program.defining("R")
    A, B = array("A", n, n), array("B", n, n)
    monkeypatch.setattr("derive.calculus.arrays.check.matrix_form", lambda *_: matmul(transpose(A), B))
    with pytest.raises(MatrixFormError, match="gives"):
        checked_form(equation, program)


def test_a_varying_exponent_is_refused() -> None:
    with pytest.raises(MatrixFormError, match="exponent"):
        covered("R[i,j] = X[i,j]^Y[i,j]", MATRICES)


def test_an_undeclared_tensor_is_refused() -> None:
    program = define("f(X[m,n]) -> R\n    R[i,j] = X[i,j]^2")
    lacking = Program("f", (), program.statements, ("R",), program.locals)
    with pytest.raises(MatrixFormError, match="not declared"):
        matrix_form(program.defining("R")[0], lacking)


def test_zero_is_never_invented() -> None:
    assert covered("R[i,j] = X[i,j] - X[i,j] + b[j] - b[j] + Y[i,j]", MATRICES) == Y
    assert number(Integer(0)) == total()


def test_what_holds_at_equality_alone_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random reals are never equal; every other point has a few values only."""
    joint = vjp(define("peak(Z[m,n]) -> P\nP[i] = max_{j} Z[i,j]"))
    (equation,) = joint.defining("Z_bar")
    assert "== 0" in str(equation)
    checked_form(equation, joint)
    monkeypatch.setattr("derive.calculus.arrays.check.element", lambda form, order: 2 * element(form, order))
    with pytest.raises(MatrixFormError, match="gives"):
        checked_form(equation, joint)

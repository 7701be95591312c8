"""G1-G10 of the lecture in exactly the written form: as structure, never as a string."""

from dataclasses import replace

import pytest
from sympy import Integer

from derive.calculus.arrays.algebra import (
    apply,
    array,
    broadcast,
    difference,
    matmul,
    outer,
    product,
    quotient,
    reduced,
    total,
    transpose,
)
from derive.calculus.arrays.base import Array, Form
from derive.calculus.arrays.check import checked_form
from derive.calculus.arrays.forms import OneHot
from derive.calculus.arrays.matrix import matrix_form
from derive.calculus.arrays.pointwise import VectorApply
from derive.calculus.definition.define import define
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.nodes import Opaque, Sum, VectorMap
from derive.calculus.expressions.tensor import Axis, Index, IntegerRef, Ref, Size, Tensor
from derive.calculus.program.program import Equation, Program
from tests.witnesses.definitions import layers_recurrence, vector_layers_recurrence

m, n, d, k = (Size(letter) for letter in "mndk")
X, W1, W2 = array("X", m, n), array("W1", n, d), array("W2", d, k)
S, I_y = array("S", m, k), OneHot(array("y", m, integer=True), k)

BACKWARD = """
lecture(X[m,n], W1[n,d], W2[d,k], S[m,k], integer y[m]) -> W1_bar, W2_bar
    A1[i,h] = sum_{p} X[i,p] W1[p,h]
    Z2[i,h] = sigma(A1[i,h])
    H_bar[i,j<k] = S[i,j] - [j == y[i]]
    Z2_bar[i,h] = sum_{j} H_bar[i,j] W2[h,j]
    W2_bar[h,j] = sum_{i} Z2[i,h] H_bar[i,j]
    W1_bar[p,h] = sum_{i} X[i,p] slope(A1[i,h]) Z2_bar[i,h]
"""


def form_of(text: str, name: str, *unfold: str, opaque: tuple[str, ...] = ()) -> Form:
    """The checked array form of one equation of a definition."""
    program = define(text, opaque=opaque)
    (equation,) = program.defining(name)
    return checked_form(equation, program, unfold)


def sigma(form: Form, order: int = 0) -> Form:
    return apply("sigma", form, order=order, known=False)


def test_g1_one_example_by_its_logits() -> None:
    text = "one(s[k], integer y) -> h_bar\n    h_bar[j<k] = s[j] - [j == y]"
    label = Array("y", (), (), integer=True)
    assert form_of(text, "h_bar") == difference(array("s", k), OneHot(label, k))


def test_g2_softmax_regression() -> None:
    text = """g2(X[m,n], S[m,k], integer y[m]) -> Theta_bar
    H_bar[i,j<k] = S[i,j] - [j == y[i]]
    Theta_bar[p,j] = sum_{i} X[i,p] H_bar[i,j]"""
    assert form_of(text, "Theta_bar", "H_bar") == matmul(transpose(X), difference(S, I_y))


def test_g3_two_layers_by_the_second() -> None:
    expected = matmul(transpose(sigma(matmul(X, W1))), difference(S, I_y))
    assert form_of(BACKWARD, "W2_bar", "H_bar", "Z2", "A1", opaque=("sigma", "slope")) == expected


def test_g4_two_layers_by_the_first() -> None:
    slope = apply("slope", matmul(X, W1), known=False)
    expected = matmul(transpose(X), product(matmul(difference(S, I_y), transpose(W2)), slope))
    found = form_of(BACKWARD, "W1_bar", "Z2_bar", "H_bar", "A1", opaque=("sigma", "slope"))
    assert found == expected


def derived_two_layers() -> Program:
    """The derived pullback of H = sigma(X W1) W2, sigma undetermined."""
    text = """two(X[m,n], W1[n,d], W2[d,k]) -> H
    A1[i,h] = sum_{p} X[i,p] W1[p,h]
    Z2[i,h] = sigma(A1[i,h])
    H[i,j] = sum_{h} Z2[i,h] W2[h,j]"""
    return vjp(define(text, opaque=("sigma",)))


def test_g3_and_g4_derived() -> None:
    joint = derived_two_layers()
    bars = [e.name for e in joint.equations() if e.name.endswith("_bar")]
    forms = {
        name: checked_form(joint.defining(name)[0], joint, [*(b for b in bars if b != name), "A1", "Z2"])
        for name in ("W1_bar", "W2_bar")
    }
    G, A1 = array("H_bar", m, k), matmul(X, W1)
    assert forms["W2_bar"] == matmul(transpose(sigma(A1)), G)
    assert forms["W1_bar"] == matmul(transpose(X), product(matmul(G, transpose(W2)), sigma(A1, order=1)))


def layer(letter: str, at: object, *extents: object) -> Array:
    return Array(letter, extents, ((0, at),))


def width(at: object) -> Ref:
    return IntegerRef("n", at)


def general_step(bias: bool = False) -> dict[str, Form]:
    """G6 and G7 (with b, G8) for symbolic i and L and undetermined sigma_i, from Z_i W_i alone."""
    i, a, j, p = (Index(letter) for letter in "iajp")
    count, rows = Size("L"), Axis("m", m)
    entering, leaving = Axis("n[i]", width(i)), Axis("n[i+1]", width(i + 1))
    inputs = (
        Tensor("Z", (Axis("i", count), rows, entering)),
        Tensor("W", (Axis("i", count), entering, leaving)),
        Tensor("b", (Axis("i", count), leaving)),
    )
    z, w, b = inputs
    inner = Sum(z[i, a, p] * w[i, p, j], (p, width(i))) + (b[i, j] if bias else 0)
    output = Tensor("Y", (Axis("i", count), rows, leaving))
    loops = ((i, count), (a, m), (j, width(i + 1)))
    step = Equation(output[i, a, j], loops, Opaque("sigma", (i,), inner))
    joint = vjp(Program("step", inputs, (step,), ("Y",), (output,)))
    names = ("Z_bar", "W_bar", "b_bar") if bias else ("Z_bar", "W_bar")
    unfolded = {e.name for e in joint.equations() if e.name.endswith("_bar")}
    return {
        name: checked_form(joint.defining(name)[0], joint, unfolded - {name} | {"A"}, points=2)
        for name in names
    }


def test_g6_and_g7_for_symbolic_layers() -> None:
    i = Index("i")
    here, after = width(i), width(i + 1)
    G, Z, W = layer("Y_bar", i, m, after), layer("Z", i, m, here), layer("W", i, here, after)
    slope = apply("sigma", matmul(Z, W), i, order=1, known=False)
    forms = general_step()
    assert forms["Z_bar"] == matmul(product(G, slope), transpose(W))
    assert forms["W_bar"] == matmul(transpose(Z), product(G, slope))


def test_g8_with_a_bias() -> None:
    i = Index("i")
    here, after = width(i), width(i + 1)
    G, Z, W = layer("Y_bar", i, m, after), layer("Z", i, m, here), layer("W", i, here, after)
    inner = total(matmul(Z, W), broadcast(layer("b", i, after), (m, after), (1,)))
    slope = apply("sigma", inner, i, order=1, known=False)
    assert general_step(bias=True)["b_bar"] == reduced("sum", product(G, slope), 0)


def test_the_recurrence_gives_g6_and_g7() -> None:
    joint = vjp(layers_recurrence())
    i = Index("i")
    here, after = width(i), width(i + 1)
    G, Z, W = layer("Z_bar", i + 1, m, after), layer("Z", i, m, here), layer("W", i, here, after)
    slope = apply("sigma", matmul(Z, W), i, order=1, known=False)
    assert checked_form(joint.defining("W_bar")[0], joint) == matmul(transpose(Z), product(G, slope))
    first = {Index("i"): Integer(0)}
    start = joint.defining("Z_bar")[-1]
    slope_first = apply("sigma", matmul(_at(Z, first), _at(W, first)), Integer(0), order=1, known=False)
    expected = matmul(product(_at(G, first), slope_first), transpose(_at(W, first)))
    assert checked_form(start, joint) == expected


def _at(form: Array, place: dict[Index, Integer]) -> Array:
    extents = tuple(extent.xreplace(place) for extent in form.extents)
    return replace(
        form, extents=extents, subscripts=tuple((k, s.xreplace(place)) for k, s in form.subscripts)
    )


def test_g9_random_features() -> None:
    text = """g9(X[m,n], W[n,d], Theta[d,k]) -> H
    A[i,h] = sum_{p} X[i,p] W[p,h]
    Phi[i,h] = cos(A[i,h])
    H[i,j] = sum_{h} Phi[i,h] Theta[h,j]"""
    joint = vjp(define(text), wrt=("Theta",))
    assert [name for name in joint.tensors if name.endswith("_bar")] == ["H_bar", "Theta_bar"]
    found = checked_form(joint.defining("Theta_bar")[0], joint, ["Phi", "A"])
    W = array("W", n, d)
    assert found == matmul(transpose(apply("cos", matmul(X, W))), array("H_bar", m, k))


def test_g10_one_example_without_a_jacobian() -> None:
    text = """g10(z[n], W[n,d]) -> y
    y[j] = sigma(sum_{p} z[p] W[p,j])"""
    joint = vjp(define(text, opaque=("sigma",)))
    others = [e.name for e in joint.equations() if e.name not in ("z_bar", "W_bar")]
    z, W, v = array("z", n), array("W", n, d), array("y_bar", d)
    slope = sigma(matmul(z, W), order=1)
    forms = {name: checked_form(joint.defining(name)[0], joint, others) for name in ("z_bar", "W_bar")}
    assert forms["z_bar"] == matmul(W, product(v, slope))  # vectors are columns: W (v o sigma'(W^T z))
    assert forms["W_bar"] == outer(z, product(v, slope))


def test_vector_valued_sigma() -> None:
    joint = vjp(vector_layers_recurrence())
    i = Index("i")
    (step,) = joint.defining("A_bar")
    assert any(
        isinstance(part, VectorApply) and part.order == 1 for part in checked_form(step, joint).operands
    )
    j, q = Index("j"), Index("q")
    one = Tensor("z", (Axis("n", n),)), Tensor("v", (Axis("n", n),))
    value = Sum(one[1][j] * VectorMap("sigma", (i, j), one[0][q], (q, n), (Index("p"),)), (j, n))
    target = Tensor("z_bar", (Axis("n", n),))
    program = Program("one", one, (), ("z_bar",), (target,))
    equation = Equation(target[Index("p")], ((Index("p"), n),), value)
    jacobian = VectorApply("sigma", array("z", n), (i,), 1, n)
    assert checked_form(equation, program) == matmul(array("v", n), jacobian)


@pytest.mark.parametrize(
    "altered",
    [
        matmul(transpose(X), total(S, I_y)),
        matmul(transpose(X), difference(I_y, S)),
        quotient(matmul(transpose(X), difference(S, I_y)), array("m")),
        matmul(transpose(array("Z", m, n)), difference(S, I_y)),
    ],
)
def test_an_altered_formula_differs(altered: Form) -> None:
    text = """g2(X[m,n], S[m,k], integer y[m]) -> Theta_bar
    Theta_bar[p,j<k] = sum_{i} X[i,p] (S[i,j] - [j == y[i]])"""
    program = define(text)
    assert matrix_form(program.defining("Theta_bar")[0], program) == matmul(transpose(X), difference(S, I_y))
    assert matrix_form(program.defining("Theta_bar")[0], program) != altered

"""Array forms in the terminal and in LaTeX."""

import pytest

from derive.calculus.arrays.algebra import (
    apply,
    array,
    broadcast,
    difference,
    matmul,
    outer,
    positive,
    power,
    product,
    quotient,
    reduced,
    select,
    total,
    transpose,
)
from derive.calculus.arrays.base import Array, Form
from derive.calculus.arrays.forms import OneHot
from derive.calculus.arrays.pointwise import Indicator
from derive.calculus.expressions.tensor import Index, Size
from derive.show.forms import form_latex, form_text

m, n, d, k, i = Size("m"), Size("n"), Size("d"), Size("k"), Index("i")
X, W1, W2, S = array("X", m, n), array("W1", n, d), array("W2", d, k), array("S", m, k)
G, b = array("G", m, d), array("b", d)
ERROR = difference(S, OneHot(array("y", m, integer=True), k))
SLOPE = apply("sigma", matmul(X, W1), order=1, known=False)
Z = matmul(X, W1)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (matmul(transpose(X), ERROR), "Xᵀ (S - I_y)"),
        (
            matmul(transpose(X), product(matmul(ERROR, transpose(W2)), SLOPE)),
            "Xᵀ (((S - I_y) W2ᵀ) ∘ σ'(X W1))",
        ),
        (reduced("sum", product(G, SLOPE), 0), "(G ∘ σ'(X W1))ᵀ 1"),
        (total(Z, broadcast(b, (m, d), (1,))), "X W1 + 1 bᵀ"),
        (reduced("sum", S, 1), "S 1"),
        (reduced("sum", S, 0, 1), "1ᵀ S 1"),
        (select(positive(Z), Z), "max(X W1, 0)"),
        (select(positive(Z), G), "G ∘ [X W1 > 0]"),
        (Indicator(positive(G)), "[G > 0]"),
        (quotient(ERROR, array("m")), "(S - I_y)/m"),
        (power(array("v", m), -1), "1/v"),
        (outer(array("x", n), b), "x bᵀ"),
        (matmul(array("x", n), W1), "W1ᵀ x"),
        (Array("G", (m, d), ((0, i + 1),)), "G_{i+1}"),
        (apply("sigma", Array("Z", (m, d), ((0, i),)), i, order=1, known=False), "σ_i'(Z_i)"),
    ],
)
def test_text(form: Form, text: str) -> None:
    assert form_text(form) == text


@pytest.mark.parametrize(
    ("form", "latex"),
    [
        (matmul(transpose(X), ERROR), r"X^{\top} \left(S - I_{y}\right)"),
        (matmul(G, transpose(W1)), r"G W_{1}^{\top}"),
        (array("W1_bar", n, d), r"\bar{W}_{1}"),
        (quotient(S, array("m")), r"\frac{S}{m}"),
        (product(G, SLOPE), r"G \circ \sigma'\left(X W_{1}\right)"),
    ],
)
def test_latex(form: Form, latex: str) -> None:
    assert form_latex(form) == latex

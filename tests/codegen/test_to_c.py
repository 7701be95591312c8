"""Expressions in C: precedence, types, powers, divisions that round down."""

import pytest
import sympy
from sympy import Expr, Integer, Rational, exp, sqrt, tanh

from codegen.printers.to_c import ToC, Used
from derive.calculus.expressions.nodes import FloorDiv, IsZero, Nonnegative, Positive, Remainder, Where
from derive.calculus.expressions.tensor import Index, Ref, Size
from derive.errors import DeriveError

i, j = Index("i"), Index("j")
n, m = Size("n"), Size("m")
a, b, c = (Ref(name, i) for name in "abc")
y = Ref("y", i, integer=True)


def printer() -> ToC:
    def element(ref: Ref, to_c: ToC) -> str:
        return ref.name + "".join(f"[{to_c.integer(index)}]" for index in ref.indices)

    return ToC(
        element, lambda e: e.name.upper() if isinstance(e, Size) else None, "net", Used(), {i: n, j: m}
    )


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (a + b - c, "a[i] + b[i] - c[i]"),
        (-a - b, "-a[i] - b[i]"),
        (b - a, "b[i] - a[i]"),
        (a * (b + c), "a[i] * (b[i] + c[i])"),
        (a - (b - c) * 2, "2 * c[i] + a[i] - 2 * b[i]"),
        (a / b / c, "a[i] / (b[i] * c[i])"),
        (1 / a, "1 / a[i]"),
        (a / 2, "a[i] / 2"),
        (3 * a / 4, "3 * a[i] / 4"),
        (-a / m, "-a[i] / (real)M"),
        (a / (n - 1), "a[i] / (real)(N - 1)"),
        (Rational(1, 1000) + a, "a[i] + (real)0.001"),
        (sqrt(2 / sympy.pi) * a, "(real)0.7978845608028654 * a[i]"),
        (a**2, "a[i] * a[i]"),
        (a**3 / b**2, "a[i] * a[i] * a[i] / (b[i] * b[i])"),
        ((a + b) ** 2, "net_square(a[i] + b[i])"),
        (1 - tanh(a) ** 2, "1 - net_square(TANH(a[i]))"),
        (a ** Rational(3, 2), "a[i] * SQRT(a[i])"),
        ((a + 1) ** Rational(-1, 2), "1 / SQRT(a[i] + 1)"),
        (a**7, "POW(a[i], 7)"),
        (2**65 * a, "(real)3.6893488147419103e+19 * a[i]"),
        (2**65 * a / 3, "(real)1.2297829382473034e+19 * a[i]"),
        (a ** Rational(1, 3), "POW(a[i], (real)0.3333333333333333)"),
        (exp(-a), "EXP(-a[i])"),
        (Where(Positive(a), b, 0), "net_where(a[i] > 0, b[i], 0)"),
        (Where(Positive(a), a, 0), "a[i] < 0 ? 0 : a[i]"),
        (c * Where(Positive(a), b, c), "c[i] * net_where(a[i] > 0, b[i], c[i])"),
        (1 / Where(Positive(a), 2, 3), "1 / (a[i] > 0 ? (real)2 : 3)"),
        (c + Where(IsZero(j - y), 1, 0), "c[i] + (real)(j == y[i])"),
        (c - Where(IsZero(j - y), 1, 0), "c[i] - (real)(j == y[i])"),
        (i * a, "(real)i * a[i]"),
    ],
    ids=str,
)
def test_real_expressions(expression: Expr, text: str) -> None:
    assert printer().real(expression) == text


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (2 * i + j - 1, "2 * i + j - 1"),
        (n * (i + 1), "N * (i + 1)"),
        (FloorDiv(i, 2), "i / 2"),
        (FloorDiv(i - j, 2), "net_floor_divide(i - j, 2)"),
        (Remainder(i - j, n), "net_remainder(i - j, N)"),
        (FloorDiv(n - 3, 2) + 1, "(N - 3) / 2 + 1"),
        (2 * FloorDiv(i, 2), "2 * (i / 2)"),
        (y + 1, "y[i] + 1"),
    ],
    ids=str,
)
def test_integer_expressions(expression: Expr, text: str) -> None:
    assert printer().integer(sympy.expand(expression) if expression.is_Add else expression) == text


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (Nonnegative(i - j), "i >= j"),
        (Nonnegative(n - 1 - i - j), "i + j < N"),
        (Nonnegative(2 * i + j - 1), "2 * i + j >= 1"),
        (sympy.And(Nonnegative(i - 1), Positive(a - b)), "i >= 1 && a[i] > b[i]"),
        (IsZero(Remainder(i - j, 2)), "(i - j) % 2 == 0"),
    ],
    ids=str,
)
def test_conditions(condition: sympy.Basic, text: str) -> None:
    assert printer().condition(condition) == text


def test_a_guard_makes_the_division_plain() -> None:
    guarded = Where(Nonnegative(i - j), Ref("a", FloorDiv(i - j, 2)), Integer(0))
    assert printer().real(guarded) == "i >= j ? a[(i - j) / 2] : 0"


def test_what_is_used_is_remembered() -> None:
    to_c = printer()
    to_c.real(exp(a) + (a + b) ** 2)
    assert to_c.used == Used({"exp"}, {"square"})


def test_a_function_without_c_is_refused() -> None:
    with pytest.raises(DeriveError, match="net has no C: gamma"):
        printer().real(sympy.gamma(a))

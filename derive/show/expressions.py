r"""Index expressions in text and LaTeX: sum_{p<n} X[i,p] W[p,j], \sum_{p<n} X_{i,p} W_{p,j}."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Add, And, Mul, Not, Or, Pow, Rational

from derive.calculus.expressions.kinks import extreme
from derive.calculus.expressions.nodes import (
    Condition,
    Finite,
    FloorDiv,
    Opaque,
    Reduction,
    Remainder,
    VectorMap,
    Where,
)
from derive.calculus.expressions.tensor import Ref
from derive.calculus.program.program import Equation
from derive.show.notation import LATEX, TEXT, Notation

SUM, PRODUCT, POWER, ATOM = range(4)


def equation_text(equation: Equation) -> str:
    """One equation for a terminal."""
    return _equation(equation, TEXT)


def equation_latex(equation: Equation) -> str:
    """One equation in LaTeX."""
    return _equation(equation, LATEX)


def scalar(value: Any, notation: Notation) -> str:
    """An expression."""
    return _written(value, notation)[0]


def _equation(equation: Equation, notation: Notation) -> str:
    sign = "+=" if equation.accumulates else "="
    return f"{scalar(equation.target, notation)} {sign} {scalar(equation.value, notation)}"


def _in(node: Any, notation: Notation, level: int) -> str:
    text, own = _written(node, notation)
    return text if own >= level else notation.bracketed(text)


def _written(node: Any, notation: Notation) -> tuple[str, int]:
    for kind, write in _WRITERS:
        if isinstance(node, kind):
            return write(node, notation)
    if node.is_Function:
        function = notation.function(type(node).__name__)
        return notation.call(function, ", ".join(scalar(a, notation) for a in node.args)), ATOM
    return _leaf(node, notation), ATOM if node.is_Symbol or (node.is_Integer and node >= 0) else PRODUCT


def _leaf(node: Any, notation: Notation) -> str:
    if node.is_infinite:
        return ("-" if node.is_extended_negative else "") + notation.infinity
    if node.is_Symbol:
        return notation.name(node.name)
    return str(node)


def _ref(node: Ref, notation: Notation) -> tuple[str, int]:
    indices = [scalar(index, notation).replace(" ", "") for index in node.indices]
    name = notation.name(node.name)
    if notation.latex:
        return notation.subscripted(name, *indices) if indices else name, ATOM
    return f"{name}[{','.join(indices)}]" if indices else name, ATOM


def _sum(node: Add, notation: Notation) -> tuple[str, int]:
    text = ""
    for term in sorted(node.args, key=lambda t: (t.could_extract_minus_sign(), t.is_number, str(t))):
        minus = term.could_extract_minus_sign()
        inner = _in(-term if minus else term, notation, PRODUCT)
        text += (" - " if minus else " + ") + inner if text else ("-" if minus else "") + inner
    return text, SUM


def _product(node: Mul, notation: Notation) -> tuple[str, int]:
    if node.could_extract_minus_sign():
        return f"-{_in(-node, notation, PRODUCT)}", SUM
    above, below = sympy.fraction(node)
    if below == 1:
        factors = sorted(Mul.make_args(above), key=lambda f: (f.has(Reduction), bool(f.atoms(Ref)), str(f)))
        return notation.times.join(_in(factor, notation, POWER) for factor in factors), PRODUCT
    if notation.latex:
        return notation.fraction(scalar(above, notation), scalar(below, notation)), ATOM
    return f"{_in(above, notation, PRODUCT)}/{_in(below, notation, POWER)}", PRODUCT


def _power(node: Pow, notation: Notation) -> tuple[str, int]:
    base, exponent = node.args
    if exponent.could_extract_minus_sign():
        below = Pow(base, -exponent)
        text = scalar(below, notation) if notation.latex else _in(below, notation, POWER)
        return notation.fraction("1", text), ATOM if notation.latex else PRODUCT
    if exponent == Rational(1, 2):
        inner = scalar(base, notation)
        return (f"\\sqrt{{{inner}}}" if notation.latex else f"√({inner})"), ATOM
    top = scalar(exponent, notation)
    return f"{_in(base, notation, ATOM)}^" + (f"{{{top}}}" if notation.latex else top), POWER


def _reduction(node: Reduction, notation: Notation) -> tuple[str, int]:
    ranges = ",".join(f"{scalar(i, notation)}<{scalar(n, notation)}" for i, n in node.ranges)
    sign = {"sum": "\\sum"}.get(node.operator, f"\\{node.operator}") if notation.latex else node.operator
    return f"{sign}_{{{ranges}}} {_in(node.body, notation, PRODUCT)}", PRODUCT


def _where(node: Where, notation: Notation) -> tuple[str, int]:
    condition = scalar(node.condition, notation)
    if node.other == 0 and node.chosen == 1:
        return f"[{condition}]", ATOM
    if node.other == 0 and node.condition.args and node.condition.args[0] == node.chosen:
        return notation.call(notation.function("max"), f"{scalar(node.chosen, notation)}, 0"), ATOM
    larger = extreme(node)
    if larger is not None and node.other != 0:
        pair = ", ".join(scalar(value, notation) for value in larger[1:])
        return notation.call(notation.function(larger[0]), pair), ATOM
    listed = f"{condition}, {scalar(node.chosen, notation)}, {scalar(node.other, notation)}"
    return notation.call(notation.function("where"), listed), ATOM


def _condition(node: Condition, notation: Notation) -> tuple[str, int]:
    if isinstance(node, Finite):
        return notation.finite(scalar(node.expression, notation)), SUM
    left, right = sides(node.expression)
    return f"{scalar(left, notation)} {notation.relation(node.comparison)} {scalar(right, notation)}", SUM


def sides(difference: Any) -> tuple[Any, Any]:
    """The positive terms of a difference, and the others without their sign."""
    terms = Add.make_args(difference)
    left = Add(*(term for term in terms if not term.could_extract_minus_sign()))
    return left, left - difference


def _logic(node: Any, notation: Notation) -> tuple[str, int]:
    parts = sorted(scalar(argument, notation) for argument in node.args)
    if isinstance(node, Not):
        return f"not {parts[0]}", SUM
    return (", " if isinstance(node, And) else " or ").join(parts), SUM


def _divided(node: Any, notation: Notation) -> tuple[str, int]:
    sign = "//" if isinstance(node, FloorDiv) else "%"
    return notation.bracketed(sign.join(_in(argument, notation, POWER) for argument in node.args)), ATOM


def _opaque(node: Opaque, notation: Notation) -> tuple[str, int]:
    function = notation.subscripted(
        notation.function(node.name), *(scalar(s, notation).replace(" ", "") for s in node.selectors)
    )
    return notation.call(function + "'" * node.order, scalar(node.argument, notation)), ATOM


def _vector(node: VectorMap, notation: Notation) -> tuple[str, int]:
    places = [scalar(index, notation) for index in (*node.outputs, *node.by)]
    return notation.call(
        notation.subscripted(notation.function(node.name), *places), scalar(node.body, notation)
    ), ATOM


_WRITERS: tuple[tuple[Any, Any], ...] = (
    (Ref, _ref),
    (Add, _sum),
    (Mul, _product),
    (Pow, _power),
    (VectorMap, _vector),
    (Reduction, _reduction),
    (Where, _where),
    (Condition, _condition),
    ((And, Or, Not), _logic),
    ((FloorDiv, Remainder), _divided),
    (Opaque, _opaque),
)

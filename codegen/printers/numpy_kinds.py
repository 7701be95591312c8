"""What dtype an array form has when NumPy evaluates it.

Reals keep the dtype of the data. An integer or boolean array among them is converted where NumPy would
widen to float64 otherwise; a boolean mask times a real needs no conversion.
"""

from __future__ import annotations

from enum import Enum

from derive.calculus.arrays.base import Array, Form, Number, Positions
from derive.calculus.arrays.forms import Einsum, Gather, MatMul, OneHot, Outer, Reduced
from derive.calculus.arrays.pointwise import (
    Apply,
    Compare,
    Divided,
    Indicator,
    Logic,
    Negative,
    Power,
    Product,
    Quotient,
    Select,
    Total,
)
from derive.calculus.expressions.tensor import IntegerRef, refs


class Element(Enum):
    """The elements of an evaluated form; NUMBER is a Python number, which takes the dtype of its company."""

    REAL = "real"
    INTEGER = "integer"
    TRUTH = "truth"
    NUMBER = "number"


_TRUTHS = (Indicator, OneHot, Compare, Logic)
_ARITHMETIC = (Product, Total, Quotient, Power, Negative)
_ADDING = (Total, MatMul, Einsum)
_COUNTED = (Positions, Divided)
_MIXED = (Product, Total, Outer, MatMul, Einsum, Select, Power, Apply, Quotient)


def element_of(form: Form) -> Element:
    """The kind of a form's elements."""
    if isinstance(form, Number):
        return Element.NUMBER
    if isinstance(form, Array | Gather):
        return Element.INTEGER if form.integer else Element.REAL
    if isinstance(form, _TRUTHS):
        return Element.TRUTH
    if isinstance(form, _COUNTED):
        return Element.INTEGER
    if isinstance(form, _MIXED):
        return _combined(form)
    if isinstance(form, Reduced):
        return _reduced(form)
    return element_of(form.operands[0]) if form.operands else Element.REAL


def needs_dtype(form: Form) -> bool:
    """Whether the elements must be converted to be reals of the data's dtype."""
    return element_of(form) in (Element.INTEGER, Element.TRUTH)


def is_python(form: Form) -> bool:
    """Whether a scalar may be a Python number: a branch that is 0, a truth. Functions make float64 of it."""
    if form.rank:
        return False
    if isinstance(form, Number):
        return all(isinstance(ref, IntegerRef) for ref in refs(form.value))
    if isinstance(form, Select):
        return is_python(form.chosen) or is_python(form.other)
    if isinstance(form, _ARITHMETIC):
        return all(map(is_python, form.operands))
    return isinstance(form, _TRUTHS)


def _reduced(form: Reduced) -> Element:
    if form.operator == "argmax":
        return Element.INTEGER
    inner = element_of(form.operand)
    return Element.REAL if form.operator == "sum" and inner is Element.TRUTH else inner


def _combined(form: Form) -> Element:
    parts = form.operands[1:] if isinstance(form, Select) else form.operands
    kinds = {element_of(part) for part in parts}
    if kinds == {Element.NUMBER}:
        return Element.REAL if isinstance(form, Select) else Element.NUMBER
    if Element.REAL in kinds or _is_fractional(form) or adds_truths(form):
        return Element.REAL
    is_mask = isinstance(form, Product) and kinds == {Element.TRUTH}
    return Element.TRUTH if is_mask else Element.INTEGER


def adds_truths(form: Form) -> bool:
    """Whether truths are added to truths: for NumPy True + True is True, and True - True an error."""
    if not isinstance(form, _ADDING):
        return False
    terms = (part.operand if isinstance(part, Negative) else part for part in form.operands)
    return sum(element_of(term) is Element.TRUTH for term in terms) > 1


def _is_fractional(form: Form) -> bool:
    """Whether the result is real even of integers."""
    if isinstance(form, Power):
        return not (form.exponent.is_integer and form.exponent.is_nonnegative)
    if isinstance(form, Apply | Quotient):
        return True
    return any(isinstance(part, Number) and not part.value.is_integer for part in form.operands)

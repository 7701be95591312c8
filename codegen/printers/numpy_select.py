"""Conditions and branches in NumPy: np.maximum(x, 0), G * (Z > 0), np.where(t >= s, E, 0)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sympy import Add, Integer

from codegen.printers.numpy_joined import joined_code
from codegen.printers.numpy_kinds import is_python
from codegen.printers.numpy_text import (
    ATOM,
    COMPARISON,
    CONDITIONAL,
    CONJUNCTION,
    DISJUNCTION,
    POWER,
    PRODUCT,
    SUM,
    Code,
    call,
)
from codegen.printers.numpy_windows import window_code
from derive.calculus.arrays.algebra import ONE, ZERO, negative, quotient, total
from derive.calculus.arrays.base import Array, Form, Number, Positions
from derive.calculus.arrays.forms import Broadcast, Gather, MatMul, OneHot, Reduced, Transpose
from derive.calculus.arrays.pointwise import Apply, Compare, Logic, Negative, Product, Select, Total
from derive.calculus.expressions.tensor import refs

if TYPE_CHECKING:
    from codegen.printers.to_numpy import NumpyPrinter

_BOUNDED = frozenset({"tanh", "sin", "cos", "erf", "erfc", "atan", "sign", "Abs"})
_FINITE = (Array, MatMul, Product, Total, Negative, Transpose, Broadcast, Reduced, Number, OneHot)
TWO = Number(Integer(2))
_OPPOSITE = {"np.minimum": "np.maximum", "np.maximum": "np.minimum"}
_TURNED = {">": "<", ">=": "<=", "==": "=="}


def compare_code(printer: NumpyPrinter, form: Compare) -> Code:
    """x > 0; a difference is compared side by side, arrays on the left: t >= s."""
    relation, operand = form.relation, form.operand
    if relation == "finite":
        return call("np.isfinite", printer.code(operand).text)
    terms = _terms(operand)
    left = [term for term in terms if not isinstance(term, Negative)]
    right = [term.operand for term in terms if isinstance(term, Negative)]
    if relation == ">=" and operand.integral and ONE in right:
        right.remove(ONE)
        relation = ">"
    if relation == ">=" and _is_triangle(left, right):
        return call("np.tri", printer.size(form.axes[0]), "dtype=bool")
    if not any(term.rank for term in left) and (any(term.rank for term in right) or not left):
        return _sides(printer, right, _TURNED[relation], left)
    return _sides(printer, left, relation, right)


def _is_triangle(left: list[Form], right: list[Form]) -> bool:
    """Whether a comparison is row >= column of a square."""
    if len(left) != 1 or len(right) != 1:
        return False
    row, column = left[0], right[0]
    return (
        isinstance(row, Broadcast)
        and isinstance(column, Broadcast)
        and isinstance(row.operand, Positions)
        and row.operand == column.operand
        and (row.rank, row.kept, column.kept) == (2, (0,), (1,))
    )


def _terms(operand: Form) -> list[Form]:
    """The terms of a difference; the scalar ones are taken apart too."""
    if isinstance(operand, Total):
        return [part for term in operand.terms for part in _terms(term)]
    value = operand.operand if isinstance(operand, Negative) else operand
    if not isinstance(value, Number):
        return [operand]
    signed = value.value if value is operand else -value.value
    return [
        Negative(Number(-term)) if term.could_extract_minus_sign() else Number(term)
        for term in Add.make_args(signed)
    ]


def _sides(printer: NumpyPrinter, left: list[Form], relation: str, right: list[Form]) -> Code:
    before, after = (printer.code(total(*side)).at(SUM) for side in (left, right))
    return Code(f"{before} {relation} {after}", COMPARISON)


def logic_code(printer: NumpyPrinter, form: Logic) -> Code:
    """Conditions joined: of arrays by & | ~, of scalars by and, or, not."""
    codes = [printer.code(part) for part in form.parts]
    if form.operator == "not" and isinstance(form.parts[0], Compare) and form.parts[0].relation == "==":
        return Code(codes[0].text.replace(" == ", " != "), COMPARISON)
    if form.operator == "not":
        return (
            Code(f"~({codes[0].text})", POWER) if form.rank else Code(f"not ({codes[0].text})", CONJUNCTION)
        )
    if not form.rank:
        joined = f" {form.operator} ".join(code.at(COMPARISON) for code in codes)
        return Code(joined, CONJUNCTION if form.operator == "and" else DISJUNCTION)
    sign = " & " if form.operator == "and" else " | "
    return Code(
        sign.join(code.at(POWER) for code in codes), PRODUCT if form.operator == "and" else DISJUNCTION
    )


def _of_steps(form: Form) -> bool:
    """Whether a condition asks for the step of a loop alone: a branch not taken may be out of range there."""
    if isinstance(form, Logic):
        return all(_of_steps(part) for part in form.parts)
    return isinstance(form, Compare) and isinstance(form.operand, Number) and not refs(form.operand.value)


def select_code(printer: NumpyPrinter, form: Select) -> Code:
    """A branch: the larger of two, a mask where that is safe, else np.where."""
    found = _extreme(printer, form) or joined_code(printer, form)
    if found is None and isinstance(form.chosen, Gather) and form.chosen.rank == form.rank:
        found = window_code(printer, form.chosen, form.condition, form.other)
    if found is not None:
        return found
    condition = printer.code(form.condition)
    if not form.rank or (not form.condition.rank and _of_steps(form.condition)):
        values = [printer.code(value).at(DISJUNCTION) for value in (form.chosen, form.other)]
        return Code(f"{values[0]} if {condition.at(DISJUNCTION)} else {values[1]}", CONDITIONAL)
    chosen, other = printer.operands(form, (form.chosen, form.other))
    if form.other == ZERO and form.chosen.rank == form.rank and _maskable(form):
        return Code(f"{chosen.at(POWER)} * {condition.at(ATOM)}", PRODUCT)
    printer.discards |= not (_maskable(form) and stays_finite(form.other))
    code = call("np.where", condition.text, chosen.text, other.text)
    if isinstance(form.chosen, Number) and isinstance(form.other, Number):
        printer.uses_dtype = True
        return Code(f"{code.text}.astype({printer.dtype})")
    return code


def extreme(form: Select) -> str | None:
    """where(a > b, a, b) is the larger; ties of where(a > b, a, where(b > a, b, (a + b)/2)) agree with it."""
    if not isinstance(form.condition, Compare) or form.condition.relation not in (">", ">="):
        return None
    gap, other = form.condition.operand, untied(form)
    pairs = {
        inner: (_clipped(form.chosen, other, inner), _clipped(other, form.chosen, inner))
        for inner in _OPPOSITE
    }
    for inner, (a, b) in pairs.items():
        larger, smaller = (a, b) if inner == "np.minimum" else (b, a)
        if total(larger, negative(smaller)) == gap:
            return _OPPOSITE[inner]
    return None


def _clipped(form: Form, bound: Form, function: str) -> Form:
    """x of max(x, c) < b, which says x < b where c <= b, and of min(x, c) > b, where c >= b."""
    if not isinstance(form, Select) or not isinstance(form.other, Number) or not isinstance(bound, Number):
        return form
    room = (
        bound.value - form.other.value
    )  # a clip's own bound stands last, as derive.calculus.expressions.kinks writes it
    if function == "np.minimum":
        room = -room
    return form.chosen if room.is_nonnegative and extreme(form) == function else form


def untied(form: Select) -> Form:
    """The other value, of a tie the one that is not the mean."""
    other = form.other
    return (_beyond_tie(form.chosen, other) or other) if isinstance(other, Select) else other


def _extreme(printer: NumpyPrinter, form: Select) -> Code | None:
    function = extreme(form)
    if function is None:
        return None
    pair = form.chosen, untied(form)
    codes = map(printer.held, pair) if all(map(is_python, pair)) else printer.operands(form, pair)
    return call(function, *(code.text for code in codes))


def is_mask(form: Select) -> bool:
    """Whether a branch is its chosen value times a mask of arrays, as G * (Z > 0)."""
    if not form.condition.rank or form.other != ZERO or form.chosen.rank != form.rank:
        return False
    return _maskable(form) and extreme(form) is None and not isinstance(form.chosen, Gather)


def _maskable(form: Select) -> bool:
    """Whether the chosen value times 0 is 0. Where E > 0 guards a product that E is a factor of, it is there
    for the other factors: they may be infinite where E is 0.
    """
    guard = form.condition.operand if isinstance(form.condition, Compare) else None
    factors = form.chosen.factors if isinstance(form.chosen, Product) else ()
    return stays_finite(form.chosen) and not (isinstance(guard, Array) and guard in factors)


def _beyond_tie(chosen: Form, inner: Select) -> Form | None:
    """b of where(b > a, b, mean) and of where(a >= b, mean, b): the mean of a and b stands where they tie."""
    condition = inner.condition
    if not isinstance(condition, Compare) or condition.relation not in (">", ">="):
        return None
    strict = condition.relation == ">"
    other, mean = (inner.chosen, inner.other) if strict else (inner.other, inner.chosen)
    gap = total(other, negative(chosen)) if strict else total(chosen, negative(other))
    middle = quotient(total(chosen, other), TWO)
    spread = quotient(chosen, TWO), quotient(other, TWO)
    return other if condition.operand == gap and mean in (middle, total(*spread)) else None


def stays_finite(form: Form) -> bool:
    """Whether a form of finite arrays is finite, so that times 0 it is 0."""
    if isinstance(form, Apply):
        return form.function in _BOUNDED and all(map(stays_finite, form.operands))
    if isinstance(form, Gather):
        return True
    if isinstance(form, Select):
        return stays_finite(form.chosen) and stays_finite(form.other)
    if isinstance(form, Number):
        return bool(form.value.is_finite)
    if isinstance(form, Product) and _repeats(form):
        return False
    return isinstance(form, _FINITE) and all(map(stays_finite, form.operands))


def _repeats(form: Product) -> bool:
    """Whether a product holds an array twice: x (1 + x^2) can overflow where x cannot."""
    names = [name for factor in form.factors for name in sorted(_arrays(factor))]
    return len(set(names)) < len(names)


def _arrays(form: Form) -> set[str]:
    if isinstance(form, Array):
        return {form.name}
    if not isinstance(form, Product | Total | Negative | Transpose | Broadcast):
        return set()
    return {name for operand in form.operands for name in _arrays(operand)}

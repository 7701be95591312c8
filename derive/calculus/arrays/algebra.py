"""Array forms in one canonical order: x ∘ y and y ∘ x are the same data.

Numbers come first in a product and last in a sum, plain arrays before functions of them; signs and
denominators move out of products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from itertools import groupby

from sympy import Expr, Integer, expand

from derive.calculus.arrays.base import Array, Axes, Form, MatrixFormError, Number
from derive.calculus.arrays.forms import Broadcast, Gather, MatMul, OneHot, Outer, Reduced, Transpose
from derive.calculus.arrays.pointwise import (
    Apply,
    Compare,
    Indicator,
    Negative,
    Power,
    Product,
    Quotient,
    Select,
    Total,
)

ONE, ZERO = Number(Integer(1)), Number(Integer(0))
_IN_PRODUCT: tuple[type[Form], ...] = (
    Number,
    Array,
    OneHot,
    MatMul,
    Outer,
    Total,
    Reduced,
    Power,
    Apply,
    Indicator,
)
_IN_TOTAL: tuple[type[Form], ...] = (
    MatMul,
    Outer,
    Apply,
    Product,
    Quotient,
    Array,
    OneHot,
    Reduced,
    Gather,
    Number,
)


def number(value: Expr | int) -> Number:
    """A scalar."""
    return Number(Integer(value) if isinstance(value, int) else value)


def array(name: str, *extents: Expr, integer: bool = False) -> Array:
    """A named tensor, whole."""
    return Array(name, tuple(extents), (), integer)


def transpose(form: Form, order: tuple[int, ...] = (1, 0)) -> Form:
    """The form with dimension order[k] at place k; Xᵀᵀ = X."""
    if isinstance(form, Transpose):
        return transpose(form.operand, tuple(form.order[k] for k in order))
    if isinstance(form, Negative):
        return negative(transpose(form.operand, order))
    if order == tuple(range(form.rank)) or form.rank < 2:
        return form
    inner = _transposed_inside(form) if order == (1, 0) else None
    return Transpose(form, order) if inner is None else inner


def _transposed_inside(form: Form) -> Form | None:
    """(A B)ᵀ = Bᵀ Aᵀ and (A/c)ᵀ = Aᵀ/c, where no more transposes are written than (...)ᵀ has."""
    if isinstance(form, MatMul) and form.left.rank == form.right.rank == 2:
        turned = MatMul(transpose(form.right), transpose(form.left))
        return turned if _transposes(turned) <= _transposes(form) + 1 else None
    if isinstance(form, Quotient) and not form.denominator.rank:
        return quotient(transpose(form.numerator), form.denominator)
    return None


def _transposes(form: Form) -> int:
    """How many transposes stand in a product."""
    if isinstance(form, MatMul):
        return _transposes(form.left) + _transposes(form.right)
    if isinstance(form, Quotient):
        return _transposes(form.numerator)
    return int(isinstance(form, Transpose))


def matmul(left: Form, right: Form) -> Form:
    """The matrix product, its inner sizes checked."""
    stacked = right.rank - 2 if right.rank > 2 else 0
    if not left.rank or not right.rank or left.axes[-1] != right.axes[stacked]:
        raise MatrixFormError(f"matrix product of {_shape(left)} and {_shape(right)}: the inner sizes differ")
    if stacked and (left.rank != right.rank or left.axes[:stacked] != right.axes[:stacked]):
        raise MatrixFormError(
            f"matrix product of stacks {_shape(left)} and {_shape(right)}: the stacks differ"
        )
    return MatMul(left, right)


def outer(left: Form, right: Form) -> Form:
    """x yᵀ."""
    return Outer(left, right)


def broadcast(form: Form, extents: Axes, kept: tuple[int, ...]) -> Form:
    """The form repeated along the dimensions that are not kept; scalars stay scalars."""
    if not form.rank or kept == tuple(range(len(extents))):
        return form
    if isinstance(form, Negative):
        return negative(broadcast(form.operand, extents, kept))
    if isinstance(form, Power) and form.exponent.could_extract_minus_sign():
        return power(broadcast(power(form.base, -form.exponent), extents, kept), -1)
    if isinstance(form, Quotient) and form.numerator == ONE:
        return power(broadcast(form.denominator, extents, kept), -1)
    if tuple(extents[k] for k in kept) != form.axes:
        raise MatrixFormError(f"{_shape(form)} cannot be repeated as ({_listed(extents)}) at {kept}")
    return Broadcast(form, extents, kept)


def product(*factors: Form) -> Form:
    """The elementwise product; signs, numbers and denominators move out."""
    above: list[Form] = []
    below: list[Form] = []
    value: Expr = Integer(1)
    for factor in _flat(factors):
        if isinstance(factor, Number):
            value = value * factor.value
        elif isinstance(factor, Power) and factor.exponent.could_extract_minus_sign():
            below.append(power(factor.base, -factor.exponent))
        elif isinstance(factor, Quotient):
            above.append(factor.numerator)
            below.append(factor.denominator)
        else:
            above.append(factor)
    _require_equal_ranks((*above, *below))
    if value == 0:
        return ZERO
    negative = value.could_extract_minus_sign()
    top, bottom = (-value if negative else value).as_numer_denom()
    result = _over(_multiplied([number(top), *above]), _multiplied([number(bottom), *below]))
    return Negative(result) if negative else result


def quotient(numerator: Form, denominator: Form) -> Form:
    """The elementwise quotient."""
    return product(numerator, power(denominator, Integer(-1)))


def power(base: Form, exponent: Expr | int) -> Form:
    """The elementwise power by a number."""
    exponent = Integer(exponent) if isinstance(exponent, int) else exponent
    if exponent == 1:
        return base
    if isinstance(base, Number):
        return Number(base.value**exponent)
    if isinstance(base, Power) and exponent.is_integer:
        return power(base.base, base.exponent * exponent)
    return Power(base, exponent)


def negative(form: Form) -> Form:
    """-x; --x = x."""
    return product(number(-1), form)


def total(*terms: Form) -> Form:
    """The elementwise sum."""
    value: Expr = Integer(0)
    rest: list[Form] = []
    for term in terms:
        for part in term.terms if isinstance(term, Total) else (term,):
            inner = part.operand if isinstance(part, Negative) else part
            if isinstance(inner, Number):
                value = value + (inner.value if inner is part else -inner.value)
            else:
                rest.append(part)
    _require_equal_ranks(tuple(rest))
    if value != 0:
        rest.append(Negative(number(-value)) if value.could_extract_minus_sign() else number(value))
    if len(rest) == 1:
        return rest[0]
    return Total(_ordered(rest)) if rest else ZERO


def difference(left: Form, right: Form) -> Form:
    """x - y."""
    return total(left, negative(right))


def reduced(operator: str, form: Form, *over: int) -> Form:
    """A sum, max or argmax over dimensions."""
    if not over:
        return form
    if isinstance(form, Negative) and operator == "sum":
        return negative(reduced(operator, form.operand, *over))
    return Reduced(operator, form, tuple(sorted(over)))


def select(condition: Form, chosen: Form, other: Form = ZERO) -> Form:
    """chosen where the condition holds, else other."""
    if chosen == ONE and other == ZERO:
        return Indicator(condition)
    return Select(condition, chosen, other)


def positive(form: Form) -> Form:
    """x > 0."""
    return Compare(">", form)


def apply(function: str, form: Form, *selectors: Expr, order: int = 0, known: bool = True) -> Form:
    """A scalar function of every element."""
    return Apply(function, form, selectors, order, known)


@cache
def structure(form: Form) -> str:
    """A text that orders forms: equal only for equal structure."""
    return repr(form)


def _flat(factors: Iterable[Form]) -> Iterable[Form]:
    for factor in factors:
        if isinstance(factor, Product):
            yield from _flat(factor.factors)
        elif isinstance(factor, Negative):
            yield number(-1)
            yield from _flat((factor.operand,))
        elif isinstance(factor, Quotient):
            yield from _flat((factor.numerator,))
            yield from (power(f, -1) for f in _flat((factor.denominator,)))
        else:
            yield factor


def _multiplied(factors: list[Form]) -> Form:
    kept = [factor for factor in factors if factor != ONE]
    merged: dict[Form, Expr] = {}
    for factor in kept:
        base, exponent = (factor.base, factor.exponent) if isinstance(factor, Power) else (factor, Integer(1))
        merged[base] = merged.get(base, Integer(0)) + exponent
    unique = [power(base, exponent) for base, exponent in merged.items()]
    if len(unique) == 1:
        return unique[0]
    return Product(_arranged(unique, _factor_key)) if unique else ONE


def _over(numerator: Form, denominator: Form) -> Form:
    return numerator if denominator == ONE else Quotient(numerator, denominator)


def _unwrapped(form: Form) -> Form:
    while isinstance(form, Broadcast | Transpose | Negative):
        form = form.operand
    return form


def _unscaled(form: Form) -> Form:
    """What is multiplied or divided by numbers, 2 log T as log T."""
    inner = _unwrapped(form)
    if isinstance(inner, Quotient) and isinstance(inner.denominator, Number):
        inner = _unwrapped(inner.numerator)
    if not isinstance(inner, Product):
        return inner
    factors = [factor for factor in inner.factors if not isinstance(_unwrapped(factor), Number)]
    return _unwrapped(factors[0]) if len(factors) == 1 else inner


def _place(form: Form, order: tuple[type[Form], ...]) -> int:
    found = [place for place, kind in enumerate(order) if isinstance(form, kind)]
    return found[0] if found else len(order)


def _factor_key(form: Form) -> tuple[int, ...]:
    inner = _unwrapped(form)
    return (form.rank > 0, _place(inner, _IN_PRODUCT), form is not inner)


def _ordered(terms: list[Form]) -> tuple[Form, ...]:
    """Arrays before functions of them where an array leads: x - M + log T keeps the digits that
    x + log T - M rounds away.
    """
    leads = any(not isinstance(term, Negative) and isinstance(_unscaled(term), Array) for term in terms)
    late = {term for term in terms if leads and isinstance(_unscaled(term), Apply | Number)}
    return _arranged(terms, lambda term: (term in late and term != ONE, *_term_key(term)))


def _arranged(forms: Iterable[Form], key: Callable[[Form], tuple[int, ...]]) -> tuple[Form, ...]:
    """By their keys; those with equal keys by their structure, which is dear to spell."""
    found = [list(alike) for _, alike in groupby(sorted(forms, key=key), key=key)]
    return tuple(form for alike in found for form in (sorted(alike, key=structure) if alike[1:] else alike))


def _term_key(form: Form) -> tuple[int, ...]:
    """Positive terms first; among them 1, then what has every dimension, then repeated ones, then numbers."""
    inner = _unwrapped(form)
    return (
        isinstance(form, Negative),
        form != ONE,
        isinstance(inner, Number),
        isinstance(form, Broadcast),
        _place(inner, _IN_TOTAL),
    )


def _require_equal_ranks(forms: tuple[Form, ...]) -> None:
    shapes = {form.axes for form in forms if form.rank}
    if len(shapes) > 1 and len({tuple(expand(size) for size in axes) for axes in shapes}) > 1:
        raise MatrixFormError("elementwise operands differ in shape: " + ", ".join(map(_shape, forms)))


def _shape(form: Form) -> str:
    return f"({_listed(form.axes)})"


def _listed(axes: Axes) -> str:
    return ", ".join(str(size) for size in axes)

"""The order in which a person writes factors and terms: X[i,p] W[p,j] in Y[i,j], H - M, s <= t."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from sympy import Add, And, Expr, Integer, Mul, Number, Pow, Rational
from sympy.core.basic import Basic
from sympy.core.function import Function

from derive.calculus.expressions.nodes import Condition, Remainder, Where, free_indices, reduces
from derive.calculus.expressions.tensor import Index, Ref, refs

Order: TypeAlias = Sequence[Index]


def numerator_denominator(product: Expr, order: Order = ()) -> tuple[int, Number, list[Expr], list[Expr]]:
    """A product as sign, number, factors above and factors below the fraction bar."""
    number, rest = product.as_coeff_Mul()
    above: list[Expr] = []
    below: list[Expr] = []
    for factor in Mul.make_args(rest):
        if isinstance(factor, Pow) and factor.exp.could_extract_minus_sign():
            below.append(Pow(factor.base, -factor.exp))
        elif factor != 1:
            above.append(factor)
    sign = -1 if number.is_negative else 1
    return sign, sign * number, written_order(above, order), written_order(below, order)


def leads(number: Expr, functions: Iterable[str]) -> bool:
    """Whether a number is to be multiplied first: x erfc(-x) overflows where 0.5 x erfc(-x) does not.

    erfc is the one function that is bounded and exceeds 1; a half is exact.
    """
    return bool(number == Rational(1, 2)) and "erfc" in functions


def written_order(factors: Sequence[Expr], order: Order) -> list[Expr]:
    """Sizes, elements in the order of the target's indices, functions, sums."""
    return sorted(factors, key=lambda factor: _place(factor, order))


def _place(factor: Expr, order: Order) -> tuple[int, int]:
    if isinstance(factor, Ref):
        used = free_indices(factor)
        return 1, next((place for place, index in enumerate(order) if index in used), -1)
    if not refs(factor):
        return 0, int(factor.is_Add)
    return (3 if reduces(factor) else 2), 0


def signed_terms(total: Expr) -> list[tuple[bool, Expr]]:
    """The terms of a sum as (negative, magnitude), a positive one first, sums after the rest; elements
    before functions of them, since x - M + log T keeps the digits that x + log T - M rounds away.
    """
    terms = [(True, _magnitude(term)) if _negative(term) else (False, term) for term in Add.make_args(total)]
    plain = any(not negative and refs(term) and not term.has(Function) for negative, term in terms)
    return sorted(
        terms,
        key=lambda item: (
            reduces(item[1]),
            plain and (item[1].is_number or item[1].has(Function)),
            item[0],
            item[1].is_number,
        ),
    )


def _negative(term: Expr) -> bool:
    if isinstance(term, Where):
        return term.other == 0 and bool(term.chosen.as_coeff_Mul()[0].is_negative)
    return bool(term.as_coeff_Mul()[0].is_negative)


def _magnitude(term: Expr) -> Expr:
    return Where(term.condition, -term.chosen, 0) if isinstance(term, Where) else -term


def is_indicator(node: Expr) -> bool:
    """Whether a branch is 1 where its condition holds and 0 elsewhere."""
    return isinstance(node, Where) and node.chosen == 1 and node.other == 0


def comparison(condition: Condition) -> tuple[Expr, str, Expr]:
    """A comparison with zero as a person writes it: t - s >= 0 is s <= t, H - h - 1 >= 0 is h < H."""
    terms = signed_terms(condition.expression)
    number = sum((-t if negative else t for negative, t in terms if t.is_Integer), Integer(0))
    left = Add(*(t for negative, t in terms if not negative and not t.is_Integer))
    right = Add(*(t for negative, t in terms if negative and not t.is_Integer))
    sign = condition.comparison
    if sign == ">=" and number == -1 and right != 0:
        sign, number = ">", Integer(0)
    left, right = (left + number, right) if number > 0 else (left, right - number)
    flips = not left.has(Index) and not refs(left) and sign != "=="
    return (right, sign.replace(">", "<"), left) if flips else (left, sign, right)


def conjuncts(condition: Basic) -> list[Basic]:
    """The parts that all hold: bounds first, then remainders, then what reads data."""
    parts = list(condition.args) if isinstance(condition, And) else [condition]
    return sorted(parts, key=lambda part: (bool(refs(part)), part.has(Remainder)))

"""Sizes divided by a number: (4 a + 6)//2 = 2 a + 3, for a size is an integer."""

from __future__ import annotations

from sympy import Add, Expr, Integer, expand

from derive.calculus.expressions.tensor import Size


def divided_size(size: Expr, divisor: Expr) -> tuple[Expr, Integer] | None:
    """Quotient and remainder where every term in letters is a multiple of the divisor, else None."""
    letters = size.free_symbols
    if not divisor.is_Integer or not letters or not all(isinstance(letter, Size) for letter in letters):
        return None
    constant, terms = expand(size).as_coeff_Add()
    parts = [term.as_coeff_Mul() for term in Add.make_args(terms)]
    if not constant.is_Integer or not all(c.is_Integer and c % divisor == 0 for c, _ in parts):
        return None
    if not all(rest.is_integer for _, rest in parts):
        return None
    whole = Add(*(coefficient / divisor * rest for coefficient, rest in parts))
    return whole + constant // divisor, Integer(constant % divisor)

"""Kinks and their canonical spelling, before anything is differentiated.

    relu'(0) = 0     every max(x, 0) becomes where(x > 0, x, 0)
    |x|'(0) = 0      SymPy's sign(0) = 0
    ties share       max(a, b) is (a + b)/2 where a = b

A branch is closed to an open condition where both sides agree on the boundary, so `x >= 0` and
`x > 0` spell the same function with the same derivative.
"""

from __future__ import annotations

from sympy import Abs, Add, Expr, Integer, Mul, Rational, Symbol

from derive.calculus.nodes import Nonnegative, Positive, Where


def larger(a: Expr, b: Expr) -> Expr:
    """max(a, b), canonical: where(x > 0, x, 0) against a constant; ties share otherwise."""
    if a.is_number:
        a, b = b, a
    if b.is_number:
        return Where(Positive(a - b), a, b)
    return Where(Positive(a - b), a, Where(Positive(b - a), b, (a + b) / 2))


def smaller(a: Expr, b: Expr) -> Expr:
    """min(a, b) = -max(-a, -b)."""
    if a.is_number or b.is_number:
        variable, constant = (b, a) if a.is_number else (a, b)
        return Where(Positive(constant - variable), variable, constant)
    return Where(Positive(b - a), a, Where(Positive(a - b), b, (a + b) / 2))


def canonical_kinks(expression: Expr) -> Expr:
    """The expression with every spelling of a kink in its canonical form."""
    if not expression.args or not expression.has(Where, Abs):
        return expression
    rebuilt = expression.func(*(canonical_kinks(a) if isinstance(a, Expr) else a for a in expression.args))
    if isinstance(rebuilt, Where):
        return _open_condition(rebuilt)
    if isinstance(rebuilt, Mul):
        return _factor_into_branch(rebuilt)
    if isinstance(rebuilt, Add):
        return _half_sum_with_modulus(rebuilt)
    return rebuilt


def _open_condition(node: Where) -> Expr:
    condition = node.condition
    if not isinstance(condition, Nonnegative):
        return _by_sign(node)
    boundary = Symbol("boundary", real=True)
    inner = condition.expression
    agree = node.chosen.xreplace({inner: boundary}).subs(boundary, 0) - node.other.xreplace(
        {inner: boundary}
    ).subs(boundary, 0)
    return _by_sign(Where(Positive(inner), node.chosen, node.other)) if agree == 0 else node


def _by_sign(node: Expr) -> Expr:
    """where(-x > 0, a, b) with equal values at 0 is where(x > 0, b, a)."""
    if isinstance(node, Where) and isinstance(node.condition, Positive):
        inner = node.condition.expression
        if node.chosen == 0 and inner.could_extract_minus_sign():
            return Where(Positive(-inner), node.other, 0) if node.other.subs(inner, 0) == 0 else node
    return node


def _factor_into_branch(product: Mul) -> Expr:
    """f * where(c, a, 0) is where(c, f*a, 0): a strong zero, never 0*inf."""
    for factor in product.args:
        if isinstance(factor, Where) and factor.other == 0:
            rest = product / factor
            return _open_condition(Where(factor.condition, rest * factor.chosen, 0))
    return product


def _half_sum_with_modulus(total: Add) -> Expr:
    """(x + |x|)/2 is where(x > 0, x, 0)."""
    for term in total.args:
        coefficient, factors = term.as_coeff_Mul()
        if isinstance(factors, Abs):
            inner, rest = factors.args[0], total - term
            if coefficient == Rational(1, 2) and (rest - inner / 2).expand() == 0:
                return Where(Positive(inner), inner, Integer(0))
    return total

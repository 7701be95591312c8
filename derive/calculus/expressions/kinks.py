"""Kinks and their canonical spelling, before anything is differentiated.

    relu'(0) = 0     every max(x, 0) becomes where(x > 0, x, 0); min(x, 0)'(0) = 0 likewise
    |x|'(0) = 0      SymPy's sign(0) = 0
    ties share       max(a, b) is (a + b)/2 where a = b
    a clip           min(max(x, c), b) is where(x < b, where(x > c, x, c), b)

Where both branches agree at the kink and one is constant, the constant one holds there, so `x >= 0` and
`x > 0` spell the same function with the same derivative, and so do a function and its mirror.
"""

from __future__ import annotations

from functools import cache

from sympy import Abs, Add, Expr, Integer, Mul, Pow, Rational, Symbol, sign

from derive.calculus.expressions.nodes import Nonnegative, Positive, Where, rebuilt
from derive.calculus.expressions.occurrence import holds, nodes_of


def larger(a: Expr, b: Expr) -> Expr:
    """max(a, b), canonical: where(x > 0, x, 0) against a constant, |a| against -a; ties share otherwise."""
    if a.is_number:
        a, b = b, a
    if b.is_number:
        return Where(Positive(_clipped(a, b, "min") - b), a, b)
    if a == -b:
        return Abs(a)
    return Where(Positive(a - b), a, Where(Positive(b - a), b, (a + b) / 2))


def smaller(a: Expr, b: Expr) -> Expr:
    """min(a, b) = -max(-a, -b)."""
    if a.is_number or b.is_number:
        variable, constant = (b, a) if a.is_number else (a, b)
        return Where(Positive(constant - _clipped(variable, constant, "max")), variable, constant)
    if a == -b:
        return -Abs(a)
    return Where(Positive(b - a), a, Where(Positive(a - b), b, (a + b) / 2))


@cache
def extreme(node: Where) -> tuple[str, Expr, Expr] | None:
    """("max", a, b) where a branch is max(a, b), and ("min", a, b) likewise; a number stands second."""
    condition, a = node.condition, node.chosen
    if not isinstance(condition, Positive | Nonnegative):
        return None
    if not condition.free_symbols <= a.free_symbols | node.other.free_symbols:
        return None
    b = _beyond_tie(a, node.other)
    for name, side, inner in (("max", 1, "min"), ("min", -1, "max")):
        gap = side * (_clipped(a, b, inner) - _clipped(b, a, inner))
        if condition in (type(condition)(gap), type(condition)(_multiplied_out(gap))):
            return (name, b, a) if a.is_number else (name, a, b)
    return None


def _multiplied_out(gap: Expr) -> Expr:
    """SymPy's expansion, which is slow, where there is a bracket to open."""
    return gap.expand() if any(holds(node, Add) for node in nodes_of(gap, Mul, Pow)) else gap


def _is_clip(node: Where) -> bool:
    """where(x < b, max(x, c), b), or where(x > b, min(x, c), b)."""
    return any(_clipped(node.chosen, node.other, name) is not node.chosen for name in ("min", "max"))


def _clipped(value: Expr, bound: Expr, name: str) -> Expr:
    """x of max(x, c) < b, which says x < b where c <= b, and of min(x, c) > b, where c >= b."""
    inner = extreme(value) if isinstance(value, Where) and bound.is_number else None
    if inner is None or inner[0] != name or not inner[2].is_number:
        return value
    room = bound - inner[2] if name == "max" else inner[2] - bound
    return inner[1] if room.is_nonnegative else value


def _beyond_tie(a: Expr, other: Expr) -> Expr:
    """b of where(b > a, b, (a + b)/2), which is left of max(a, b) where a > b does not hold."""
    tied = isinstance(other, Where) and other.other == (a + other.chosen) / 2
    return other.chosen if tied else other


def canonical_kinks(expression: Expr) -> Expr:
    """The expression with every spelling of a kink in its canonical form."""
    if not expression.args or not holds(expression, Where, Abs, sign):
        return expression
    node = rebuilt(expression, (canonical_kinks(a) if isinstance(a, Expr) else a for a in expression.args))
    if isinstance(node, Where):
        return _settled(_oriented(node))
    if isinstance(node, Mul):
        joined = _modulus(node)
        return _factor_into_branch(joined) if isinstance(joined, Mul) else canonical_kinks(joined)
    if isinstance(node, Add):
        return _joined_branches(_half_sum_with_modulus(node))
    return node


def _modulus(product: Mul) -> Expr:
    """x sign(x) is |x|, and x (1 + sign(x)) is x + |x|."""
    for factor in product.args:
        signs = {s.args[0]: s for s in Add.make_args(factor) if isinstance(s, sign)}
        for x in signs.keys() & set(product.args):
            rest = Mul(*(f for f in product.args if f not in (factor, x)))
            return Add(*(rest * (Abs(x) if t == signs[x] else x * t) for t in Add.make_args(factor)))
    return product


def _oriented(node: Where) -> Where:
    """where(-x > 0, a, b) is where(x >= 0, b, a), and where(-x >= 0, a, b) is where(x > 0, b, a)."""
    condition = node.condition
    if not isinstance(condition, Positive | Nonnegative) or condition.expression.is_integer:
        return node
    if not condition.expression.could_extract_minus_sign() or _is_clip(node):
        return node
    opposite = Nonnegative if isinstance(condition, Positive) else Positive
    return Where(opposite(-condition.expression), node.other, node.chosen)


def _settled(node: Where) -> Expr:
    """Where both branches agree at the kink and one is constant, the constant one holds there: slope 0."""
    condition = node.condition
    if not isinstance(condition, Positive | Nonnegative) or condition.expression.is_integer:
        return node
    inner, boundary = condition.expression, Symbol("boundary", real=True)
    chosen, other = (
        branch.xreplace({inner: boundary}).subs(boundary, 0) for branch in (node.chosen, node.other)
    )
    if chosen != other or node.chosen.is_number == node.other.is_number:
        return node
    closed = Nonnegative if node.chosen.is_number else Positive
    return Where(closed(inner), node.chosen, node.other)


def _joined_branches(total: Expr) -> Expr:
    """x + where(c, -x, b) is where(c, 0, x + b): a branch that cancels draws the sum in."""
    for term in Add.make_args(total):
        if isinstance(term, Where):
            rest = total - term
            if 0 in (rest + term.chosen, rest + term.other):
                return _settled(_oriented(Where(term.condition, rest + term.chosen, rest + term.other)))
    return total


def _factor_into_branch(product: Mul) -> Expr:
    """f * where(c, a, 0) is where(c, f*a, 0): a strong zero, never 0*inf; a number enters both branches."""
    for factor in product.args:
        if isinstance(factor, Where):
            rest = product / factor
            if factor.other == 0 or rest.is_number:
                return _settled(_oriented(Where(factor.condition, rest * factor.chosen, rest * factor.other)))
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

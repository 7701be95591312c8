"""Sums of strong zeros under complementary conditions are one branch.

where(c, a, 0) + where(not c, b, 0)    ->    where(c, a, b)
where(c, a, 0) + where(not c, a, 0)    ->    a
"""

from __future__ import annotations

from itertools import permutations

from sympy import Add, And, Expr, Mul, Not, Pow, true
from sympy.core.basic import Basic
from sympy.logic.boolalg import Boolean

from derive.calculus.expressions.bounds import negated
from derive.calculus.expressions.nodes import Where, rebuilt
from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.terms import Product, collected, common, product, without


def joined(value: Expr) -> Expr:
    """The value with every such pair of terms joined, innermost first."""
    if not holds(value, Where):
        return value
    return _joined(value)


def _joined(node: Basic) -> Basic:
    if not node.args or not holds(node, Where):
        return node
    node = rebuilt(node, (_joined(argument) for argument in node.args))
    return _branch(node) if isinstance(node, Add) else node


def _branch(total: Add) -> Expr:
    """The terms under each condition together, and under its opposite beside them."""
    guarded: dict[Boolean, list[Product]] = {}
    rest: list[Expr] = []
    for term in total.args:
        one = product(term) if holds(term, Where) else None
        if one is None or one.condition == true:
            rest.append(term)
        else:
            guarded.setdefault(one.condition, []).append(one)
    if len(guarded) < 2:
        return total
    pair = next(((c, d) for c, d in permutations(guarded, 2) if _opposed(c, d) is not None), None)
    if pair is None:
        return total
    shared, condition = _opposed(*pair) or (true, true)
    chosen, other = guarded.pop(pair[0]), guarded.pop(pair[1])
    left = [part.expression() for parts in guarded.values() for part in parts]
    return _joined(Add(Where(shared, _either(condition, chosen, other), 0), *left, *rest))


def _opposed(one: Boolean, other: Boolean) -> tuple[Boolean, Boolean] | None:
    """What both conditions share, and the one conjunct of the first whose opposite the other has."""
    if not isinstance(one, Not) and negated(one) == other:
        return true, one
    here, there = set(And.make_args(one)), set(And.make_args(other))
    left, right = here - there, there - here
    if len(left) != 1 or len(right) != 1:
        return None
    (condition,), (opposite,) = left, right
    if isinstance(condition, Not) or negated(condition) != opposite:
        return None
    return And(*sorted(here & there, key=str)), condition


def _either(condition: Boolean, chosen: list[Product], other: list[Product]) -> Expr:
    """where(condition, a, b), what is a factor of both before it."""
    outer = common([*chosen, *other])
    branches = (
        collected(Add(*(without(part, outer).expression() for part in parts))) for parts in (chosen, other)
    )
    return Mul(*(Pow(base, power) for base, power in outer.items())) * Where(condition, *branches)

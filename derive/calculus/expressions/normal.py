"""The normal form of sums and guards: everything stands as far out as it can.

sum_p (c*f_p)                 ->  c * sum_p f_p                 c free of p
sum_p where(g and h_p, f, 0)  ->  where(g, sum_p where(h_p, f, 0), 0)
where(c, f, 0) * h            ->  where(c, f*h, 0)              a strong zero
where(c, where(d, f, 0), 0)   ->  where(c and d, f, 0)
where(c, f + where(c, h, 0))  ->  where(c, f + h, 0)
sum_p f                       ->  n * f                         f free of p < n
sum_p where(p = e, f, 0)      ->  where(0 <= e < n, f[p := e], 0)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from sympy import Add, And, Expr, Mul, Not, expand, true
from sympy.core.basic import Basic
from sympy.logic.boolalg import Boolean

from derive.calculus.expressions.bounds import inside, negated, without_proved
from derive.calculus.expressions.nodes import (
    IsZero,
    Nonnegative,
    Positive,
    Range,
    Reduction,
    Sum,
    Where,
    free_indices,
    rebuilt,
)
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.substitution import substitute
from derive.calculus.expressions.tensor import Index


def normal(value: Expr, extents: Mapping[Index, Expr]) -> Expr:
    """The normal form of a value whose free indices run over `extents`."""
    if not holds(value, Sum, Where):
        return value
    return _normal(value, tuple(extents.items()))


@cache
def _normal(value: Expr, outer: tuple[Range, ...]) -> Expr:
    if not isinstance(value, Expr) or not value.args or not holds(value, Sum, Where):
        return value
    if isinstance(value, Sum):
        return _normal_sum(value, outer)
    if isinstance(value, Where):
        return _normal_where(value, outer)
    inner = (*outer, *value.ranges) if isinstance(value, Reduction) else outer
    node = rebuilt(value, (_normal(a, inner) if isinstance(a, Expr) else a for a in value.args))
    return _product(node, outer) if isinstance(node, Mul) else node


def _normal_where(value: Where, outer: tuple[Range, ...]) -> Expr:
    within = _within(value.condition, value.chosen)
    chosen, other = _normal(within, outer), _normal(value.other, outer)
    condition = without_proved(_decided(value.condition), dict(outer))
    if chosen == 0:
        condition, chosen, other = negated(condition), other, chosen
    if other == 0 and isinstance(chosen, Where) and chosen.other == 0:
        both = _decided(And(condition, chosen.condition))
        return Where(without_proved(both, dict(outer)), chosen.chosen, 0)
    return Where(condition, chosen, other)


def _within(condition: Boolean, value: Expr) -> Expr:
    """A value where a condition holds: branches on it, or on its opposite, are decided. A reduction over
    one of the condition's letters has a letter of its own: what stands in it is left.
    """
    opposite = negated(condition)
    if not any(node.condition in (condition, opposite) for node in nodes_of(value, Where)):
        return value
    if isinstance(value, Where) and value.condition in (condition, opposite):
        return _within(condition, value.chosen if value.condition == condition else value.other)
    if isinstance(value, Reduction) and condition.free_symbols & set(value.bound):
        return value
    return rebuilt(value, (_within(condition, a) if isinstance(a, Expr) else a for a in value.args))


def _decided(condition: Boolean) -> Boolean:
    """A conjunction in which what a branch decides is decided: c and where(c, a, b) > 0 is c and a > 0."""
    parts = And.make_args(condition)
    if len(parts) < 2 or not holds(condition, Where):
        return condition
    known = {_without_not(part) for part in parts}
    found: dict[Where, Expr] = {}
    for part in parts:
        if not holds(part, Reduction):
            found |= {n: n.chosen for n in nodes_of(part, Where) if n.condition in known}
    return condition.xreplace(found) if found else condition


def _without_not(condition: Boolean) -> Boolean:
    """not e >= 0 is -e > 0, and not e > 0 is -e >= 0."""
    inner = condition.args[0] if isinstance(condition, Not) else condition
    if inner is condition or not isinstance(inner, Positive | Nonnegative):
        return condition
    return (Nonnegative if isinstance(inner, Positive) else Positive)(-inner.expression)


def _product(product: Mul, outer: tuple[Range, ...]) -> Expr:
    """where(c, f, 0) * where(d, h, 0) * k is where(c and d, f*h*k, 0)."""
    conditions, factors = [], []
    for factor in product.args:
        if isinstance(factor, Where) and factor.other == 0:
            conditions.append(factor.condition)
            factors.append(factor.chosen)
        else:
            factors.append(factor)
    if not conditions:
        return product
    return Where(without_proved(_decided(And(*conditions)), dict(outer)), Mul(*factors), 0)


def _normal_sum(value: Sum, outer: tuple[Range, ...]) -> Expr:
    body = _normal(value.body, (*outer, *value.ranges))
    condition: Boolean = true
    if isinstance(body, Where) and body.other == 0:
        condition, body = body.condition, body.chosen
    if isinstance(body, Sum) and not set(body.bound) & set(value.bound):
        return _normal(Sum(Where(condition, body.body, 0), *value.ranges, *body.ranges), outer)
    ranges, condition, body, solved = _point(value.ranges, condition, body, outer)
    if solved:
        return _normal(Sum(Where(condition, body, 0), *ranges), outer)
    return _pulled(body, condition, ranges, outer)


def _point(
    ranges: tuple[Range, ...], condition: Boolean, body: Expr, outer: tuple[Range, ...]
) -> tuple[tuple[Range, ...], Boolean, Expr, bool]:
    """A conjunct p = e picks one element of the sum over p."""
    conjuncts = condition.args if isinstance(condition, And) else (condition,)
    for conjunct in conjuncts:
        if not isinstance(conjunct, IsZero):
            continue
        for index, extent in ranges:
            weight = conjunct.expression.coeff(index, 1)
            if weight not in (1, -1) or not conjunct.expression.is_integer:
                continue
            place = expand(index - weight * conjunct.expression)
            if place.has(index):
                continue
            rest = tuple((i, substitute(n, {index: place})) for i, n in ranges if i != index)
            guard = And(*(c for c in conjuncts if c != conjunct))
            guard = And(substitute(guard, {index: place}), inside(place, extent, dict((*outer, *rest))))
            return rest, guard, substitute(body, {index: place}), True
    return ranges, condition, body, False


def _pulled(body: Expr, condition: Boolean, ranges: tuple[Range, ...], outer: tuple[Range, ...]) -> Expr:
    bound = [index for index, _ in ranges]
    condition = without_proved(condition, dict((*outer, *ranges)))
    conjuncts = condition.args if isinstance(condition, And) else (condition,)
    inner_guard = And(*(c for c in conjuncts if _depends(c, bound)))
    outer_guard = And(*(c for c in conjuncts if not _depends(c, bound)))
    factors = Mul.make_args(body)
    inner = Mul(*(f for f in factors if _depends(f, bound)))
    free = Mul(*(f for f in factors if not _depends(f, bound)))
    used = [r for r in ranges if _depends(inner, [r[0]]) or _depends(inner_guard, [r[0]])]
    used = [r for r in ranges if r in used or any(_depends(n, [r[0]]) for _, n in used)]
    count = Mul(*(extent for index, extent in ranges if (index, extent) not in used))
    total = Sum(Where(inner_guard, inner, 0), *used)
    return Where(outer_guard, _flat(free * count, total), 0)


def _flat(factor: Expr, total: Expr) -> Expr:
    """factor * total, without SymPy distributing a number over a sum of terms."""
    if isinstance(total, Add) and factor.is_Number and factor not in (1, -1):
        return Mul(factor, total, evaluate=False)
    return factor * total


def _depends(node: Basic, bound: list[Index]) -> bool:
    return not free_indices(node).isdisjoint(bound)

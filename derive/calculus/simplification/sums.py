"""Sums written with fewer operations.

sum_{i,q} f_i g_iq                     ->   sum_i f_i sum_q g_iq
sum_i f_i g_i - sum_i f_i h_i          ->   sum_i f_i (g_i - h_i)
"""

from __future__ import annotations

from itertools import combinations

from sympy import Add, Expr, Mul

from derive.calculus.expressions.nodes import Sum
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.substitution import substitute
from derive.calculus.expressions.tensor import Index
from derive.calculus.expressions.terms import collected, common, product


def nested(value: Expr) -> Expr:
    """Sums over several indices, a factor that misses one before the sum over it:
    sum_{i,q} f_i g_iq is sum_i f_i sum_q g_iq.
    """
    found = {node: _nested(node) for node in nodes_of(value, Sum) if len(node.ranges) > 1}
    changed = {node: new for node, new in found.items() if new is not node}
    return value.xreplace(changed) if changed else value


def _nested(total: Sum) -> Expr:
    factors = Mul.make_args(total.body)
    for index, extent in reversed(total.ranges):
        inner = [factor for factor in factors if factor.has(index)]
        rest = tuple((i, n) for i, n in total.ranges if i != index)
        if inner and len(inner) < len(factors) and not any(n.has(index) for _, n in rest):
            before = Mul(*(factor for factor in factors if not factor.has(index)))
            return Sum(before * Sum(Mul(*inner), (index, extent)), *rest)
    return total


def merged_sums(value: Expr) -> Expr:
    """The value with sums over equal ranges made one where their bodies share a factor."""
    found = {
        node: _merged(node) for node in nodes_of(value, Add) if sum(holds(t, Sum) for t in node.args) > 1
    }
    changed = {node: new for node, new in found.items() if new is not node}
    return value.xreplace(changed) if changed else value


def _merged(total: Add) -> Expr:
    for first, second in combinations(total.args, 2):
        one, other = _scaled_sum(first), _scaled_sum(second)
        if one is None or other is None:
            continue
        (scale, left), (factor, right) = one, other
        if [n for _, n in left.ranges] != [n for _, n in right.ranges]:
            continue
        if set(left.bound) != set(right.bound) and right.body.has(*left.bound):
            continue
        body = substitute(right.body, dict(zip(right.bound, left.bound, strict=True)))
        shared = common([product(left.body), product(body)])
        indices = {i for i in (left.body * body).free_symbols if isinstance(i, Index)}
        if any(base.free_symbols >= indices for base in shared):  # never into a matrix product
            whole = Sum(collected(scale * left.body + factor * body), *left.ranges)
            return _again(Add(*(term for term in total.args if term not in (first, second)), whole))
    return total


def _again(value: Expr) -> Expr:
    return _merged(value) if isinstance(value, Add) else value


def _scaled_sum(term: Expr) -> tuple[Expr, Sum] | None:
    """A term as a number times a sum."""
    number, rest = term.as_coeff_Mul()
    return (number, rest) if isinstance(rest, Sum) else None

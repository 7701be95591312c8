"""The form in which a loop nest computes an equation: start, accumulate, finish.

Y[i,j] = b[j] + sum_{p<n} X[i,p] W[p,j]         start b[j], one sum
A_bar[i,j] = r[i] (sum_q B[i,q] - sum_q C[i,q])   start 0, two sums, finish r[i]*accumulated
c[i] = max_{q<k} Z[i,q]                           one maximum
E[i,j] = exp(Z[i,j])                              no reduction: pointwise
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from sympy import Add, And, Expr, Integer, Mul, Symbol, true
from sympy.core.basic import Basic

from derive.calculus.expressions.nodes import Range, Reduction, Sum, Where, reduces
from derive.calculus.expressions.tensor import Ref, refs

ACCUMULATED = Symbol("accumulated", real=True)


@dataclass(frozen=True)
class Term:
    """One reduction to accumulate: the body where the condition holds, over ranges."""

    body: Expr
    ranges: tuple[Range, ...]
    condition: Basic = true


@dataclass(frozen=True)
class Accumulation:
    """finish(start + the terms); `kind` is the reduction's operator, empty where there is none."""

    kind: str
    start: Expr
    terms: tuple[Term, ...]
    finish: Expr = ACCUMULATED


@cache
def accumulation(value: Expr) -> Accumulation | None:
    """The form of a value; None where its reductions cannot be accumulated in one nest."""
    if not reduces(value):
        return Accumulation("", value, ())
    found = _descend(value, true)
    if found is None or any(reduces(term.body) for term in found.terms):
        return None
    return None if reduces(found.start) or reduces(found.finish) else found


def _descend(value: Expr, condition: Basic) -> Accumulation | None:
    """The form of a subexpression that is evaluated where the condition holds."""
    if isinstance(value, Reduction):
        factor, term = _term(value, condition)
        finish = ACCUMULATED if factor == 1 else factor * ACCUMULATED
        return Accumulation(value.operator, Integer(0), (term,), finish)
    if isinstance(value, Add):
        added = _added(value, condition)
        if added is not None:
            return added
    holders = [argument for argument in value.args if reduces(argument)]
    if len(holders) != 1 or (isinstance(value, Where) and holders[0] is value.condition):
        return None
    return _inside(value, holders[0], condition)


def _inside(value: Expr, holder: Expr, condition: Basic) -> Accumulation | None:
    chosen = isinstance(value, Where) and holder == value.chosen
    bounds, data = _split(value.condition) if chosen else (true, true)
    inner = _descend(holder, And(condition, bounds))
    if inner is None:
        return None
    summed = inner.kind == Sum.operator and inner.finish == ACCUMULATED
    if bounds != true and refs(inner.start):
        inner = replace(inner, start=Where(bounds, inner.start, Integer(0)))
    elif inner.start != 0:
        summed = False
    if chosen and value.other == 0 and data == true and summed:  # guarded parts alone give 0 elsewhere
        return inner
    arguments = (inner.finish if argument == holder else argument for argument in value.args)
    return replace(inner, finish=value.func(*arguments))


def _split(condition: Basic) -> tuple[Basic, Basic]:
    """A condition as what bounds indices, and so guards every read, and what reads data."""
    parts = condition.args if isinstance(condition, And) else (condition,)
    return And(*(part for part in parts if not refs(part))), And(*(part for part in parts if refs(part)))


def _added(value: Add, condition: Basic) -> Accumulation | None:
    """A sum of pointwise terms and of multiples of sums; a common factor is left to the finish."""
    plain = [argument for argument in value.args if not reduces(argument)]
    multiples = [_multiple(argument, condition) for argument in value.args if reduces(argument)]
    found = [multiple for multiple in multiples if multiple is not None]
    if len(found) < len(multiples):
        return None
    common = _common_factor([factor for factor, _ in found]) if not plain else Integer(1)
    terms = tuple(replace(term, body=factor / common * term.body) for factor, term in found)
    finish = ACCUMULATED if common == 1 else common * ACCUMULATED
    return Accumulation(Sum.operator, Add(*plain), terms, finish)


def _common_factor(factors: list[Expr]) -> Expr:
    """What every factor has, up to its sign; 1 where they differ."""
    plain = {-factor if factor.as_coeff_Mul()[0].is_negative else factor for factor in factors}
    return plain.pop() if len(plain) == 1 else Integer(1)


def _multiple(term: Expr, condition: Basic) -> tuple[Expr, Term] | None:
    """A term as factor * sum where a guard holds."""
    if isinstance(term, Where) and term.other == 0 and isinstance(term.chosen, Sum):
        bounds, data = _split(term.condition)
        return _term(term.chosen, And(condition, bounds)) if data == true else None
    factors = Mul.make_args(term)
    sums = [factor for factor in factors if isinstance(factor, Sum)]
    rest = Mul(*(factor for factor in factors if not isinstance(factor, Sum)))
    if len(sums) != 1 or reduces(rest):
        return None
    factor, found = _term(sums[0], condition)
    return rest * factor, found


def _term(node: Reduction, condition: Basic) -> tuple[Expr, Term]:
    """A reduction as a factor and a term; a body that is neutral outside a guard gives the guard."""
    body = node.body
    summed = isinstance(node, Sum)
    if isinstance(body, Where) and (body.other == 0 if summed else body.other.is_infinite):
        body, condition = body.chosen, And(condition, body.condition)
    factors = Mul.make_args(body) if summed else ()
    outside = Mul(*(factor for factor in factors if not factor.has(Ref, *node.bound)))
    return outside, Term(body / outside, node.ranges, condition)

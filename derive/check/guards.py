"""One form for guards that hold for the same integers, each step a proof.

2*t + 2*u - 1 >= 0               ->  t + u - 1 >= 0          divided by the common factor, rounded
3*t + 5*u - 2 >= 0               ->  2*t + 2*u - 2 >= 0      no coefficient need exceed what is to be reached
d + 1 >= 0 where 2 divides d     ->  d >= 0
(i - 2*u + 1) % 2 == 0           ->  (i + 1) % 2 == 0        modulo 2
s < n + 1 where s <= t, t < n    ->  nothing: implied
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from math import floor, gcd
from typing import Any

from sympy import And, Expr, Integer, Rational, expand
from sympy.logic.boolalg import Boolean

from derive.calculus.expressions.bounds import proved_nonnegative
from derive.calculus.expressions.nodes import FloorDiv, IsZero, Nonnegative, Range, Remainder
from derive.calculus.expressions.tensor import Index

Extents = Mapping[Index, Expr]


def conjuncts(condition: Any) -> tuple[Boolean, ...]:
    """The parts of a conjunction; of what always holds, none."""
    if condition == True:  # noqa: E712 - SymPy's true
        return ()
    return tuple(condition.args) if isinstance(condition, And) else (condition,)


def canonical(parts: Iterable[Boolean], known: Sequence[Boolean], extents: Extents) -> tuple[Boolean, ...]:
    """The conjuncts in one form, less those that the others, `known` or the ranges imply."""
    reduced = [_modulo(part) for part in parts]
    divisible = [part for part in (*reduced, *known) if _divides(part) is not None]
    forms = sorted({_tight(part, divisible, extents) for part in reduced}, key=str)
    for form in list(forms):
        others = [other for other in (*forms, *known) if other != form]
        if form in known or implied(form, others, extents):
            forms.remove(form)
    return tuple(forms)


def implied(part: Any, known: Iterable[Boolean], extents: Extents) -> bool:
    """Whether e >= 0 is proved from the ranges, or from a known f >= 0; of a multiple of s, e > -s."""
    if not isinstance(part, Nonnegative):
        return part == True  # noqa: E712
    ranges, expression = tuple(extents.items()), part.expression
    facts = [Integer(0), *(fact.expression for fact in known if isinstance(fact, Nonnegative))]
    divisors = [s for d, s in filter(None, map(_divides, known)) if _remaining(expression, d, s) == 0]
    slack = [Integer(0), *(s - 1 for s in divisors)]
    return any(_above(expression + more, fact, ranges) for more in slack for fact in facts)


@cache
def _above(expression: Expr, fact: Expr, ranges: tuple[Range, ...]) -> bool:
    return proved_nonnegative(expand(expression - fact), dict(ranges))


def quotient(node: FloorDiv, known: Iterable[Boolean]) -> Expr:
    """(d + s*q + r)//s is (d + s*q)//s + r//s where s is known to divide d."""
    numerator, divisor = node.args
    for fact in known:
        found = _divides(fact)
        if found is not None and found[1] == divisor:
            rest = _remaining(numerator, found[0], divisor)
            if rest is not None:
                whole = FloorDiv(expand(numerator - rest), divisor)
                return whole + floor(Rational(rest, divisor))
    return node


def _divides(part: Any) -> tuple[Expr, Expr] | None:
    """(d, s) of the condition that s divides d."""
    if isinstance(part, IsZero) and isinstance(part.expression, Remainder):
        return part.expression.args[0], part.expression.args[1]
    return None


def _modulo(part: Any) -> Any:
    """Coefficients of d in d % s == 0 lie in 0..s-1, the first of them at most s/2."""
    found = _divides(part)
    if found is None or not found[1].is_Integer or found[1] == 0:
        return part
    divisor = abs(int(found[1]))
    candidates = []
    for sign in (1, -1):
        terms = expand(sign * found[0]).as_coefficients_dict()
        if not all(weight.is_Integer for weight in terms.values()):
            return part
        candidates.append(sum((int(w) % divisor) * term for term, w in terms.items()))
    return IsZero(Remainder(min(candidates, key=str), divisor))


def _tight(part: Any, divisible: Iterable[Boolean], extents: Extents) -> Any:
    if not isinstance(part, Nonnegative) or not part.expression.is_integer:
        return part
    expression = _multiple(expand(part.expression), divisible)
    terms = expression.as_coefficients_dict()
    constant = int(terms.pop(Integer(1), 0))
    weights = {term: int(w) for term, w in terms.items() if w.is_Integer}
    if len(weights) < len(terms) or not weights:
        return Nonnegative(expression)
    free = all(isinstance(term, Index) and term in extents for term in weights)
    if constant < 0 and free and all(w > 0 for w in weights.values()):
        weights = {term: min(w, -constant) for term, w in weights.items()}
    common = gcd(*weights.values())
    return Nonnegative(sum(w // common * t for t, w in weights.items()) + floor(Rational(constant, common)))


def _multiple(expression: Expr, divisible: Iterable[Boolean]) -> Expr:
    """d + s*q + r >= 0 is d + s*q + s*floor(r/s) >= 0 where s divides d."""
    for fact in divisible:
        found = _divides(fact)
        if found is not None:
            rest = _remaining(expression, found[0], found[1])
            if rest is not None:
                return expand(expression - rest + found[1] * floor(Rational(rest, found[1])))
    return expression


def _remaining(expression: Expr, multiple: Expr, divisor: Expr) -> Expr | None:
    """r of an expression +-d + s*q + r, where s divides d; None where it is not of this form."""
    if not divisor.is_Integer:
        return None
    for sign in (1, -1):
        terms = expand(expression - sign * multiple).as_coefficients_dict()
        rest = terms.pop(Integer(1), Integer(0))
        if rest.is_Integer and all(w.is_Integer and w % divisor == 0 for w in terms.values()):
            return rest
    return None

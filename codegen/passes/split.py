"""Splitting: an axis of few places, each with terms of its own, is filled place by place.

    A_bar[c,t,n] = where(c == 0, Q_bar[t,n], 0) + where(c == 1, K_bar[t,n], 0)    [c<2]
becomes
    A_bar[0,t,n] = Q_bar[t,n]
    A_bar[1,t,n] = K_bar[t,n]

No term is computed for the places where it is 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sympy import Add, Expr, Integer
from sympy.core.basic import Basic

from derive.calculus.expressions.nodes import IsZero, Where
from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.substitution import substitute
from derive.calculus.expressions.tensor import Index
from derive.calculus.program.program import Equation, Program, expanded

MOST = 8  # places


def split(program: Program) -> Program:
    """The program whose equations have no axis that chooses among their terms."""
    return program.with_statements(expanded(program, lambda equation, _: _parts(equation)))


def _parts(equation: Equation) -> Iterator[Equation]:
    """The equation place by place along the first axis that chooses, or as it is."""
    for index, extent in equation.ranges:
        terms = _chosen(equation, index, extent)
        if terms is not None:
            rest = tuple(pair for pair in equation.ranges if pair[0] != index)
            for place in range(int(extent)):
                here = {index: Integer(place)}
                value = Add(*(substitute(chosen, here) for k, chosen in terms if k == place))
                yield replace(equation, target=substitute(equation.target, here), ranges=rest, value=value)
            return
    yield equation


def _chosen(equation: Equation, index: Index, extent: Expr) -> list[tuple[int, Expr]] | None:
    """The place of each term and the term there; None where a term has none."""
    if equation.accumulates or not extent.is_Integer or extent > MOST or not holds(equation.value, IsZero):
        return None
    terms = []
    for term in Add.make_args(equation.value):
        place = _place(term.condition, index) if isinstance(term, Where) and term.other == 0 else None
        if place is None:
            return None
        terms.append((place, term.chosen))
    return terms


def _place(condition: Basic, index: Index) -> int | None:
    """k of a condition index == k."""
    if not isinstance(condition, IsZero):
        return None
    gap = condition.expression
    place = index - gap if (index - gap).is_Integer else index + gap
    return int(place) if place.is_Integer else None

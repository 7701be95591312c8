"""Contractions: sums of products of two tensors, as register tiles compute them.

    C[i,j] = sum_k A[i,k] B[k,j]

j runs along the lanes: it is the last axis of the target in memory and an index of one factor, B. Rows i are the
target's indices that A alone has; indices of both are loops around. Rows that lie evenly spaced in A count as
one: X[e,t,p] of (m, T, n) has m T rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Mul, true

from codegen.accumulation import Accumulation, accumulation
from codegen.tuned.storage import Stored
from derive.calculus.nodes import Range, Sum
from derive.calculus.program import Equation
from derive.calculus.tensor import Index, IntegerRef, Ref


@dataclass(frozen=True)
class Contraction:
    """target = finish(start + coefficient sum_k A B), by rows and lanes; `outer` are loops around."""

    equation: Equation
    form: Accumulation
    rows: tuple[Range, ...]
    lanes: Range
    sums: tuple[Range, ...]
    outer: tuple[Range, ...]
    left: Ref
    right: Ref
    coefficient: Expr


def contraction(equation: Equation, stored: dict[str, Stored]) -> Contraction | None:
    """The equation as a contraction; None for anything else."""
    form = accumulation(equation.value)
    target = equation.target
    if form is None or form.kind != Sum.operator or len(form.terms) != 1 or equation.accumulates:
        return None
    if target.indices != equation.loops or not target.indices or form.terms[0].condition != true:
        return None
    term = form.terms[0]
    factors = Mul.make_args(term.body)
    elements = [f for f in factors if isinstance(f, Ref) and not isinstance(f, IntegerRef)]
    rest = Mul(*(f for f in factors if f not in elements))
    if len(elements) != 2 or not rest.is_number or not all(map(_plain, elements)):
        return None
    return _oriented(equation, form, elements, rest, stored)


def _plain(ref: Ref) -> bool:
    """Whether every index is one of its own."""
    return all(isinstance(index, Index) for index in ref.indices) and len(set(ref.indices)) == len(ref.indices)


def _oriented(
    equation: Equation, form: Accumulation, elements: list[Ref], rest: Expr, stored: dict[str, Stored]
) -> Contraction | None:
    ranges = dict(equation.ranges)
    place = stored[equation.name].last
    assert place is not None
    lane = equation.target.indices[place]
    holders = [ref for ref in elements if lane in ref.indices]
    if len(holders) != 1:
        return None
    right = holders[0]
    left = next(ref for ref in elements if ref is not right)
    sums = form.terms[0].ranges
    if not all(index in left.indices and index in right.indices for index, _ in sums):
        return None
    free = [index for index in equation.loops if index != lane]
    rows = [index for index in free if index in left.indices and index not in right.indices]
    outer = [index for index in free if index not in rows]
    if not rows or not all(index in (*left.indices, *right.indices) for index in outer):
        return None
    merged = tuple((index, ranges[index]) for index in rows)
    return Contraction(
        equation,
        form,
        merged,
        (_index(lane), ranges[_index(lane)]),
        sums,
        tuple((index, ranges[index]) for index in outer),
        left,
        right,
        rest,
    )


def _index(node: Expr) -> Index:
    assert isinstance(node, Index)
    return node

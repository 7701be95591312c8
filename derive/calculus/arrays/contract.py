"""Contractions: a sum of a product of parts, as matrix products in the cheapest order.

an index shared by two factors and summed     a matrix product
a free index in several factors               an elementwise product
an index in one factor only                   a row or column sum
anything else                                 a named einsum
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

from sympy import Expr

from derive.calculus.arrays.algebra import matmul, outer, product, reduced, transpose
from derive.calculus.arrays.base import Form
from derive.calculus.arrays.forms import Einsum
from derive.calculus.arrays.labels import Order, Part, united
from derive.calculus.expressions.tensor import Index

Extents = Mapping[Index, Expr]
_TYPICAL_SIZE = 100


def contract(factors: list[Part], summed: frozenset[Index], extents: Extents) -> Part:
    """sum over the indices of the product of the factors."""
    scalars = [part for part in factors if not part.order]
    parts = [_summed_alone(part, factors, summed) for part in factors if part.order]
    cost = sum(part.cost for part in factors)
    while len(parts) > 1:
        first, second = min(combinations(parts, 2), key=lambda pair: _cost(pair, parts, summed, extents))
        cost += _size(first.labels | second.labels, extents)
        others = [part for part in parts if part is not first and part is not second]
        place = parts.index(first)
        merged = _merged(first, second, _finished((first, second), others, summed), extents)
        others.insert(min(place, len(others)), merged)
        parts = others
    return replace(elementwise([*scalars, *parts], extents), cost=cost)


def elementwise(factors: list[Part], extents: Extents) -> Part:
    """The elementwise product; factors of equal indices are multiplied before they are repeated."""
    if len(factors) == 1:
        return factors[0]
    groups: dict[frozenset[Index], list[Part]] = {}
    for part in factors:
        groups.setdefault(part.labels, []).append(part)
    scalars = groups.pop(frozenset(), [])
    if len(groups) > 1 and scalars:
        groups[min(groups, key=len)] += scalars
    elif scalars:
        groups = {frozenset(): scalars, **groups}
    joined = [_product(group, extents) for group in groups.values()]
    vectors = [part for part in joined if part.order]
    if len(vectors) == 2 and all(len(part.order) == 1 for part in vectors):
        return _scaled([part for part in joined if not part.order], _outer(*vectors))
    return joined[0] if len(joined) == 1 else _product(joined, extents)


def _product(factors: list[Part], extents: Extents) -> Part:
    if len(factors) == 1:
        return factors[0]
    return Part(united(factors), lambda order: product(*(part.aligned(order, extents) for part in factors)))


def _scaled(scalars: list[Part], part: Part) -> Part:
    return Part(part.order, lambda order: product(*(s.form(()) for s in scalars), part.form(order)))


def _outer(left: Part, right: Part) -> Part:
    def build(order: Order) -> Form:
        first, second = (left, right) if order[0] == left.order[0] else (right, left)
        return outer(first.form(first.order), second.form(second.order))

    return Part((*left.order, *right.order), build)


def _summed_alone(part: Part, factors: list[Part], summed: frozenset[Index]) -> Part:
    """Indices that no other factor has are summed first."""
    others = [other for other in factors if other is not part]
    alone = _finished((part,), others, summed)
    return axis_reduced("sum", part, alone) if alone else part


def axis_reduced(operator: str, part: Part, over: frozenset[Index]) -> Part:
    """A sum or maximum over some indices of one part."""
    kept = tuple(index for index in part.order if index not in over)
    gone = tuple(index for index in part.order if index in over)

    def build(order: Order) -> Form:
        orders = (_with_reduced(part.order, over, order), (*order, *gone), (*gone, *order))
        full = min(orders, key=lambda choice: part.form(choice).transposes)
        places = tuple(place for place, index in enumerate(full) if index in over)
        return reduced(operator, part.form(full), *places)

    return Part(kept, build, part.cost)


def _with_reduced(natural: Order, over: frozenset[Index], order: Order) -> Order:
    """The order with the reduced indices at their natural places."""
    wanted = iter(order)
    return tuple(index if index in over else next(wanted) for index in natural)


def _finished(merged: tuple[Part, ...], others: list[Part], summed: frozenset[Index]) -> frozenset[Index]:
    """The summed indices that occur in the merged parts only."""
    inside = frozenset().union(*(part.labels for part in merged)) & summed
    return inside.difference(*(part.labels for part in others))


def _cost(
    pair: tuple[Part, Part], parts: list[Part], summed: frozenset[Index], extents: Extents
) -> tuple[int, int, int]:
    labels = pair[0].labels | pair[1].labels
    others = [part for part in parts if part not in pair]
    left = labels - _finished(pair, others, summed)
    return _size(labels, extents), _size(left, extents), parts.index(pair[0]) + parts.index(pair[1])


def _size(labels: frozenset[Index], extents: Extents) -> int:
    size = 1
    for index in labels:
        extent = extents[index]
        size *= int(extent) if extent.is_Integer else _TYPICAL_SIZE
    return size


def _merged(left: Part, right: Part, over: frozenset[Index], extents: Extents) -> Part:
    if not over:
        return elementwise([left, right], extents)
    if left.labels == right.labels and (len(over) > 1 or len(left.labels) > 1):
        return axis_reduced("sum", elementwise([left, right], extents), over)
    if len(over) == 1:
        found = _matrix_product(left, right, next(iter(over)))
        if found is not None:
            return found
    return _einsum(left, right, over)


def _matrix_product(left: Part, right: Part, inner: Index) -> Part | None:
    shared = (left.labels & right.labels) - {inner}
    rows, columns = left.labels - right.labels, right.labels - left.labels
    if shared:
        return _stack_product(left, right, inner) if len(rows) == len(columns) == 1 else None
    if len(rows) <= 1 and len(columns) <= 1:
        return _plain_product(left, right, inner)
    if len(columns) <= 1 or len(rows) <= 1:
        many, few = (left, right) if len(columns) <= 1 else (right, left)
        return _tall_product(many, few, inner)
    return None


def _plain_product(left: Part, right: Part, inner: Index) -> Part:
    """X W of matrices or vectors, in either order."""
    rows = tuple(index for index in left.order if index != inner)
    columns = tuple(index for index in right.order if index != inner)

    def build(order: Order) -> Form:
        if len(order) == 2:
            first, second = (left, right) if order[0] in left.labels else (right, left)
            return matmul(first.form((order[0], inner)), second.form((inner, order[1])))
        choices = [matmul(a.form((*r, inner)), b.form((inner, *c))) for a, r, b, c in sides]
        return min(choices, key=lambda form: form.transposes)

    sides = ((left, rows, right, columns), (right, columns, left, rows))
    return Part((*rows, *columns), build)


def _tall_product(many: Part, few: Part, inner: Index) -> Part:
    """X[t,a,:] W for every t and a: the rows of X may have several indices."""
    rows = tuple(index for index in many.order if index != inner)
    columns = tuple(index for index in few.order if index != inner)
    natural = (*rows, *columns)

    def build(order: Order) -> Form:
        ahead = order[: len(rows)] if set(order[: len(rows)]) == set(rows) else rows
        form = matmul(many.form((*ahead, inner)), few.form((inner, *columns)))
        form = transpose(form, tuple((*ahead, *columns).index(index) for index in order))
        return form if form.transposes < 2 else _einsum(many, few, frozenset([inner])).build(order)

    return Part(natural, build)


def _stack_product(left: Part, right: Part, inner: Index) -> Part:
    """X[b] W[b] for every b: the shared free indices lead."""
    stack = tuple(index for index in left.order if index in right.labels and index != inner)
    (row,) = left.labels - right.labels
    (column,) = right.labels - left.labels
    natural = (*stack, row, column)

    def build(order: Order) -> Form:
        ahead, tail = order[: len(stack)], order[len(stack) :]
        if set(ahead) == set(stack):
            first, second = (left, right) if tail[0] == row else (right, left)
            return matmul(first.form((*ahead, tail[0], inner)), second.form((*ahead, inner, tail[1])))
        return _einsum(left, right, frozenset([inner])).build(order)

    return Part(natural, build)


def _einsum(left: Part, right: Part, over: frozenset[Index]) -> Part:
    letters = {index: place for place, index in enumerate(united([left, right]))}

    def build(order: Order) -> Form:
        return Einsum(
            (left.form(left.order), right.form(right.order)),
            tuple(tuple(letters[index] for index in part.order) for part in (left, right)),
            tuple(letters[index] for index in order),
        )

    return Part(tuple(index for index in letters if index not in over), build)

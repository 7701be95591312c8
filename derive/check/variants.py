"""Every expression that differs from a given one in one place, with what was done to it, in a fixed order.

a + b         each term dropped, each sign flipped
a * b         each factor dropped, each coefficient doubled
a^2, 3, n     another exponent, number, size
X[i,p]        indices swapped, shifted, replaced by others in scope; another tensor of the same axes
where(c,a,b)  branches swapped; each conjunct of c dropped, negated, off by one
sum_{p<n}     a range shorter, longer, reduced to one element; a maximum instead
f(a)          a in its place; the sign of a flipped; another order of derivative
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sympy import Add, And, Basic, Expr, Integer, Mul, Not, Number, Pow, Tuple
from sympy.core.function import Application

from derive.calculus.expressions.nodes import (
    Condition,
    FloorDiv,
    Largest,
    Opaque,
    Reduction,
    Remainder,
    Sum,
    VectorMap,
    Where,
)
from derive.calculus.expressions.substitution import substitute
from derive.calculus.expressions.tensor import Index, IntegerRef, Ref, Size, Tensor

Variant = tuple[str, Any]
Scope = tuple[Index, ...]


def variants(node: Basic, scope: Scope, tensors: Mapping[str, Tensor]) -> Iterator[Variant]:
    """(what was done, the expression) for each place; none equal to the node itself."""
    for done, changed in _all(node, scope, tensors):
        if changed != node:
            yield done, changed


def _all(node: Basic, scope: Scope, tensors: Mapping[str, Tensor]) -> Iterator[Variant]:
    yield from _here(node, scope, tensors)
    if isinstance(node, Reduction):
        yield from _inside_reduction(node, scope, tensors)
    elif isinstance(node, Where):
        yield from _inside_where(node, scope, tensors)
    elif not isinstance(node, (Number, Index, Size)):
        for position, argument in enumerate(node.args):
            if isinstance(argument, (Expr, Condition, And, Not, Tuple)) and not _is_order(node, position):
                for done, changed in variants(argument, scope, tensors):
                    yield done, _with(node, position, changed)


def _is_order(node: Basic, position: int) -> bool:
    """The order of a derivative is no number of the program's."""
    return isinstance(node, Opaque) and position == 3


def _with(node: Basic, position: int, argument: Any) -> Any:
    return node.func(*node.args[:position], argument, *node.args[position + 1 :])


def _here(node: Basic, scope: Scope, tensors: Mapping[str, Tensor]) -> Iterator[Variant]:
    if isinstance(node, Index):
        yield from ((f"index {node} -> {other}", other) for other in scope if other != node)
    elif isinstance(node, Ref):
        yield from _element(node, tensors)
    else:
        for kind, changes in _CHANGES:
            if isinstance(node, kind):
                yield from changes(node)
                return


def _sum_of_terms(node: Add) -> Iterator[Variant]:
    for term in node.args:
        yield f"term {term} dropped", node - term
        yield f"sign of {term} flipped", node - 2 * term


def _product(node: Mul) -> Iterator[Variant]:
    for position, factor in enumerate(node.args):
        yield f"factor {factor} dropped", node.func(*node.args[:position], *node.args[position + 1 :])


def _number(node: Expr) -> Iterator[Variant]:
    yield f"{node} -> {node + 1}", node + 1
    if node.is_Number and node.is_finite:
        yield f"{node} -> {2 * node}", 2 * node
        yield f"{node} -> {-node}", -node


def _power(node: Pow) -> Iterator[Variant]:
    yield f"power of {node} dropped", node.base
    yield f"exponent of {node} negated", node.base**-node.exp


def _quotient(node: Expr) -> Iterator[Variant]:
    other = Remainder if isinstance(node, FloorDiv) else FloorDiv
    yield f"{node} -> {other(*node.args)}", other(*node.args)


def _undetermined(node: Opaque) -> Iterator[Variant]:
    for order in sorted({node.order + 1, max(node.order - 1, 0)} - {node.order}):
        yield f"order of {node}: {order}", Opaque(node.name, node.selectors, node.argument, order)


def _function(node: Any) -> Iterator[Variant]:
    yield f"function of {node} dropped", node.args[0]
    yield f"sign in {node} flipped", node.func(-node.args[0])


_CHANGES: tuple[tuple[Any, Callable[[Any], Iterator[Variant]]], ...] = (
    (Add, _sum_of_terms),
    (Mul, _product),
    ((Number, Size), _number),
    (Pow, _power),
    ((FloorDiv, Remainder), _quotient),
    (Opaque, _undetermined),
    (Application, _function),
)


def _element(node: Ref, tensors: Mapping[str, Tensor]) -> Iterator[Variant]:
    integer = isinstance(node, IntegerRef)
    listed = list(node.indices)
    for second in range(len(listed)):
        for first in range(second):
            swapped = listed.copy()
            swapped[first], swapped[second] = swapped[second], swapped[first]
            yield f"{node}: indices {first} and {second} swapped", Ref(node.name, *swapped, integer=integer)
    for position in range(len(listed)):
        for step in (1, -1):
            moved = [*listed[:position], listed[position] + step, *listed[position + 1 :]]
            yield f"{node}: index {position} moved by {step}", Ref(node.name, *moved, integer=integer)
    own = tensors[node.name]
    for name in sorted(tensors):
        other = tensors[name]
        if name != node.name and other.kind is own.kind and other.shape == own.shape:
            yield f"{node} -> {name}", Ref(name, *listed, integer=integer)


def _inside_where(node: Where, scope: Scope, tensors: Mapping[str, Tensor]) -> Iterator[Variant]:
    yield f"branches of {node} swapped", Where(node.condition, node.other, node.chosen)
    yield f"guard {node.condition} dropped", node.chosen
    for done, condition in _condition(node.condition, scope, tensors):
        yield done, Where(condition, node.chosen, node.other)
    for done, chosen in variants(node.chosen, scope, tensors):
        yield done, Where(node.condition, chosen, node.other)
    for done, other in variants(node.other, scope, tensors):
        yield done, Where(node.condition, node.chosen, other)


def _condition(condition: Any, scope: Scope, tensors: Mapping[str, Tensor]) -> Iterator[Variant]:
    parts = condition.args if isinstance(condition, And) else (condition,)
    for position, part in enumerate(parts):
        rest = (*parts[:position], *parts[position + 1 :])
        if rest:
            yield f"conjunct {part} dropped", And(*rest)
        yield f"conjunct {part} negated", And(*rest, Not(part))
        if not isinstance(part, Condition):
            continue
        for step in (1, -1):
            yield f"conjunct {part} off by {step}", And(*rest, part.func(part.expression + step))
        for done, expression in variants(part.expression, scope, tensors):
            yield f"in {part}: {done}", And(*rest, part.func(expression))


def _inside_reduction(node: Reduction, scope: Scope, tensors: Mapping[str, Tensor]) -> Iterator[Variant]:
    if isinstance(node, Sum):
        yield f"maximum instead of {node}", Largest(node.body, *node.ranges)
    for position, (index, extent) in enumerate(node.ranges):
        for step in (1, -1):
            changed = _with(node, 1 + position, Tuple(index, extent + step))
            yield f"range {index}<{extent} of {node.operator} -> {index}<{extent + step}", changed
        if not isinstance(node, VectorMap):
            rest = (*node.ranges[:position], *node.ranges[position + 1 :])
            first = substitute(node.body, {index: Integer(0)})
            yield f"{node.operator} over {index} only at 0", node.func(first, *rest) if rest else first
    if isinstance(node, VectorMap):
        yield from _components(node, scope, tensors)
    for done, body in variants(node.body, (*scope, *node.bound), tensors):
        yield done, _with(node, 0, body)


def _components(node: VectorMap, scope: Scope, tensors: Mapping[str, Tensor]) -> Iterator[Variant]:
    for done, outputs in variants(node.args[3], scope, tensors):
        yield done, VectorMap(node.name, outputs, node.body, node.args[1], node.by)
    for done, by in variants(node.args[4], scope, tensors):
        yield done, VectorMap(node.name, node.outputs, node.body, node.args[1], by)

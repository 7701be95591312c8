"""The operations of an equation in numbers, at given sizes.

    Z[i,j] = sum_{p<n} X[i,p] W[p,j]    2 m d n
    E[i,j] = exp(-|Z[i,j]|)             m d (FUNCTION + 1)

What does not depend on a loop is counted outside of it. What is guarded by two loops, as by s <= t, is
computed for half of their values. A function is FUNCTION operations, |x|, sign(x) and a
selection are one; reads, numbers and changes of sign are free: `derive.calculus.expressions.cost`, with
extents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod

from sympy import Abs, Add, Expr, Mul, Pow, S, sign
from sympy.core.basic import Basic
from sympy.core.function import Function
from sympy.logic.boolalg import Boolean

from codegen.extents import evaluated
from derive.calculus.expressions.cost import FUNCTION
from derive.calculus.expressions.nodes import (
    FloorDiv,
    Nonnegative,
    Opaque,
    Range,
    Reduction,
    Remainder,
    Where,
    free_indices,
)
from derive.calculus.expressions.tensor import Index, Ref, refs
from derive.calculus.program.program import Equation


def operations(equation: Equation, steps: tuple[Range, ...], sizes: Mapping[str, int]) -> int:
    """The operations of an equation; `steps` is the range of the recurrence that it stands in."""
    return _count(equation.value, _numbers((*steps, *equation.ranges), sizes), sizes)


def _count(node: Basic, extents: Mapping[Index, int], sizes: Mapping[str, int]) -> int:
    if isinstance(node, Ref) or not node.args or not refs(node):
        return 0
    if isinstance(node, Reduction):
        inside = {**extents, **_numbers(node.ranges, sizes)}
        looped = free_indices(node.body).union(node.bound)
        return _count(node.body, inside, sizes) + _volume(looped, inside) // _of(node.body, inside)
    parts = sum(_count(argument, extents, sizes) for argument in node.args)
    if _of(node, extents) > 1:  # a limit of a loop, no selection
        return parts // _of(node, extents)
    return parts + _own(node) * _volume(free_indices(node), extents)


def _of(node: Basic, extents: Mapping[Index, int]) -> int:
    """Of how many values of the loops one is computed: of two, where a guard compares two that go as far."""
    guards = node.condition.atoms(Nonnegative) if isinstance(node, Where) else ()
    return 2 if any(_compares(one.args[0], extents) for one in guards) else 1


def _compares(difference: Basic, extents: Mapping[Index, int]) -> bool:
    """Whether this is t - s, of two loops of one extent."""
    indices = list(free_indices(difference))
    if len(indices) != 2 or refs(difference) or not isinstance(difference, Expr):
        return False
    slopes = [difference.coeff(index) for index in indices]
    return sum(slopes) == 0 and extents.get(indices[0]) == extents.get(indices[1])


def _numbers(ranges: Iterable[Range], sizes: Mapping[str, int]) -> dict[Index, int]:
    """Extents in numbers; one that data decide counts as 1."""
    return {index: 1 if refs(extent) else evaluated(extent, sizes) for index, extent in ranges}


def _volume(indices: Iterable[Index], extents: Mapping[Index, int]) -> int:
    return prod(extents.get(index, 1) for index in indices)


def _own(node: Basic) -> int:
    if isinstance(node, Add | Mul):
        return sum(part is not S.NegativeOne for part in node.args) - 1
    if isinstance(node, Pow):
        return 1 if node.exp.is_Integer else FUNCTION
    if isinstance(node, Abs | sign | Where | Boolean):
        return 1
    if isinstance(node, Function | Opaque):
        return FUNCTION
    return 0 if isinstance(node, FloorDiv | Remainder) else 1

"""Reads that may leave their axis.

X[e,2*h+u-1]            a composite index: the nearest sum or maximum keeps to the positions inside,
                        outside of any, what is read is 0
X[i] for i < 5          a bare index leaves an axis of size 3: refused
where(j < n, X[j], 0)   but for a branch whose condition keeps it inside
X[5]                    refused: never inside
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy
from sympy import And, Expr, Integer, expand

from derive.calculus.expressions.bounds import inside, negated, nonnegative_in_sizes, proved_nonnegative
from derive.calculus.expressions.limits import FormulaError, excerpt
from derive.calculus.expressions.nodes import Nonnegative, Reduction, Sum, VectorMap, Where
from derive.calculus.expressions.tensor import Axis, Index, Ref, Tensor, refs


def require_inside(
    value: Any,
    extents: Mapping[Index, Expr],
    tensors: Mapping[str, Tensor],
    line: str,
    known: Any = sympy.true,
) -> None:
    """FormulaError for a read that leaves its axis where no guard would hold it; `known` holds here."""
    if isinstance(value, Ref):
        for axis, index in zip(tensors[value.name].axes, value.indices, strict=True):
            _require_index(value, axis, index, extents, known, line)
    if isinstance(value, Reduction) and not isinstance(value, VectorMap):
        extents = {**extents, **dict(value.ranges)}
    if isinstance(value, Where):
        require_inside(value.condition, extents, tensors, line, known)
        require_inside(value.chosen, extents, tensors, line, And(known, value.condition))
        require_inside(value.other, extents, tensors, line, And(known, negated(value.condition)))
        return
    for argument in value.args:
        if refs(argument):
            require_inside(argument, extents, tensors, line, known)


def _require_index(
    ref: Ref, axis: Axis, index: Expr, extents: Mapping[Index, Expr], known: Any, line: str
) -> None:
    if refs(index) or refs(axis.size):
        return
    if inside(index, axis.size, extents) == sympy.false:
        raise FormulaError(
            f"{ref} in {excerpt(line)} is never inside axis {axis}, whose size is {axis.size}; "
            "read it between 0 and the size less 1"
        )
    if not isinstance(index, Index) or index not in extents:
        return
    size, extent = axis.size, extents[index]
    if nonnegative_in_sizes(expand(size - extent)) or refs(extent) or _kept(size - 1 - index, known, extents):
        return
    raise FormulaError(
        f"index {index} in {excerpt(line)} runs over {extent} but axis {axis} of {ref} has size {size}; "
        f"make the two equal, or write where({index} < {size}, ..., 0)"
    )


def _kept(room: Expr, known: Any, extents: Mapping[Index, Expr]) -> bool:
    """Whether a known condition implies room >= 0."""
    parts = known.args if isinstance(known, And) else (known,)
    return any(
        isinstance(part, Nonnegative) and proved_nonnegative(expand(room - part.expression), extents)
        for part in parts
    )


def guarded(value: Expr, extents: Mapping[Index, Expr], tensors: Mapping[str, Tensor]) -> Expr:
    """The value with every read that may leave its axis restricted to the positions inside."""
    rebuilt, condition = _guard(value, dict(extents), tensors)
    return Where(condition, rebuilt, 0)


def _guard(node: Any, extents: dict[Index, Expr], tensors: Mapping[str, Tensor]) -> tuple[Any, Any]:
    if isinstance(node, Ref):
        parts = (
            [
                inside(index, axis.size, extents)
                for index, axis in zip(node.indices, tensors[node.name].axes, strict=True)
                if not isinstance(index, Index) and not refs(index)
            ]
            if node.name in tensors
            else []
        )
        return node, And(*parts)
    if isinstance(node, Reduction) and not isinstance(node, VectorMap):
        body, condition = _guard(node.body, extents | dict(node.ranges), tensors)
        neutral = Integer(0) if isinstance(node, Sum) else -sympy.oo
        return node.func(Where(condition, body, neutral), *node.ranges), sympy.true
    if isinstance(node, Where):
        # a branch that a condition selects is read only where the condition holds
        chosen, inner = _guard(node.chosen, extents, tensors)
        other, outer = _guard(node.other, extents, tensors)
        outer = _beyond(outer, negated(node.condition), extents)
        return Where(And(node.condition, inner), chosen, Where(outer, other, 0)), sympy.true
    if not isinstance(node, Expr) or not node.args or not refs(node):
        return node, sympy.true
    pairs = [_guard(argument, extents, tensors) for argument in node.args]
    return node.func(*(argument for argument, _ in pairs)), And(*(condition for _, condition in pairs))


def _beyond(condition: Any, known: Any, extents: Mapping[Index, Expr]) -> Any:
    """The conjuncts of a condition that `known` does not imply."""
    if not isinstance(known, Nonnegative):
        return condition
    parts = condition.args if isinstance(condition, And) else (condition,)
    return And(
        *(
            part
            for part in parts
            if not isinstance(part, Nonnegative)
            or not proved_nonnegative(expand(part.expression - known.expression), extents)
        )
    )

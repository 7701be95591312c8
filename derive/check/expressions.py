"""The value of an expression on a grid, node by node; it shares nothing with code generation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sympy import Add, And, Basic, Expr, Mul, Not, Number, NumberSymbol, Or, Pow
from sympy.core.function import Application
from sympy.core.numbers import ComplexInfinity
from sympy.logic.boolalg import BooleanFalse, BooleanTrue

from derive.calculus.expressions.nodes import (
    Condition,
    Finite,
    FloorDiv,
    IsZero,
    Nonnegative,
    Opaque,
    Positive,
    Reduction,
    Remainder,
    VectorMap,
    Where,
)
from derive.calculus.expressions.tensor import Index, Ref, Size, refs
from derive.check.arithmetic import Array
from derive.check.elements import element
from derive.check.grid import Grid
from derive.check.reader import Nodes, Reader, is_whole
from derive.check.reductions import reduction
from derive.check.undetermined import opaque, vector_map
from derive.errors import DeriveError


def _together(reader: Reader, values: list[Array]) -> list[Array]:
    """Integers stay so among themselves; next to reals they become real."""
    if all(is_whole(value) for value in values):
        return values
    return [reader.numbers.cast(value) if is_whole(value) else value for value in values]


def _number(reader: Reader, node: Expr, grid: Grid) -> Array:
    value = np.asarray(int(node)) if node.is_Integer else np.asarray(reader.numbers.constant(node))
    return value.reshape((1,) * len(grid.shape))


def _undefined(reader: Reader, _node: Expr, grid: Grid) -> Array:
    return reader.numbers.filled((1,) * len(grid.shape), np.nan)


def _size(reader: Reader, node: Size, grid: Grid) -> Array:
    if node.name not in reader.sizes:
        raise DeriveError(f"the size {node} is not known; give it in sizes")
    return np.full((1,) * len(grid.shape), reader.sizes[node.name])


def _index(_reader: Reader, node: Index, grid: Grid) -> Array:
    if node not in grid.indices:
        raise DeriveError(f"the index {node} is free: no range or sum binds it")
    return grid.indices[node]


def _add(reader: Reader, node: Add, grid: Grid) -> Array:
    first, *rest = _together(reader, [reader.value(argument, grid) for argument in node.args])
    for value in rest:
        first = first + value
    return first


def _mul(reader: Reader, node: Mul, grid: Grid) -> Array:
    first, *rest = _together(reader, [reader.value(argument, grid) for argument in node.args])
    for value in rest:
        first = first * value
    return first


def _pow(reader: Reader, node: Pow, grid: Grid) -> Array:
    base, exponent = reader.value(node.base, grid), node.exp
    if is_whole(base) and exponent.is_Integer and exponent >= 0:
        return base ** int(exponent)
    return np.asarray(reader.numbers.power(reader.numbers.cast(base), reader.real(exponent, grid)))


def _function(reader: Reader, node: Any, grid: Grid) -> Array:
    name = type(node).__name__
    if name not in reader.numbers.functions:
        raise DeriveError(f"the reference interpreter does not know the function {name}")
    return np.asarray(reader.numbers.functions[name](reader.real(node.args[0], grid)))


def _division(reader: Reader, node: Expr, grid: Grid) -> Array:
    a, b = (reader.value(argument, grid) for argument in node.args)
    return a // b if isinstance(node, FloorDiv) else a % b


def _where(reader: Reader, node: Where, grid: Grid) -> Array:
    condition = reader.value(node.condition, grid)
    chosen = reader.value(node.chosen, grid.under(condition))
    other = reader.value(node.other, grid.under(~condition))
    return np.where(condition, *_together(reader, [chosen, other]))


def _condition(reader: Reader, node: Condition, grid: Grid) -> Array:
    value = reader.value(node.expression, grid)
    if reader.margins is not None and not is_whole(value):
        distance = np.broadcast_to(np.abs(value), np.broadcast_shapes(value.shape, grid.active.shape))
        reader.margins.append(float(np.min(distance, where=grid.active, initial=np.inf)))
    return np.asarray(_COMPARED[type(node)](value), dtype=bool)


def _is_finite(value: Array) -> Array:
    """Neither infinite nor undefined, of floats and of decimal digits."""
    return np.asarray(abs(value) < np.inf)


_COMPARED: Mapping[type[Condition], Callable[[Array], Array]] = {
    IsZero: lambda value: value == 0,
    Positive: lambda value: value > 0,
    Nonnegative: lambda value: value >= 0,
    Finite: _is_finite,
}


def _negation(reader: Reader, node: Not, grid: Grid) -> Array:
    return ~reader.value(node.args[0], grid)


def _connective(reader: Reader, node: Basic, grid: Grid) -> Array:
    """Parts that read no tensor come first; the others are evaluated only where those do not decide."""
    all_of = isinstance(node, And)
    combined = np.full((1,) * len(grid.shape), all_of)
    for part in sorted(node.args, key=lambda part: bool(refs(part))):
        value = reader.value(part, grid.under(combined if all_of else ~combined))
        combined = combined & value if all_of else combined | value
    return combined


def _truth(_reader: Reader, node: Basic, grid: Grid) -> Array:
    return np.full((1,) * len(grid.shape), isinstance(node, BooleanTrue))


NODES: Nodes = (
    (Ref, element),
    (Index, _index),
    (Size, _size),
    ((Number, NumberSymbol), _number),
    (ComplexInfinity, _undefined),
    (Add, _add),
    (Mul, _mul),
    (Pow, _pow),
    (Where, _where),
    (VectorMap, vector_map),
    (Reduction, reduction),
    (Opaque, opaque),
    ((FloorDiv, Remainder), _division),
    (Condition, _condition),
    (Not, _negation),
    ((And, Or), _connective),
    ((BooleanTrue, BooleanFalse), _truth),
    (Application, _function),
)
"""How each type of node is evaluated, in the order in which the types are tried."""

"""Sizes in numbers: an extent, a tensor's elements, the letters that a program's shapes are made of."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from sympy import Add, Expr, Pow

from derive.calculus.expressions.nodes import FloorDiv, Remainder
from derive.calculus.expressions.tensor import Size, Tensor
from derive.calculus.program.program import Program


def evaluated(expression: Expr, sizes: Mapping[str, int]) -> int:
    """A size expression in numbers."""
    if isinstance(expression, Size):
        return sizes[str(expression.name)]
    if expression.is_Integer:
        return int(expression)
    parts = [evaluated(argument, sizes) for argument in expression.args]
    if isinstance(expression, FloorDiv):
        return parts[0] // parts[1]
    if isinstance(expression, Remainder):
        return parts[0] % parts[1]
    if isinstance(expression, Pow):
        return int(parts[0] ** parts[1])
    return sum(parts) if isinstance(expression, Add) else prod(parts)


def elements(tensor: Tensor, sizes: Mapping[str, int]) -> int:
    """How many numbers a tensor holds."""
    return prod(evaluated(size, sizes) for size in tensor.shape)


def size_names(program: Program) -> set[str]:
    """The sizes that the shapes and ranges of a program are made of."""
    extents = [size for tensor in program.tensors.values() for size in tensor.shape]
    extents += [extent for equation in program.equations() for _, extent in equation.ranges]
    return {symbol.name for extent in extents for symbol in extent.free_symbols}

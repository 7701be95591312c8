"""Undetermined functions on a grid: the caller's law for each selector, evaluated where it is selected."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sympy import Expr

from derive.calculus.expressions.nodes import Opaque, VectorMap
from derive.calculus.expressions.substitution import substitute
from derive.calculus.expressions.tensor import Index, Size
from derive.check.arithmetic import Array
from derive.check.grid import Grid
from derive.check.reader import Reader, Selectors
from derive.errors import DeriveError


def opaque(reader: Reader, node: Opaque, grid: Grid) -> Array:
    """sigma_i^(order)(x) by the law given for i."""

    def chosen(selectors: Selectors) -> Expr:
        return _law(reader, node.name, selectors, node.order)(node.argument)

    return _selected(reader, node.selectors, chosen, grid)


def vector_map(reader: Reader, node: VectorMap, grid: Grid) -> Array:
    """sigma_i(f)_j, or its derivatives by components, by the law given for i."""
    ((index, extent),) = node.ranges

    def vector(place: Expr) -> Expr:
        return substitute(node.body, {index: place})

    def chosen(selectors: Selectors) -> Expr:
        law = _law(reader, node.name, selectors, len(node.by))
        return law(node.outputs[-1], vector, extent, *node.by)

    return _selected(reader, node.outputs[:-1], chosen, grid)


def _law(reader: Reader, name: str, selectors: Selectors, order: int) -> Callable[..., Expr]:
    if name not in reader.functions:
        raise DeriveError(f"the function {name} is undetermined; give it in opaque")
    return reader.functions[name](selectors, order)


def _selected(
    reader: Reader, selectors: tuple[Expr, ...], chosen: Callable[[Selectors], Expr], grid: Grid
) -> Array:
    """The value of the function that the selectors choose at each point."""
    if not selectors:
        return reader.real(chosen(()), grid)
    found = [np.asarray(str(s)) if _is_name(s) else reader.value(s, grid) for s in selectors]
    points = zip(*(values.ravel().tolist() for values in np.broadcast_arrays(*found)), strict=True)
    total = np.zeros((1,) * len(grid.shape), dtype=reader.numbers.dtype)
    for selector in sorted(set(points), key=str):
        here = np.full((1,) * len(grid.shape), True)
        for values, wanted in zip(found, selector, strict=True):
            here = here & (values == wanted)
        if not (here & grid.active).any():
            continue
        total = np.where(here, reader.real(chosen(selector), grid.under(here)), total)
    return total


def _is_name(selector: Expr) -> bool:
    return bool(selector.is_Symbol) and not isinstance(selector, (Index, Size))

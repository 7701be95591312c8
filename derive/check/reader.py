"""What expressions are evaluated against, and the dispatch by type of node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from sympy import Basic, Expr

from derive.calculus.expressions.tensor import Index, Tensor
from derive.check.arithmetic import Arithmetic, Array
from derive.check.grid import Grid
from derive.errors import DeriveError

Selectors: TypeAlias = tuple[int | str, ...]
Functions: TypeAlias = Mapping[str, Callable[[Selectors, int], Callable[..., Expr]]]
Nodes: TypeAlias = tuple[tuple[Any, Callable[[Any, Any, Grid], Any]], ...]


class OutOfRange(DeriveError):
    """A tensor read or written outside of its axes, where no guard excludes it."""


@dataclass(frozen=True)
class Reader:
    """What an expression is evaluated against: tensors, sizes, numbers, undetermined functions.

    `margins`, where it is given, takes the distance of every real comparison and maximum from its kink.
    """

    tensors: Mapping[str, Tensor]
    arrays: dict[str, Array]
    sizes: Mapping[str, int]
    numbers: Arithmetic
    functions: Functions
    nodes: Nodes
    margins: list[float] | None = None

    def value(self, expression: Basic, grid: Grid) -> Array:
        """The value at every point of the grid, in an array that broadcasts to its shape."""
        for kind, evaluate in self.nodes:
            if isinstance(expression, kind):
                return np.asarray(evaluate(self, expression, grid))
        raise DeriveError(
            f"the reference interpreter does not know {type(expression).__name__} in {expression}"
        )

    def real(self, expression: Basic, grid: Grid) -> Array:
        """The value as real numbers."""
        return self.numbers.cast(self.value(expression, grid))

    def extent(self, grid: Grid, index: Index, extent: Expr) -> Grid:
        """The grid with one more axis."""
        return grid.extended(index, self.value(extent, grid))


def is_whole(values: Array) -> bool:
    """Whether an array holds integers."""
    return values.dtype.kind in "iub"

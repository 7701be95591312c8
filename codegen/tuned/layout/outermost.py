"""Axes that products loop around lie before the rows that they go along.

    A[t,a,g,j] = B[t,a,g,j] + sum_{q<d} H[t,a,q] U[g,q,j]      for each g: rows a, lanes j
    F[t,a,j]   = .. A[t,a,1,j] ..                              A lies as t, g, a, j

The rows of one product, or the steps of its sum, then follow each other, instead of lying apart by all that
it loops around, often in few sets of a cache. Axes that turns go along stay first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile

from codegen.tuned.products.contraction import Contraction, Zeros, contraction
from codegen.tuned.storage import Stored
from derive.calculus.expressions.nodes import free_indices
from derive.calculus.expressions.tensor import Index, Ref
from derive.calculus.program.program import Equation


@dataclass
class Uses:
    """The axes of a tensor that products loop around, those that they go along, and those of turns."""

    around: set[int] = field(default_factory=set)
    along: set[int] = field(default_factory=set)
    turns: set[int] = field(default_factory=set)


def outermost(equations: Iterable[Equation], stored: Mapping[str, Stored], zeros: Zeros) -> dict[str, Stored]:
    """Where tensors lie: those of the arena with the axes that products loop around before their rows."""
    uses = {name: Uses() for name, one in stored.items() if _free(one)}
    for equation in equations:
        found = contraction(equation, stored, zeros)
        for ref in (equation.target, *equation.references):
            if ref.name in uses:
                _used(uses[ref.name], ref, equation, found)
    return {name: replace(one, order=_order(one, uses.get(name))) for name, one in stored.items()}


def _free(one: Stored) -> bool:
    """Whether a tensor of the arena may have another order of all axes but the last."""
    declared = tuple(range(len(one.tensor.axes)))
    return one.padded and one.order == declared and len(declared) > 2 and not any(one.halo)


def _used(uses: Uses, ref: Ref, equation: Equation, found: Contraction | None) -> None:
    outer = {index for index, _ in found.outer} if found else set()
    along = {index for index, _ in (*found.rows, found.lanes)} if found else set()
    walked = {index for index, _ in (*found.rows, *found.sums)} if found else set()
    rows = [axis for axis, index in enumerate(ref.indices[:-1]) if free_indices(index) & walked]
    for axis, index in enumerate(ref.indices):
        moving = free_indices(index)
        inside = bool(rows) and axis > rows[-1]
        uses.around |= {axis} if isinstance(index, Index) and index in outer and inside else set()
        uses.along |= {axis} if moving & along or len(moving) > 1 else set()
        uses.turns |= {axis} if moving & equation.open_indices else set()


def _order(one: Stored, uses: Uses | None) -> tuple[int, ...]:
    """The axes of turns, those that are looped around and never gone along, then the others."""
    if uses is None:
        return one.order
    moved = uses.around - uses.along - uses.turns - {one.order[-1]}
    first = list(takewhile(lambda axis: axis in uses.turns, one.order))
    rest = [axis for axis in one.order if axis not in moved and axis not in first]
    return (*first, *(axis for axis in one.order if axis in moved), *rest)

"""A reference interpreter of programs: slow, plain, and independent of code generation.

    evaluate(linear, {"X": X, "W": W, "b": b})["Y"]                 in float64
    evaluate(linear, inputs, number=50)["Y"]                        in 50 decimal digits

What no equation has written is nan, so that a read of it shows; what leaves a tensor is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from derive.calculus.expressions.nodes import Where
from derive.calculus.expressions.substitution import substitute
from derive.calculus.expressions.tensor import Index, Kind, Tensor, refs
from derive.calculus.program.program import Equation, Program, Recurrence, Statement
from derive.check.arithmetic import Array, Number, arithmetic
from derive.check.elements import require_inside
from derive.check.expressions import NODES
from derive.check.grid import Grid
from derive.check.reader import Functions, Reader
from derive.check.sizes import infer_sizes

UNWRITTEN = np.iinfo(np.int64).min


def evaluate(
    program: Program,
    inputs: Mapping[str, Any],
    sizes: Mapping[str, int] | None = None,
    *,
    number: Number = "float64",
    opaque: Functions | None = None,
) -> dict[str, Array]:
    """Every tensor of a program, by name.

    `number` is "float64", "float32" or a count of decimal digits (arrays of mpmath numbers). `opaque` gives
    each undetermined function: name -> (selectors, order) -> the expression of its derivative of that
    order, as a function of its argument; of a map of vectors, as a function of the component, the
    vector (itself a function of the place), its extent, and one component for each order.
    """
    run = Evaluation.start(program, inputs, sizes, number=number, opaque=opaque)
    run.run(program.statements)
    return run.arrays


@dataclass(frozen=True)
class Evaluation:
    """A program's evaluation under way: the arrays found so far."""

    reader: Reader
    arrays: dict[str, Array] = field(default_factory=dict)

    @classmethod
    def start(
        cls,
        program: Program,
        inputs: Mapping[str, Any],
        sizes: Mapping[str, int] | None = None,
        *,
        number: Number = "float64",
        opaque: Functions | None = None,
        margins: list[float] | None = None,
    ) -> Evaluation:
        """Nothing evaluated yet: sizes inferred, inputs converted."""
        given = {name: np.asarray(value) for name, value in inputs.items()}
        found = infer_sizes(program, {name: array.shape for name, array in given.items()}, sizes)
        numbers = arithmetic(number)
        arrays = {
            tensor.name: given[tensor.name].astype(np.int64)
            if _is_integer(tensor)
            else numbers.cast(given[tensor.name])
            for tensor in program.inputs
        }
        reader = Reader(program.tensors, arrays, found, numbers, opaque or {}, NODES, margins)
        return cls(reader, arrays)

    def at(self, arrays: Mapping[str, Array]) -> Evaluation:
        """The same evaluation where other arrays have been found."""
        found = dict(arrays)
        return Evaluation(replace(self.reader, arrays=found), found)

    def run(self, statements: Iterable[Statement]) -> None:
        """Evaluate statements in order."""
        with np.errstate(all="ignore"):
            for statement in statements:
                if isinstance(statement, Recurrence):
                    self._recur(statement)
                else:
                    self._assign(statement, {})

    def _recur(self, recurrence: Recurrence) -> None:
        count = int(self.reader.value(recurrence.extent, Grid.at({})))
        for equation in recurrence.equations:
            self._storage(equation)  # a guard may hide a step that is not written yet
        steps = range(count - 1, -1, -1) if recurrence.reverse else range(count)
        for step in steps:
            for equation in recurrence.equations:
                self._assign(equation, {recurrence.index: step})

    def _assign(self, equation: Equation, fixed: Mapping[Index, int]) -> None:
        grid = Grid.at(fixed)
        for index, extent in equation.ranges:
            grid = self.reader.extent(grid, index, extent)
        value = equation.value
        if equation.accumulates and isinstance(value, Where) and value.other == 0:
            grid, value = grid.under(self.reader.value(value.condition, grid)), value.chosen
        values = self.reader.value(value, grid)
        places = [self.reader.value(index, grid) for index in equation.target.indices]
        target = self._storage(equation)
        require_inside(self.reader, equation.target, places, target.shape, grid)
        if target.dtype.kind != "i":
            values = self.reader.numbers.cast(values)
        _write(target, places, values, grid, equation)

    def _storage(self, equation: Equation) -> Array:
        if equation.name not in self.arrays:
            tensor = self.reader.tensors[equation.name]
            shape = padded_shape(self.reader, tensor)
            if _is_integer(tensor):
                self.arrays[tensor.name] = np.full(shape, UNWRITTEN)
            else:
                start = 0.0 if equation.accumulates else np.nan
                self.arrays[tensor.name] = self.reader.numbers.filled(shape, start)
        return self.arrays[equation.name]


def elements(reader: Reader, tensor: Tensor) -> Array:
    """Where a tensor has elements: everywhere, but for the padding of ragged axes."""
    return _axes_grid(reader, tensor).active


def padded_shape(reader: Reader, tensor: Tensor) -> tuple[int, ...]:
    """The shape of a tensor; ragged axes as long as their longest row."""
    return _axes_grid(reader, tensor).shape


def _axes_grid(reader: Reader, tensor: Tensor) -> Grid:
    grid = Grid.at({})
    letters: dict[Index, Index] = {}
    for position, axis in enumerate(tensor.axes):
        size = substitute(axis.size, letters) if refs(axis.size) else axis.size
        index = Index(f"axis {position}")
        grid = reader.extent(grid, index, size)
        letters.setdefault(Index(axis.name), index)
    return Grid(grid.indices, grid.shape, np.broadcast_to(grid.active, grid.shape))


def _is_integer(tensor: Tensor) -> bool:
    return tensor.kind in (Kind.INTEGER, Kind.MASK)


def _write(target: Array, places: list[Array], values: Array, grid: Grid, equation: Equation) -> None:
    """target[places] = values, or += for a scatter, at the active points."""
    active = grid.full(grid.active)
    chosen = grid.full(values)[active]
    if not places:
        target[()] = target[()] + chosen.sum() if equation.accumulates else chosen.flat[0]
        return
    where = tuple(grid.full(place)[active] for place in places)
    if equation.accumulates:
        np.add.at(target, where, chosen)
    else:
        target[where] = chosen

"""Random unequal sizes and inputs away from kinks, seeded.

Integers are drawn within the axis that they index or are compared with, labels with a repetition, masks with
both values; real numbers are normal; a draw too near to a kink or a tie is drawn again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np
from sympy import Expr

from derive.calculus.expressions.nodes import Condition, Range, Reduction
from derive.calculus.expressions.tensor import Index, IntegerRef, Kind, Ref, Size, Tensor, refs
from derive.calculus.program.program import Program, Recurrence
from derive.check.arithmetic import Array, arithmetic
from derive.check.evaluate import Evaluation, elements, padded_shape
from derive.check.expressions import NODES
from derive.check.reader import Functions, Reader
from derive.check.sizes import whole
from derive.errors import DeriveError

MARGIN = 1e-2
WIDTHS = 3
SPREAD = 4
LEAST = ((3, 3), (5, 2), (99, 1))  # up to 3 sizes start at 3, up to 5 at 2: the grid is their product
ATTEMPTS = 400
FEW = 4000  # elements of one tensor


def size_names(program: Program) -> tuple[str, ...]:
    """Every symbolic size of a program, sorted."""
    found: set[Size] = set()
    for tensor in program.tensors.values():
        for axis in tensor.axes:
            found |= axis.size.atoms(Size)
    return tuple(sorted(size.name for size in found))


def random_sizes(program: Program, seed: int) -> dict[str, int]:
    """Small unequal sizes under which every axis has at least one element.

    The first of few elements: among many, one is always near a kink. Else those of the fewest.
    """
    names = size_names(program)
    generator = np.random.default_rng([seed, 1])
    least = next(smallest for most, smallest in LEAST if len(names) <= most)
    found: list[tuple[int, dict[str, int]]] = []
    for attempt in range(ATTEMPTS):
        count = max(len(names), SPREAD) + attempt // 100
        values = least + generator.permutation(count)[: len(names)]
        sizes = dict(zip(names, map(int, values), strict=True))
        if all(_fits(axis.size, sizes) for tensor in program.tensors.values() for axis in tensor.axes):
            found.append((_elements(program, sizes), sizes))
            if found[-1][0] <= FEW:
                return sizes
    if found:
        return min(found, key=lambda pair: pair[0])[1]
    raise DeriveError(f"{program.name}: no sizes were found under which every axis has an element")


def _elements(program: Program, sizes: Mapping[str, int]) -> int:
    """The elements of the largest tensor, ragged axes left out."""
    shapes = ([whole(axis.size, sizes) or 1 for axis in t.axes] for t in program.tensors.values())
    return max((prod(shape) for shape in shapes), default=0)


def _fits(size: Expr, sizes: Mapping[str, int]) -> bool:
    if refs(size):
        return True
    value = whole(size, sizes)
    return value is not None and value >= 1


def random_inputs(
    program: Program, sizes: Mapping[str, int], seed: int, *, opaque: Functions | None = None
) -> dict[str, Array]:
    """Inputs at which no comparison and no maximum of the program is near its kink."""
    for attempt in range(ATTEMPTS):
        inputs = _drawn(program, sizes, np.random.default_rng([seed, attempt]))
        margins: list[float] = []
        run = Evaluation.start(program, inputs, sizes, opaque=opaque, margins=margins)
        run.run(program.statements)
        if min(margins, default=1.0) > MARGIN:
            return inputs
    raise DeriveError(f"{program.name}: every draw of its inputs lies near a kink")


def _drawn(program: Program, sizes: Mapping[str, int], generator: np.random.Generator) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    reader = Reader(program.tensors, arrays, sizes, arithmetic("float64"), {}, NODES)
    ordered = sorted(program.inputs, key=lambda tensor: tensor.kind in (Kind.REAL, Kind.STATE))
    for tensor in ordered:
        arrays[tensor.name] = _tensor(program, reader, tensor, generator)
    return {tensor.name: arrays[tensor.name] for tensor in program.inputs}


def _tensor(program: Program, reader: Reader, tensor: Tensor, generator: np.random.Generator) -> Array:
    shape = padded_shape(reader, tensor)
    if tensor.kind is Kind.INTEGER:
        return _integers(program, reader.sizes, tensor, shape, generator)
    if tensor.kind is Kind.MASK:
        mask = generator.integers(0, 2, shape)
        mask.flat[: 2 * (mask.size > 1)] = (0, 1)[: mask.size]
        return mask
    if tensor.kind is Kind.STATE:
        return generator.uniform(0.5, 1.5, shape)
    values = np.asarray(generator.normal(size=shape))
    return np.where(elements(reader, tensor), values, np.nan)


def _integers(
    program: Program,
    sizes: Mapping[str, int],
    tensor: Tensor,
    shape: tuple[int, ...],
    generator: np.random.Generator,
) -> Array:
    """Labels with a repetition; the widths of ragged axes unequal."""
    if tensor.name in _widths(program):
        return np.resize(2 + generator.permutation(WIDTHS), shape)
    limits = [whole(limit, sizes) for limit in _limits(program, tensor.name)]
    known = [limit for limit in limits if limit is not None]
    values = generator.integers(0, min(known, default=3), shape)
    if values.size > 1:
        values.flat[-1] = values.flat[0]
    return values


def _widths(program: Program) -> set[str]:
    axes = (axis.size for tensor in program.tensors.values() for axis in tensor.axes)
    return {ref.name for size in axes for ref in refs(size)}


def _limits(program: Program, name: str) -> Iterator[Expr]:
    """The sizes below which the elements of an integer tensor must stay."""
    for equation in program.equations():
        for ref in refs(equation.value) | {equation.target}:
            yield from _indexed(program, ref, name)
        extents = dict(_ranges(program)) | dict(equation.ranges) | _bound(equation.value)
        for condition in equation.value.atoms(Condition):
            if any(ref.name == name for ref in refs(condition)):
                yield from (
                    extents[i] for i in sorted(condition.expression.atoms(Index), key=str) if i in extents
                )


def _indexed(program: Program, ref: Ref, name: str) -> Iterator[Expr]:
    for axis, index in zip(program.tensor(ref.name).axes, ref.indices, strict=True):
        for read in index.atoms(IntegerRef):
            if read.name == name:
                yield axis.size - (index - read)


def _ranges(program: Program) -> Iterator[Range]:
    for statement in program.statements:
        if isinstance(statement, Recurrence):
            yield statement.index, statement.extent


def _bound(value: Any) -> dict[Index, Expr]:
    return {index: extent for node in value.atoms(Reduction) for index, extent in node.ranges}

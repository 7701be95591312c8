"""A structured Jacobian against the dense one, at unequal random sizes, before it is shown.

entries     the formula of an entry, for every entry, against pushforwards of unit vectors
blocks      0 outside of them; each the same where that is claimed
diagonal, triangular, Toeplitz, Hankel, selection, rank: as claimed, where it is of a whole block
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from sympy import Integer

from derive.calculus.derivation.jacobian import Jacobian
from derive.calculus.derivation.jvp import jvp
from derive.calculus.derivation.structure import Shape, Structure
from derive.calculus.derivation.vjp import axis_ranges
from derive.calculus.expressions.tensor import Axis, Index, Kind, Ref, Tensor, refs
from derive.calculus.program.activity import varying
from derive.calculus.program.program import Equation, Program, map_equations
from derive.check.arithmetic import Array
from derive.check.evaluate import evaluate
from derive.check.reader import Functions
from derive.check.sampling import random_inputs, random_sizes
from derive.check.sizes import whole

BOUND = 1e-10


def complaints(program: Program, found: Jacobian, claimed: Structure, seed: int = 0) -> list[str]:
    """What is not as it is said to be; nothing where all is."""
    sizes = random_sizes(program, seed)
    inputs = random_inputs(program, sizes, seed)
    dense = dense_jacobian(program, found.output, found.by, sizes, inputs)
    if not np.isfinite(dense).all():  # a logarithm of what must be positive
        inputs = {name: np.abs(array) for name, array in inputs.items()}
        dense = dense_jacobian(program, found.output, found.by, sizes, inputs)
    stated = stated_jacobian(found, sizes, inputs)
    scale = np.abs(dense).max(initial=1e-300)
    wrong = [] if np.abs(dense - stated).max(initial=0) <= BOUND * scale else ["entries"]
    return wrong + _unlike(dense, found, claimed, scale)


def dense_jacobian(
    program: Program,
    output: Tensor,
    by: Tensor,
    sizes: dict[str, int],
    inputs: dict[str, Array],
    functions: Functions | None = None,
) -> Array:
    """Every entry, by pushing unit vectors forward."""
    seed, pushed = f"{by.name}_dot", f"{output.name}_dot"
    pushforward = jvp(replace(program, outputs=(output.name,)), (by.name,))
    shape = np.shape(inputs[by.name])
    count = int(np.prod(shape, dtype=int))
    units = {**inputs, seed: np.eye(count).reshape(count, *shape)}
    every = _at_once(pushforward, seed, count)
    values = evaluate(every, {t.name: units[t.name] for t in every.inputs}, sizes, opaque=functions)[pushed]
    if len(every.tensor(pushed).axes) == len(output.axes):  # it depends on none of them
        values = np.broadcast_to(values, (count, *np.shape(values)))
    return np.moveaxis(values, 0, -1).reshape((*np.shape(values)[1:], *shape))


def _at_once(pushforward: Program, seed: str, count: int) -> Program:
    """The program for so many tangents at once: what depends on them has one axis more, before all others.

    Y_dot[i] = sum_p W[i,p] X_dot[p]    becomes    Y_dot[unit,i] = sum_p W[i,p] X_dot[unit,p]
    """
    moving = varying(pushforward, {seed})
    unit = Index("unit")

    def moved(equation: Equation) -> Equation:
        if equation.name not in moving:
            return equation
        read = [ref for ref in refs(equation.value) if ref.name in moving]
        wider = {ref: Ref(ref.args[0], unit, *ref.indices) for ref in read}
        return replace(
            equation,
            target=Ref(equation.name, unit, *equation.target.indices),
            ranges=((unit, Integer(count)), *equation.ranges),
            value=equation.value.xreplace(wider),
        )

    def wide(tensor: Tensor) -> Tensor:
        axis = Axis(unit.name, Integer(count))
        return replace(tensor, axes=(axis, *tensor.axes)) if tensor.name in moving else tensor

    changed = map_equations(pushforward, moved)
    return replace(changed, inputs=tuple(map(wide, changed.inputs)), locals=tuple(map(wide, changed.locals)))


def stated_jacobian(found: Jacobian, sizes: dict[str, int], inputs: dict[str, Array]) -> Array:
    """Every entry by the formula."""
    joint = found.program
    table = Tensor("Jacobian", (*found.output.axes, *found.by.axes))
    ranges = (*axis_ranges(found.output, found.rows), *axis_ranges(found.by, found.columns))
    equation = Equation(Ref(table.name, *found.rows, *found.columns), ranges, found.entry())
    forward = Program(
        "stated",
        joint.inputs,
        (*joint.statements, equation),
        (table.name,),
        (*joint.locals, table),
        joint.facts,
    )
    seeds = {
        tensor.name: np.ones([_length(axis.size, sizes) for axis in tensor.axes])
        for tensor in joint.inputs
        if tensor.name not in inputs and tensor.kind is Kind.REAL
    }
    return np.asarray(evaluate(forward, {**inputs, **seeds}, sizes)[table.name])


def _length(size: Any, sizes: dict[str, int]) -> int:
    length = whole(size, sizes)
    assert length is not None
    return length


def _unlike(dense: Array, found: Jacobian, claimed: Structure, scale: float) -> list[str]:
    """The claims that the blocks do not keep."""
    rows = len(found.rows)
    outside = np.ones(dense.shape, bool)
    for place in product(*_held(dense, rows, claimed)):
        chosen: list[Any] = [slice(None)] * dense.ndim
        for (o, a), index in zip(claimed.blocks, place, strict=True):
            chosen[o] = chosen[rows + a] = index
        outside[tuple(chosen)] = False
    wrong = ["blocks"] if claimed.blocks and np.abs(dense[outside]).max(initial=0) > BOUND * scale else []
    blocks = list(_blocks(dense, rows, claimed))
    if claimed.alike and any(
        np.abs(block - blocks[0][0]).max(initial=0) > BOUND * scale for block, _ in blocks
    ):
        wrong.append("blocks alike")
    for block, height in blocks:
        if not _kept(block, height, claimed, scale):
            return [*wrong, claimed.words()]
    return wrong


def _held(dense: Array, rows: int, claimed: Structure) -> list[range]:
    """The values of the indices that the blocks hold; a concatenation has more rows than columns."""
    return [range(min(dense.shape[o], dense.shape[rows + a])) for o, a in claimed.blocks]


def _blocks(dense: Array, rows: int, claimed: Structure) -> list[tuple[Array, int]]:
    """Every block with the axes that no block link holds, and how many of them are rows."""
    found = []
    height = rows - len(claimed.blocks)
    for place in product(*_held(dense, rows, claimed)):
        chosen: list[Any] = [slice(None)] * dense.ndim
        for (o, a), index in zip(claimed.blocks, place, strict=True):
            chosen[o] = chosen[rows + a] = index
        found.append((dense[tuple(chosen)], height))
    return found


def _kept(block: Array, height: int, claimed: Structure, scale: float) -> bool:
    shape = block.shape
    flat = block.reshape(int(np.prod(shape[:height])), int(np.prod(shape[height:])))
    (only,) = set(claimed.shapes) if len(set(claimed.shapes)) == 1 else (None,)
    off = ~np.eye(*flat.shape, dtype=bool)
    if only in (Shape.IDENTITY, Shape.DIAGONAL):
        return bool(np.abs(flat[off]).max(initial=0) <= BOUND * scale)
    if only is Shape.LOWER and block.ndim == 2:
        return bool(np.abs(np.triu(flat, 1)).max(initial=0) <= BOUND * scale)
    if only is Shape.UPPER and block.ndim == 2:
        return bool(np.abs(np.tril(flat, -1)).max(initial=0) <= BOUND * scale)
    if only is Shape.SELECTION and len(claimed.shapes) == 1:
        counts = (np.abs(flat) > BOUND * scale).sum(axis=0), (np.abs(flat) > BOUND * scale).sum(axis=1)
        return bool(min(count.max(initial=0) for count in counts) <= 1)
    ranks = sum(shape is Shape.RANK_ONE for shape in claimed.shapes)
    if set(claimed.shapes) <= {Shape.RANK_ONE, Shape.DIAGONAL, Shape.IDENTITY} and ranks:
        return _low_rank(flat, ranks, len(set(claimed.shapes)) > 1, scale)
    return True


def _low_rank(flat: Array, ranks: int, with_diagonal: bool, scale: float) -> bool:
    """Every minor of one more than the rank is 0, away from the diagonal where there is one."""
    if not with_diagonal:
        values = np.linalg.svd(flat, compute_uv=False)
        return bool(len(values) <= ranks or values[ranks] <= BOUND * scale * max(flat.shape))
    half = flat.shape[0] // 2
    values = np.linalg.svd(flat[:half, half:], compute_uv=False)
    return bool(len(values) <= ranks or values[ranks] <= BOUND * scale * max(flat.shape))

"""The extents of indices, found from use: p in X[i,p] runs over the size of X's second axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sympy import Expr, Tuple, expand

from derive.calculus.expressions.bounds import nonnegative_in_sizes, placeholder
from derive.calculus.expressions.limits import FormulaError
from derive.calculus.expressions.nodes import Reduction
from derive.calculus.expressions.tensor import Index, Ref, Tensor, refs

WRITTEN = "its range"  # a range may be shorter than the axes that it runs over
Uses = dict[Index, list[tuple[Ref, int]]]


def infer_extents(
    owner: str,
    line: str,
    value: Expr,
    slots: list[Expr],
    known: Tensor | None,
    extents: Mapping[Index, Expr],
    free: tuple[Index, ...],
    tensors: Mapping[str, Tensor],
) -> tuple[Expr, dict[Index, Expr]]:
    """The value with every extent filled in, and the extents of the target's loops."""
    found = dict(extents)
    uses = index_uses(value)
    for index in free:
        candidates = [(f"{known}", known.axes[slots.index(index)].size)] if known is not None else []
        found[index] = _agreed(owner, line, index, candidates + _sizes(uses.get(index, []), tensors))
    bound = {
        index: _agreed(owner, line, index, _given(index, extent) + _sizes(uses.get(index, []), tensors))
        for node in value.atoms(Reduction)
        for index, extent in node.ranges
    }
    for index, extent in extents.items():
        if index in slots:
            _agreed(
                owner,
                line,
                index,
                [(WRITTEN, extent), *_sizes(uses.get(index, []), tensors)],
                ragged=True,
            )
    return value.xreplace({placeholder(i.name): n for i, n in bound.items()}), found


def index_uses(value: Expr) -> Uses:
    """Where each index stands bare as an index of a tensor."""
    uses: Uses = {}
    for ref in sorted(refs(value), key=str):
        for position, index in enumerate(ref.indices):
            if isinstance(index, Index):
                uses.setdefault(index, []).append((ref, position))
    return uses


def _given(index: Index, extent: Expr) -> list[tuple[str, Expr]]:
    return [] if extent == placeholder(index.name) else [(WRITTEN, extent)]


def _sizes(uses: Iterable[tuple[Ref, int]], tensors: Mapping[str, Tensor]) -> list[tuple[str, Expr]]:
    listed = []
    for ref, position in uses:
        tensor = tensors[ref.name]
        size = tensor.axes[position].size
        own = _axis_indices(tensor, ref)
        listed.append((str(tensor), size.xreplace(own)))
    return listed


def _axis_indices(tensor: Tensor, ref: Ref) -> dict[Any, Any]:
    """Ragged sizes name the axis they depend on by its letter: n[i] of axis i."""
    return {Index(axis.name): index for axis, index in zip(tensor.axes, ref.indices, strict=True)}


def _agreed(
    owner: str, line: str, index: Index, candidates: list[tuple[str, Expr]], ragged: bool = False
) -> Expr:
    if not candidates:
        raise FormulaError(
            f"the extent of index {index} in {owner} cannot be found from {line!r}; write it, as {index}<n"
        )
    first, size = candidates[0]
    if nonnegative_in_sizes(expand(-size)):
        raise FormulaError(
            f"{owner}: index {index} runs over {size} in {first}, so that nothing is left, in {line!r}; "
            "make the size at least 1"
        )
    for where, other in candidates[1:]:
        if first == WRITTEN and nonnegative_in_sizes(expand(other - size)):
            continue
        if other != size and not Tuple(size, other).atoms(Ref) and not ragged:
            raise FormulaError(
                f"{owner}: index {index} runs over {size} in {first} but over {other} in {where}, "
                f"in {line!r}; make the two sizes equal or write the range"
            )
    return size

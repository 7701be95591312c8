"""References to tensors as array forms: whole arrays, subscripts, diagonals, gathers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from sympy import Expr, expand

from derive.calculus.arrays.base import Array, Form, MatrixFormError
from derive.calculus.arrays.forms import Diagonal, Gather
from derive.calculus.arrays.labels import Order, Part, fixed_order
from derive.calculus.expressions.bounds import proved_nonnegative
from derive.calculus.expressions.tensor import Index, IntegerRef, Ref, Size, Tensor

Extents = Mapping[Index, Expr]


def read_part(
    node: Ref, extents: Extents, tensors: Mapping[str, Tensor], cover: Callable[[Expr], Part]
) -> Part:
    """X[i,p] is X; W[i,p,j] with i fixed is W_i; A[i,i] a diagonal; anything else a gather."""
    sizes = axis_sizes(node, tensors)
    loops = [index for index in node.indices if isinstance(index, Index) and index in extents]
    plain = all(
        _is_whole(index, size, extents) or not _varies(index, extents) for index, size in _pairs(node, sizes)
    )
    if plain and len(set(loops)) == len(loops):
        return fixed_order(_whole(node, extents), tuple(loops))
    if plain and len(loops) == 2 == len(node.indices):
        square = Array(node.name, tuple(extents[index] for index in loops), (), isinstance(node, IntegerRef))
        return fixed_order(Diagonal(square), (loops[0],))
    return _gathered(node, sizes, extents, cover)


def axis_sizes(node: Ref, tensors: Mapping[str, Tensor]) -> tuple[Expr, ...]:
    """The sizes of the tensor's axes; a ragged one is taken at the indices of this reference."""
    if node.name not in tensors:
        raise MatrixFormError(f"{node} reads {node.name}, which is not declared")
    tensor = tensors[node.name]
    if len(tensor.axes) != len(node.indices):
        raise MatrixFormError(
            f"{node} has {len(node.indices)} indices but {tensor} has {len(tensor.axes)} axes"
        )
    if all(isinstance(axis.size, Size) for axis in tensor.axes):
        return tensor.shape
    own = {Index(axis.name): index for axis, index in zip(tensor.axes, node.indices, strict=True)}
    return tuple(axis.size.xreplace(own) for axis in tensor.axes)


def _pairs(node: Ref, sizes: tuple[Expr, ...]) -> list[tuple[Expr, Expr]]:
    return list(zip(node.indices, sizes, strict=True))


def _varies(index: Expr, extents: Extents) -> bool:
    return bool(index.free_symbols & set(extents))


def _is_whole(index: Expr, size: Expr, extents: Extents) -> bool:
    if not isinstance(index, Index) or index not in extents:
        return False
    return extents[index] == size or expand(extents[index] - size) == 0


def _whole(node: Ref, extents: Extents) -> Form:
    subscripts = tuple(
        (place, index) for place, index in enumerate(node.indices) if not _varies(index, extents)
    )
    axes = tuple(extents[index] for index in node.indices if isinstance(index, Index) and index in extents)
    return Array(node.name, axes, subscripts, isinstance(node, IntegerRef))


def _gathered(node: Ref, sizes: tuple[Expr, ...], extents: Extents, cover: Callable[[Expr], Part]) -> Part:
    order = united_in_order([cover(index) for index in node.indices])
    return Part(order, lambda wanted: gather_form(node, sizes, {i: extents[i] for i in wanted}, cover))


def gather_form(
    node: Ref, sizes: tuple[Expr, ...], extents: Extents, cover: Callable[[Expr], Part]
) -> Gather:
    """The reference as a gather over these indices, in their order."""
    order = tuple(extents)
    forms = tuple(cover(index).aligned(order, extents) for index in node.indices)
    unproved = tuple(
        place
        for place, (index, size) in enumerate(_pairs(node, sizes))
        if not _proved_inside(index, size, extents)
    )
    integer = isinstance(node, IntegerRef)
    return Gather(node.name, forms, tuple(extents.values()), sizes, unproved, integer)


def united_in_order(parts: list[Part]) -> Order:
    """The indices of several parts in the order of their first occurrence."""
    return tuple(dict.fromkeys(index for part in parts for index in part.order))


def _proved_inside(index: Expr, size: Expr, extents: Extents) -> bool:
    if isinstance(index, IntegerRef):
        return True  # labels and gather indices are checked where they enter
    bounds = (expand(index), expand(size - 1 - index))
    return all(proved_nonnegative(bound, extents) or _known_nonnegative(bound) for bound in bounds)


@cache
def _known_nonnegative(bound: Expr) -> bool:
    """Whether SymPy knows by itself."""
    return bool(bound.is_nonnegative)

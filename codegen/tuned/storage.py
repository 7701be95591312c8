"""Where each tensor lies, and how far apart its elements are.

    W1 (n, d)  a parameter, row-major as in the header      p->W1, strides D, 1
    Z2 (m, d)  in the arena, rows padded to whole vectors    w + AT_Z2, strides PAD(D), 1

Tensors of the arena may have any order of axes; the last in the order has stride 1. A tensor with a halo has
so many zeros around it, so that windows may reach beyond its edge. Of some axes there is room for a `single`
value: all others are computed in its place, one after the other; of the examples there may be room for a
`portion`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sympy import Expr, Integer
from sympy.core.basic import Basic

from derive.calculus.expressions.tensor import Index, Ref, Tensor

Text = Callable[[Expr], str]


PORTIONS = 4
"""So many portions of the examples follow each other, where there is room for one."""


@dataclass(frozen=True)
class Stored:
    """A tensor in memory: the C of its first element, the order of its axes, whether rows are padded.

    Of a `number` that a call is given `start` is the number itself, which a phase reads once.
    """

    tensor: Tensor
    start: str
    order: tuple[int, ...]
    padded: bool
    integer: bool = False
    halo: tuple[int, ...] = ()
    single: tuple[int, ...] = ()
    number: bool = False
    portion: int | None = None

    def margin(self, axis: int) -> int:
        """How many zeros lie before the first and after the last element of an axis."""
        return self.halo[axis] if self.halo else 0

    def extent(self, axis: int) -> Expr:
        """How many elements an axis has in memory, its margins included."""
        return self.tensor.shape[axis] + 2 * self.margin(axis)

    @property
    def last(self) -> int | None:
        """The axis whose elements follow each other."""
        return self.order[-1] if self.order else None

    def row(self, size: Text) -> str:
        """The reals from one element of the last axis to the next row."""
        extent = size(self.extent(self.order[-1]))
        return f"PAD({extent})" if self.padded else extent

    def stride(self, axis: int, size: Text) -> str:
        """The reals from one element of an axis to the next."""
        place = self.order.index(axis)
        if axis in self.single:
            return "0"
        inner = [other for other in self.order[place + 1 :] if other not in self.single]
        if not inner:
            return "1"
        factors = [size(self.extent(other)) for other in inner[:-1]] + [self.row(size)]
        return " * ".join(
            f if f.isidentifier() or f.isdigit() or f.startswith("PAD(") else f"({f})" for f in factors
        )

    def reals(self, sizes: Callable[[Expr], int], item: int) -> int:
        """How many reals of so many bytes it takes, in whole cache lines."""
        step = 64 // item
        count = 1
        for place, axis in enumerate(self.order):
            extent = 1 if axis in self.single else sizes(self.extent(axis))
            extent = -(-extent // PORTIONS) if axis == self.portion else extent
            last = place + 1 == len(self.order)
            count *= padded_lines(-(-extent // step)) * step if self.padded and last else extent
        return -(-count // step) * step


def value_reals(stored: Stored, sizes: Callable[[Expr], int], item: int) -> int:
    """How many reals lie between two values of the outermost axis."""
    step, count = 64 // item, 1
    for axis in stored.order[1:]:
        extent = 1 if axis in stored.single else sizes(stored.extent(axis))
        count *= padded_lines(-(-extent // step)) * step if stored.padded and axis == stored.last else extent
    return count


def padded_lines(lines: int) -> int:
    """The cache lines of a padded row: one more where rows would begin in few sets of a cache."""
    return lines + (lines % 16 == 0)


def offset(stored: Stored, indices: tuple[Expr, ...], size: Text, write: Callable[[Expr], str]) -> str:
    """The C of an element's offset from the first: i * PAD(D) + j."""
    terms = []
    for axis in stored.order:
        index = indices[axis] + stored.margin(axis)
        if index == Integer(0) or axis in stored.single:
            continue
        stride = stored.stride(axis, size)
        text = write(index)
        if stride == "1":
            terms.append(text)
            continue
        terms.append(
            f"{text if isinstance(index, Index | Ref) or index.is_Integer else f'({text})'} * {stride}"
        )
    return " + ".join(terms)


def at(ref: Ref, fixed: Mapping[Index, Expr] | Mapping[Basic, Basic]) -> Ref:
    """An element with some indices at fixed values."""
    renamed: dict[Basic, Basic] = dict(fixed)
    return Ref(ref.args[0], *(index.xreplace(renamed) for index in ref.indices))

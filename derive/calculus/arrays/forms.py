"""Array forms: what an equation says about whole arrays, as Xᵀ((S - I_y) ∘ σ'(X W)).

Every form knows its axes, the sizes of its dimensions in order. Elementwise forms take operands of equal
rank, or scalars; a missing dimension is written as a Broadcast. Build them by `matrix_algebra`, which
keeps commutative operands in one order, so that equal structure is equal data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from sympy import Expr

from derive.calculus.arrays.base import Axes, Form


@dataclass(frozen=True)
class Transpose(Form):
    """The operand with its dimensions in another order: dimension k of the result is order[k] of it."""

    operand: Form
    order: tuple[int, ...] = (1, 0)

    @property
    def axes(self) -> Axes:
        return tuple(self.operand.axes[k] for k in self.order)

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.operand,)

    @cached_property
    def transposes(self) -> int:
        return 1 + self.operand.transposes


@dataclass(frozen=True)
class Broadcast(Form):
    """The operand repeated: its dimension k is dimension kept[k] of the result."""

    operand: Form
    extents: Axes
    kept: tuple[int, ...]

    @property
    def axes(self) -> Axes:
        return self.extents

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.operand,)


@dataclass(frozen=True)
class Diagonal(Form):
    """a_ii of a square matrix."""

    operand: Form

    @property
    def axes(self) -> Axes:
        return self.operand.axes[:1]

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.operand,)


@dataclass(frozen=True)
class MatMul(Form):
    """sum over the last dimension of the left and the first of the right; of two equal-rank
    stacks, over the last and the last but one, matrix by matrix.
    """

    left: Form
    right: Form

    @property
    def stacked(self) -> int:
        """How many leading dimensions both operands share."""
        return self.right.rank - 2 if self.right.rank > 2 else 0

    @property
    def axes(self) -> Axes:
        return (*self.left.axes[:-1], *self.right.axes[self.stacked + 1 :])

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.left, self.right)


@dataclass(frozen=True)
class Outer(Form):
    """x yᵀ of two vectors."""

    left: Form
    right: Form

    @property
    def axes(self) -> Axes:
        return (*self.left.axes, *self.right.axes)

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.left, self.right)


@dataclass(frozen=True)
class Reduced(Form):
    """A sum, max or argmax over dimensions, which are gone from the result."""

    operator: str
    operand: Form
    over: tuple[int, ...]

    @property
    def axes(self) -> Axes:
        return tuple(size for k, size in enumerate(self.operand.axes) if k not in self.over)

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.operand,)

    @cached_property
    def integral(self) -> bool:
        return self.operator == "argmax" or self.operand.integral


@dataclass(frozen=True)
class OneHot(Form):
    """I_y: row i is the unit vector of label y_i."""

    labels: Form
    extent: Expr

    @property
    def axes(self) -> Axes:
        return (*self.labels.axes, self.extent)

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.labels,)


@dataclass(frozen=True)
class Gather(Form):
    """name[selectors]: one integer form for each axis of the tensor, all of the rank of the result
    or scalars. `unproved` are the places where a selector may leave the axis of that size; a Select around it
    decides there, and any value may be read.
    """

    name: str
    selectors: tuple[Form, ...]
    extents: Axes
    sizes: Axes
    unproved: tuple[int, ...] = field(default=())
    integer: bool = False

    @property
    def axes(self) -> Axes:
        return self.extents

    @property
    def operands(self) -> tuple[Form, ...]:
        return self.selectors

    @cached_property
    def integral(self) -> bool:
        return self.integer


@dataclass(frozen=True)
class Einsum(Form):
    """The sum over every letter that is not in the output of the product of the factors."""

    factors: tuple[Form, ...]
    inputs: tuple[tuple[int, ...], ...]
    output: tuple[int, ...]

    @property
    def axes(self) -> Axes:
        sizes = {
            letter: size
            for letters, factor in zip(self.inputs, self.factors, strict=True)
            for letter, size in zip(letters, factor.axes, strict=True)
        }
        return tuple(sizes[letter] for letter in self.output)

    @property
    def operands(self) -> tuple[Form, ...]:
        return self.factors

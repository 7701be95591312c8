"""Array forms: what an equation says about whole arrays, as Xᵀ((S - I_y) ∘ σ'(X W)).

Every form knows its axes, the sizes of its dimensions in order. Elementwise forms take operands of equal
rank, or scalars; a missing dimension is written as a Broadcast. Build them by `matrix_algebra`, which
keeps commutative operands in one order, so that equal structure is equal data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from sympy import Expr

from derive.errors import DeriveError

Axes = tuple[Expr, ...]


class MatrixFormError(DeriveError):
    """An index expression that no array form covers, or operands whose sizes do not match."""


@dataclass(frozen=True)
class Form:
    """An array-valued expression."""

    @property
    def axes(self) -> Axes:
        """The size of each dimension, in order."""
        raise NotImplementedError

    @property
    def operands(self) -> tuple[Form, ...]:
        """The forms this one is made of."""
        return ()

    @property
    def rank(self) -> int:
        return len(self.axes)

    @cached_property
    def transposes(self) -> int:
        """How many transposes occur inside."""
        return sum(operand.transposes for operand in self.operands)

    @cached_property
    def integral(self) -> bool:
        """Whether the elements are integers (positions, labels) instead of reals."""
        return bool(self.operands) and all(operand.integral for operand in self.operands)


@dataclass(frozen=True)
class Number(Form):
    """A scalar: a number, or an expression in sizes and fixed indices."""

    value: Expr

    @property
    def axes(self) -> Axes:
        return ()

    @cached_property
    def integral(self) -> bool:
        return bool(self.value.is_integer)


@dataclass(frozen=True)
class Array(Form):
    """A named tensor, whole along its axes; fixed indices are subscripts at their places: W_i, A[t, :, 0]."""

    name: str
    extents: Axes
    subscripts: tuple[tuple[int, Expr], ...] = ()
    integer: bool = False

    @property
    def axes(self) -> Axes:
        return self.extents

    @cached_property
    def integral(self) -> bool:
        return self.integer


@dataclass(frozen=True)
class Positions(Form):
    """0, 1, ..., n-1."""

    extent: Expr

    @property
    def axes(self) -> Axes:
        return (self.extent,)

    @cached_property
    def integral(self) -> bool:
        return True


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


def widest(forms: tuple[Form, ...]) -> Axes:
    """The axes of elementwise operands, scalars aside."""
    return max((form.axes for form in forms), key=len, default=())


@dataclass(frozen=True)
class Product(Form):
    """The elementwise product."""

    factors: tuple[Form, ...]

    @property
    def axes(self) -> Axes:
        return widest(self.factors)

    @property
    def operands(self) -> tuple[Form, ...]:
        return self.factors


@dataclass(frozen=True)
class Quotient(Form):
    """The elementwise quotient."""

    numerator: Form
    denominator: Form

    @property
    def axes(self) -> Axes:
        return widest((self.numerator, self.denominator))

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.numerator, self.denominator)

    @cached_property
    def integral(self) -> bool:
        return False


@dataclass(frozen=True)
class Total(Form):
    """The elementwise sum of terms, some of them Negative."""

    terms: tuple[Form, ...]

    @property
    def axes(self) -> Axes:
        return widest(self.terms)

    @property
    def operands(self) -> tuple[Form, ...]:
        return self.terms


@dataclass(frozen=True)
class Negative(Form):
    """-x."""

    operand: Form

    @property
    def axes(self) -> Axes:
        return self.operand.axes

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.operand,)


@dataclass(frozen=True)
class Power(Form):
    """x^a elementwise, a a number."""

    base: Form
    exponent: Expr

    @property
    def axes(self) -> Axes:
        return self.base.axes

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.base,)

    @cached_property
    def integral(self) -> bool:
        return self.base.integral and bool(self.exponent.is_integer and self.exponent.is_nonnegative)


@dataclass(frozen=True)
class Apply(Form):
    """A scalar function of every element: exp(Z), or sigma_i'(Z W), undetermined."""

    function: str
    operand: Form
    selectors: tuple[Expr, ...] = ()
    order: int = 0
    known: bool = True

    @property
    def axes(self) -> Axes:
        return self.operand.axes

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.operand,)

    @cached_property
    def integral(self) -> bool:
        return False


@dataclass(frozen=True)
class VectorApply(Form):
    """sigma(z) of the vectors along the last dimension; of order 1 its Jacobian J_sigma(z),
    with the vector's dimension twice: component, then the one it is differentiated by.
    """

    function: str
    operand: Form
    selectors: tuple[Expr, ...] = ()
    order: int = 0
    components: Expr | None = None

    @property
    def axes(self) -> Axes:
        width = self.operand.axes[-1]
        component = width if self.components is None else self.components
        return (*self.operand.axes[:-1], component, *((width,) * self.order))

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.operand,)


@dataclass(frozen=True)
class Divided(Form):
    """a // b, or a % b, of integers."""

    left: Form
    right: Form
    remainder: bool = False

    @property
    def axes(self) -> Axes:
        return widest((self.left, self.right))

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
class Compare(Form):
    """operand > 0, operand >= 0 or operand == 0, elementwise."""

    relation: str
    operand: Form

    @property
    def axes(self) -> Axes:
        return self.operand.axes

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.operand,)


@dataclass(frozen=True)
class Logic(Form):
    """and, or, not of conditions."""

    operator: str
    parts: tuple[Form, ...]

    @property
    def axes(self) -> Axes:
        return widest(self.parts)

    @property
    def operands(self) -> tuple[Form, ...]:
        return self.parts


@dataclass(frozen=True)
class Indicator(Form):
    """[condition]: 1 where it holds, else 0."""

    condition: Form

    @property
    def axes(self) -> Axes:
        return self.condition.axes

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.condition,)


@dataclass(frozen=True)
class Select(Form):
    """chosen where the condition holds, else other; a value not chosen has no effect, not even inf or nan."""

    condition: Form
    chosen: Form
    other: Form

    @property
    def axes(self) -> Axes:
        return widest(self.operands)

    @property
    def operands(self) -> tuple[Form, ...]:
        return (self.condition, self.chosen, self.other)

    @cached_property
    def integral(self) -> bool:
        return self.chosen.integral and self.other.integral


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

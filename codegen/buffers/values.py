"""What an expression of a plain function is: its axes, how they lie in memory, which planned arrays it reads.

H                       (m, k), strides (k, 1), reads H
M[:, None]              (m, 1), strides (1, 0), reads M
np.exp(H - M[:, None])  computed: two instructions with out=E
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sympy import Expr, Integer, Mul, expand

Axes: TypeAlias = tuple[Expr, ...]

REAL, TRUTH, WHOLE = "real", "bool", "int"
ONE = Integer(1)


@dataclass(frozen=True)
class Operand:
    """An expression that computes no array where it stands; `fresh` where it may be overwritten.

    With `repeats` each place along an axis stands so often in turn; `once` is the array without them.
    """

    node: ast.expr
    axes: Axes = ()
    strides: Axes = ()
    kind: str = REAL
    reads: frozenset[str] = frozenset()
    fresh: bool = False
    repeats: tuple[int, ...] = ()
    once: ast.expr | None = None

    @property
    def rank(self) -> int:
        return len(self.axes)


@dataclass(frozen=True)
class Value:
    """An array with a place of its own: `order` are its axes from the slowest to the fastest in memory."""

    name: str
    axes: Axes
    order: tuple[int, ...]
    kind: str = REAL

    @property
    def strides(self) -> Axes:
        return strides_of(self.axes, self.order)

    def operand(self, fresh: bool = False) -> Operand:
        name = ast.Name(self.name)
        return Operand(name, self.axes, self.strides, self.kind, frozenset({self.name}), fresh)


@dataclass(frozen=True)
class Instruction:
    """A line: what it reads, what it writes, and the arrays whose memory a new one may take over."""

    node: ast.stmt
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    yields: frozenset[str] = frozenset()
    depth: int = 0
    comment: str = ""


@dataclass(frozen=True)
class Loop:
    """The instructions first..last of a loop's body."""

    first: int
    last: int


@dataclass
class Draft:
    """A function as it is rewritten: instructions in order, the arrays they compute in, the loops."""

    instructions: list[Instruction] = field(default_factory=list)
    values: dict[str, Value] = field(default_factory=dict)
    loops: list[Loop] = field(default_factory=list)
    constants: dict[str, ast.expr] = field(default_factory=dict)


def contiguous(axes: Axes) -> Axes:
    """The strides of an array in C order, in elements."""
    return strides_of(axes, tuple(range(len(axes))))


def strides_of(axes: Axes, order: tuple[int, ...]) -> Axes:
    """The strides of an array without gaps whose axes lie in this order."""
    strides = [ONE] * len(axes)
    step: Expr = ONE
    for k in reversed(order):
        strides[k] = step
        step = expand(step * axes[k])
    return tuple(strides)


def order_of(operand: Operand, sizes: Mapping[Expr, int]) -> tuple[int, ...]:
    """The axes from the slowest to the fastest, as an elementwise function keeps them."""
    steps = [evaluated(stride, sizes) for stride in operand.strides]
    return tuple(sorted(range(operand.rank), key=lambda k: (-steps[k], k)))


def evaluated(expression: Expr, sizes: Mapping[Expr, int]) -> float:
    """A size in numbers, for what is decided by cost: right for all sizes, best for these."""
    return float(expression.subs(sizes))


def elements(axes: Axes) -> Expr:
    """How many elements an array has."""
    return Mul(*axes)


def same(a: Axes, b: Axes) -> bool:
    """Whether two shapes are equal for all sizes."""
    return len(a) == len(b) and all(expand(x - y) == 0 for x, y in zip(a, b, strict=True))


def broadcast(*shapes: Axes) -> Axes:
    """The shape of an elementwise result."""
    rank = max((len(shape) for shape in shapes), default=0)
    padded = [(ONE,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(next((n for n in column if n != 1), ONE) for column in zip(*padded, strict=True))

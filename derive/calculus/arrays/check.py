"""The numeric check of an array form: it equals its equation at random points and unequal sizes.

Tensors are random functions of their name and indices, so that no array is needed. At every other point they
have two values only, so that equality, as of an element and a maximum, holds somewhere. Undetermined
functions are fixed smooth ones, another for every order. Sizes are unequal, or 1 to 3 where sums inside sums
take too long.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Any

import sympy
from sympy import Add, And, Expr, Integer, Mul, Not, Or, Pow
from sympy.core.basic import Basic

from derive.calculus.arrays.base import Form, MatrixFormError
from derive.calculus.arrays.matrix import choosing_loops, gathered, inlined, matrix_form
from derive.calculus.arrays.meaning import element
from derive.calculus.expressions.nodes import (
    ArgLargest,
    Condition,
    FloorDiv,
    Largest,
    Opaque,
    Positive,
    Reduction,
    Remainder,
    Sum,
    VectorMap,
    Where,
    free_indices,
    reduces,
)
from derive.calculus.expressions.nodes import IsZero as Zero
from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.tensor import Index, IntegerRef, Ref, Size
from derive.calculus.program.program import Equation, Program

_TOLERANCE = 1e-9
MOST_WORK = 20_000  # visits of nodes, before sizes of 1 to 3 take the place of unequal ones
_FUNCTIONS: dict[str, Callable[[float], float]] = {
    name: getattr(math, name)
    for name in (
        *("exp", "log", "log1p", "expm1", "tanh", "sinh", "cosh"),
        *("sin", "cos", "tan", "atan", "asinh", "acosh", "atanh", "erf", "erfc"),
    )
}


def checked_form(equation: Equation, program: Program, unfold: Iterable[str] = (), points: int = 5) -> Form:
    """The array form, proved to fit in shape and found equal to the equation at random points."""
    names = frozenset(unfold)
    form = matrix_form(equation, program, names)
    plain = gathered(equation, program)
    value = inlined(plain.value, program, names)
    chosen = choosing_loops(plain, value)
    order = tuple(i for i in plain.target.indices if i in plain.loops and i not in chosen)
    extents = dict(plain.ranges)
    if form.axes != tuple(extents[index] for index in order) and form.rank:
        raise MatrixFormError(f"the array form of {equation} has axes {form.axes}, not those of its target")
    back = element(form, order)
    tied = range(points | 1, points + 8, 2) if holds(value, Zero) and not names else ()
    for seed in (*range(points), *tied):
        _compare(equation, value, back, extents, seed)
    return form


def _compare(equation: Equation, value: Expr, back: Expr, extents: Mapping[Index, Expr], seed: int) -> None:
    point = Point(seed, value, back, *extents.values())
    used = set().union(*(e.free_symbols for e in (value, back, *extents.values()))) - set(extents)
    point.indices |= {index: _hash(seed, index) % 2 for index in used if isinstance(index, Index)}
    for index, extent in extents.items():
        point.indices[index] = _hash(seed, index) % max(int(point(extent)), 1)
    first, second = point(value), point(back)
    if not math.isclose(first, second, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
        raise MatrixFormError(f"the array form of {equation} gives {second} where the equation gives {first}")


class Point:
    """A random interpretation of sizes, tensors and undetermined functions."""

    def __init__(self, seed: int, *expressions: Basic) -> None:
        self.seed = seed
        self.indices: dict[Index, int] = {}
        self.reduced: dict[object, Any] = {}
        sizes = sorted({s for e in expressions for s in e.atoms(Size)}, key=str)
        self.sizes = {
            size: 3 + (place * (1 + seed % 2) + seed) % (len(sizes) + 1) for place, size in enumerate(sizes)
        }
        if sum(self.work(expression) for expression in expressions[:2]) > MOST_WORK:
            self.sizes = {size: 1 + (seed + _hash(seed, size)) % 3 for size in sizes}
        reductions = {node for e in expressions for node in e.atoms(Reduction)}
        extents = [*expressions[2:], *(extent for node in reductions for _, extent in node.ranges)]
        self.widths = {ref.name for extent in extents for ref in extent.atoms(IntegerRef)}

    def __call__(self, node: Any) -> Any:
        """The value of an expression or condition."""
        if node.is_number:
            return math.inf if node == sympy.oo else -math.inf if node == -sympy.oo else float(node)
        if isinstance(node, Index):
            return self.indices[node]
        if isinstance(node, Size):
            return self.sizes[node]
        if isinstance(node, Reduction):
            return self.reduction(node)
        return self.read(node)

    def work(self, node: Basic) -> int:
        """How often nodes are visited where nothing is cut short."""
        inside = 1 + sum(map(self.work, node.args))
        if not isinstance(node, Reduction):
            return inside
        sizes = {size: Integer(value) for size, value in self.sizes.items()}
        extents = [extent.xreplace(sizes) for _, extent in node.ranges]
        return inside * math.prod(int(extent) if extent.is_number else 3 for extent in extents)

    def read(self, node: Any) -> Any:
        """The value by the node's kind."""
        for kind, reader in _READERS:
            if isinstance(node, kind):
                return reader(self, node)
        return _FUNCTIONS[type(node).__name__](self(node.args[0]))

    def reduction(self, node: Reduction) -> Any:
        """Worked out once where its free indices are the same: sums stand inside sums."""
        free = sorted(free_indices(node), key=str)
        key = (node, *(self.indices[index] for index in free))
        if key not in self.reduced:
            self.reduced[key] = self.read(node)
        return self.reduced[key]

    def over(self, node: Reduction) -> Iterable[Any]:
        """The values of the body over its ranges."""
        kept = dict(self.indices)
        for values in product(*(range(int(self(extent))) for _, extent in node.ranges)):
            self.indices = {**kept, **dict(zip(node.bound, values, strict=True))}
            yield self(node.body)
        self.indices = kept

    def ref(self, node: Ref) -> float:
        """A random function of name and indices; labels and widths are small integers."""
        bits = _hash(self.seed, node.name, *(int(self(index)) for index in node.indices))
        if isinstance(node, IntegerRef):
            return 2 + bits % 3 if node.name in self.widths else bits % 2
        return 0.2 + (bits % (1009 if self.seed % 2 == 0 else 2)) / 1009

    def product(self, node: Mul) -> Any:
        """A factor of 0 is a strong zero: what would have to be summed is not looked at."""
        value: Any = 1
        for factor in sorted(node.args, key=reduces):
            value = value * self(factor)
            if value == 0:
                return 0
        return value

    def opaque(self, node: Opaque) -> float:
        bits = _hash(node.name, node.order, *(int(self(selector)) for selector in node.selectors))
        return math.sin(self(node.argument) + bits % 97)

    def vector(self, node: VectorMap) -> float:
        places = [int(self(index)) for index in (*node.outputs, *node.by)]
        return math.fsum(
            _hash(node.name, k, *places) % 7 * math.tanh(x) for k, x in enumerate(self.over(node))
        )

    def condition(self, node: Condition) -> bool:
        value = self(node.expression)
        if isinstance(node, Zero):
            return bool(value == 0)
        return bool(value > 0 if isinstance(node, Positive) else value >= 0)


def _hash(*parts: object) -> int:
    return zlib.crc32(repr([str(part) for part in parts]).encode())


def _first_largest(values: Iterable[float]) -> int:
    listed = list(values)
    return listed.index(max(listed))


_READERS: tuple[tuple[type[Any], Callable[[Point, Any], Any]], ...] = (
    (Ref, Point.ref),
    (Sum, lambda point, node: math.fsum(point.over(node))),
    (VectorMap, Point.vector),
    (ArgLargest, lambda point, node: _first_largest(point.over(node))),
    (Largest, lambda point, node: max(point.over(node), default=-math.inf)),
    (Where, lambda point, node: point(node.chosen) if point(node.condition) else point(node.other)),
    (Condition, Point.condition),
    (And, lambda point, node: all(point(argument) for argument in node.args)),
    (Or, lambda point, node: any(point(argument) for argument in node.args)),
    (Not, lambda point, node: not point(node.args[0])),
    (FloorDiv, lambda point, node: point(node.args[0]) // point(node.args[1])),
    (Remainder, lambda point, node: point(node.args[0]) % point(node.args[1])),
    (Opaque, Point.opaque),
    (Add, lambda point, node: sum(point(argument) for argument in node.args)),
    (Mul, Point.product),
    (Pow, lambda point, node: point(node.args[0]) ** point(node.args[1])),
    (sympy.exp, lambda point, node: math.exp(point(node.args[0]))),
    (sympy.Abs, lambda point, node: abs(point(node.args[0]))),
    (sympy.sign, lambda point, node: (point(node.args[0]) > 0) - (point(node.args[0]) < 0)),
)

"""The NumPy-like surface: it only writes equations.

    graph = Graph("two_layer")
    X, W1 = graph.input("X", m, n), graph.input("W1", n, d)
    Z2 = maximum(X @ W1, 0).named("Z2")

An array is a function from indices to an expression; naming it writes the equation. Shapes
broadcast as in NumPy, from the last axis on, and sizes are compared as symbols.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sympy import Expr, Integer, SympifyError, sympify

from derive.calculus.expressions.kinks import canonical_kinks
from derive.calculus.expressions.limits import bounded, power, quotient
from derive.calculus.expressions.nodes import Largest, Sum
from derive.calculus.expressions.substitution import apart, bound_names, fresh
from derive.calculus.expressions.tensor import Axis, Index, Kind, Ref, Size, Tensor
from derive.calculus.program.compose import free_name, instantiate
from derive.calculus.program.program import Equation, Fact, Program, Statement
from derive.calculus.program.soundness import require_sound
from derive.errors import DeriveError

LETTERS = "ijklabcefg"


@dataclass(eq=False)
class Graph:
    """Equations in the order in which arrays are named."""

    name: str
    inputs: list[Tensor] = field(default_factory=list)
    locals: list[Tensor] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)

    @property
    def taken(self) -> set[str]:
        return {tensor.name for tensor in (*self.inputs, *self.locals)}

    def input(self, name: str, *sizes: Any, kind: Kind = Kind.REAL) -> Array:
        """Declare an input: sizes are letters, numbers or expressions in sizes."""
        if name in self.taken:
            raise DeriveError(f"{self.name} declares {name} twice; give the second another name")
        axes = tuple(_axis(f"{self.name}, input {name}", size) for size in sizes)
        tensor = Tensor(name, axes, kind)
        self.inputs.append(tensor)
        return self.array(tensor)

    def array(self, tensor: Tensor) -> Array:
        return Array(self, tensor.axes, lambda indices: tensor[indices], tensor)

    def apply(self, layer: Program, *arguments: Array, **names: str) -> Array:
        """A layer applied to arrays; `names` renames its tensors, as Y="Z2"."""
        outputs = self.apply_all(layer, *arguments, **names)
        return outputs[0]

    def apply_all(self, layer: Program, *arguments: Array, **names: str) -> tuple[Array, ...]:
        arrays = tuple(_array(self, argument, f"{layer.name}(...)") for argument in arguments)
        tensors = tuple(array.tensor or array.named(f"{layer.name}_in").tensor for array in arrays)
        assert all(tensors)
        instance = instantiate(layer, tuple(t for t in tensors if t is not None), self.taken, names)
        self.statements += instance.statements
        self.locals += instance.locals
        self.facts += instance.facts
        return tuple(self.array(tensor) for tensor in instance.outputs)

    def program(self, *outputs: Array) -> Program:
        """The program that computes the outputs, which must be named."""
        names = []
        if not outputs:
            raise DeriveError(f"{self.name} is asked for no output; give the arrays that it shall compute")
        for output in outputs:
            _array(self, output, f"the program of {self.name}")
            if output.tensor is None:
                raise DeriveError(f"an output of {self.name} has no name; name it with .named(...)")
            names.append(output.tensor.name)
        program = Program(
            self.name,
            tuple(self.inputs),
            tuple(self.statements),
            tuple(names),
            tuple(self.locals),
            tuple(self.facts),
        )
        return require_sound(program)


def _axis(owner: str, size: Any) -> Axis:
    if isinstance(size, str):
        return Axis(size, Size(size))
    value = _number(owner, size)
    if not value.is_integer or value.is_nonpositive:
        raise DeriveError(f"{owner}: an axis has the size {size}; it must be an integer of at least 1")
    return Axis(str(value), value)


def _number(owner: str, value: Any) -> Expr:
    """A number or an expression in sizes; text is never evaluated."""
    try:
        number = sympify(value, strict=True)
    except SympifyError:
        number = None
    if not isinstance(number, Expr):
        raise DeriveError(f"{owner}: {value!r} is no number; give one, or an array of the same graph")
    return number


def _array(graph: Graph, value: Any, where: str) -> Array:
    """The array, where it is one of this graph."""
    if not isinstance(value, Array):
        raise DeriveError(f"{graph.name}: {value!r} in {where} is no array; declare it as an input")
    if value.graph is not graph:
        raise DeriveError(
            f"{graph.name}: {value} in {where} belongs to the graph {value.graph.name}; "
            f"make it in {graph.name}, or apply {value.graph.name} as a layer"
        )
    return value


@dataclass(eq=False)
class Array:
    """An element for every index: axes, and a function from indices to an expression."""

    graph: Graph
    axes: tuple[Axis, ...]
    element: Callable[[tuple[Expr, ...]], Expr]
    tensor: Tensor | None = None

    def named(self, name: str, layer: str = "") -> Array:
        """Write the equation `name[i,j] = element`."""
        indices = self._indices()
        value = bounded(canonical_kinks(self.element(indices)), f"{self.graph.name}: {name}")
        tensor = Tensor(free_name(name, self.graph.taken), self.axes)
        ranges = tuple((index, axis.size) for index, axis in zip(indices, self.axes, strict=True))
        self.graph.statements.append(Equation(Ref(tensor.name, *indices), ranges, value, layer=layer))
        self.graph.locals.append(tensor)
        return self.graph.array(tensor)

    def _indices(self) -> tuple[Index, ...]:
        letters = LETTERS[: len(self.axes)]
        return tuple(Index(x) for x in (*letters, *(f"i{n}" for n in range(len(self.axes) - len(letters)))))

    def __getitem__(self, indices: Any) -> Expr:
        return self.element(indices if isinstance(indices, tuple) else (indices,))

    def map(self, function: Callable[[Expr], Expr]) -> Array:
        """The scalar function of every element."""
        return Array(self.graph, self.axes, lambda indices: function(self.element(indices)))

    @property
    def T(self) -> Array:
        reverse = tuple(reversed(self.axes))
        return Array(self.graph, reverse, lambda indices: self.element(tuple(reversed(indices))))

    def sum(self, axis: int | str | None = None) -> Array:
        """The sum over one axis, by position or name; over all of them for None."""
        return self._reduced(axis, Sum)

    def mean(self, axis: int | str | None = None) -> Array:
        count: Expr = Integer(1)
        for position in self._positions(axis):
            count = count * self.axes[position].size
        return self.sum(axis) / count

    def max(self, axis: int | str | None = None) -> Array:
        return self._reduced(axis, Largest)

    def _positions(self, axis: int | str | None) -> tuple[int, ...]:
        if axis is None:
            return tuple(range(len(self.axes)))
        names = [a.name for a in self.axes]
        if axis in names:
            return (names.index(str(axis)),)
        if not isinstance(axis, int) or not -len(names) <= axis < len(names):
            raise DeriveError(
                f"{self.graph.name}: there is no axis {axis!r} in {self}, of axes ({', '.join(names)}); "
                "choose one of them, by its name or its place"
            )
        return (axis % len(names),)

    def _reduced(self, axis: int | str | None, reduction: Callable[..., Expr]) -> Array:
        positions = self._positions(axis)
        kept = tuple(a for position, a in enumerate(self.axes) if position not in positions)

        def element(indices: tuple[Expr, ...]) -> Expr:
            outer = iter(indices)
            full: list[Expr] = []
            ranges: list[tuple[Index, Expr]] = []
            for position, own in enumerate(self.axes):
                if position in positions:
                    index = fresh("pqrsuv"[len(ranges)], _names(indices) | {i.name for i, _ in ranges})
                    ranges.append((index, own.size))
                    full.append(index)
                else:
                    full.append(next(outer))
            body = self.element(tuple(full))
            return _apart(reduction, body, ranges)

        return Array(self.graph, kept, element)

    def __matmul__(self, other: Array) -> Array:
        """(X @ W)[..., j] = sum_p X[..., p] W[p, j]."""
        other = _array(self.graph, other, f"{self} @ ...")
        if not self.axes or not other.axes:
            raise DeriveError(
                f"{self.graph.name}: {self} @ {other} needs an axis on both sides; multiply by * instead"
            )
        if self.axes[-1].size != other.axes[0].size:
            raise DeriveError(
                f"{self.graph.name}: axis {self.axes[-1].name} of {self} is {self.axes[-1].size} but axis "
                f"{other.axes[0].name} of {other} is {other.axes[0].size}; X @ W needs them equal"
            )
        left = len(self.axes) - 1
        product = Array(
            self.graph,
            (*self.axes, *other.axes[1:]),
            lambda indices: self.element(indices[: left + 1]) * other.element(indices[left:]),
        )
        return product._reduced(left, Sum)

    def _binary(self, other: Any, operation: Callable[[Expr, Expr], Expr]) -> Array:
        if not isinstance(other, Array):
            number = _number(f"{self.graph.name}, beside {self}", other)
            return self.map(lambda value: operation(value, number))
        axes = broadcast(self, _array(self.graph, other, f"an operation with {self}"))
        return Array(self.graph, axes, lambda indices: operation(_at(self, indices), _at(other, indices)))

    def __add__(self, other: Any) -> Array:
        return self._binary(other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> Array:
        return self._binary(other, lambda a, b: a - b)

    def __mul__(self, other: Any) -> Array:
        return self._binary(other, lambda a, b: a * b)

    def __truediv__(self, other: Any) -> Array:
        return self._binary(other, lambda a, b: quotient(a, b, f"{self.graph.name}: {self} / {b}"))

    def __pow__(self, other: Any) -> Array:
        return self._binary(other, lambda a, b: power(a, b, f"{self.graph.name}: {self} ** {b}"))

    def __neg__(self) -> Array:
        return self.map(lambda value: -value)

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: Any) -> Array:
        return (-self) + other

    def __rtruediv__(self, other: Any) -> Array:
        number = _number(f"{self.graph.name}, beside {self}", other)
        return self.map(lambda value: quotient(number, value, f"{self.graph.name}: {number} / {self}"))

    def __str__(self) -> str:
        return str(self.tensor) if self.tensor is not None else f"({', '.join(a.name for a in self.axes)})"


def broadcast(left: Array, right: Array) -> tuple[Axis, ...]:
    """The common axes, aligned from the last on."""
    longer, shorter = (left, right) if len(left.axes) >= len(right.axes) else (right, left)
    offset = len(longer.axes) - len(shorter.axes)
    for a, b in zip(longer.axes[offset:], shorter.axes, strict=True):
        if a.size != b.size:
            raise DeriveError(
                f"{left.graph.name}: axis {a.name} of {longer} is {a.size} "
                f"but axis {b.name} of {shorter} is {b.size}; "
                "shapes align from the last axis on and must be equal"
            )
    return longer.axes


def _at(array: Array, indices: tuple[Expr, ...]) -> Expr:
    return array.element(indices[len(indices) - len(array.axes) :])


def _names(indices: tuple[Expr, ...]) -> set[str]:
    return {str(symbol) for index in indices for symbol in index.free_symbols}


def _apart(reduction: Callable[..., Expr], body: Expr, ranges: list[tuple[Index, Expr]]) -> Expr:
    """The reduction with its indices renamed apart from those bound inside."""
    free = {str(symbol) for symbol in body.free_symbols}
    renaming = apart((index for index, _ in ranges), bound_names(body), free)
    return reduction(body.xreplace(renaming), *((renaming.get(index, index), n) for index, n in ranges))

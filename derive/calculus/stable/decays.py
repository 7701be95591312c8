"""E = exp(-|a|), named once: an equation of its own, since it is used more than once."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Abs, Expr, exp, preorder_traversal

from derive.calculus.compose import free_name
from derive.calculus.nodes import Range, Reduction
from derive.calculus.program import Equation, Program
from derive.calculus.stable.exponential import Exponential
from derive.calculus.tensor import Axis, Index, Tensor


@dataclass(frozen=True)
class Place:
    """Where a form stands: an equation, and the recurrence around it."""

    equation: Equation
    outer: tuple[Range, ...]

    @property
    def ranges(self) -> dict[Index, Expr]:
        return dict((*self.outer, *self.equation.ranges))


class Decays:
    """The equations E = exp(-|a|) that a program has so far."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._tensors: dict[str, Tensor] = {}
        self._named: dict[Expr, Tensor] = {}
        self._new: list[Equation] = []

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return tuple(self._tensors.values())

    def taken(self) -> list[Equation]:
        """The equations named since the last call."""
        new, self._new = self._new, []
        return new

    def decay(self, ratio: Exponential, place: Place) -> Expr:
        """E where the exponent depends on the equation's loops alone, else exp(-|a|) written out."""
        value = exp(-ratio.step * Abs(ratio.core))
        indices = _indices(ratio.core)
        if place.equation.accumulates or ratio.core.has(Reduction) or not set(indices) <= set(place.ranges):
            return value
        key = value.xreplace({index: Index(f"place {k}") for k, index in enumerate(indices)})
        if key not in self._named:
            self._named[key] = self._name(value, indices, place)
        return self._named[key][indices]

    def _name(self, value: Expr, indices: tuple[Index, ...], place: Place) -> Tensor:
        ranges = tuple((index, place.ranges[index]) for index in indices)
        axes = tuple(Axis(str(n) if n.is_Symbol else str(i), n) for i, n in ranges)
        tensor = Tensor(free_name("E", self._used()), axes)
        self._tensors[tensor.name] = tensor
        own = tuple(r for r in ranges if r not in place.outer)
        self._new.append(Equation(tensor[indices], own, value, given=False, layer=place.equation.layer))
        return tensor

    def _used(self) -> set[str]:
        tensors = {**self._program.tensors, **self._tensors}
        sizes = {str(s) for known in tensors.values() for size in known.shape for s in size.free_symbols}
        return set(tensors) | sizes


def _indices(exponent: Expr) -> tuple[Index, ...]:
    """The indices of an exponent in the order in which they are met."""
    return tuple(dict.fromkeys(node for node in preorder_traversal(exponent) if isinstance(node, Index)))

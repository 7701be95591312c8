"""E = exp(-|a|), named once, since it is used more than once; so is an exponent a that is not an element."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sympy import Abs, Expr, Mul, exp, preorder_traversal, true

from derive.calculus.expressions.bounds import contains_data, inside
from derive.calculus.expressions.nodes import Range, Reduction
from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.tensor import Axis, Index, Ref, Tensor, refs
from derive.calculus.program.compose import free_name
from derive.calculus.program.program import Equation, Program
from derive.calculus.stable.exponential import Exponential


@dataclass(frozen=True)
class Place:
    """Where a form stands: an equation, and the recurrence around it."""

    equation: Equation
    outer: tuple[Range, ...]

    @property
    def ranges(self) -> dict[Index, Expr]:
        return dict((*self.outer, *self.equation.ranges))

    def names(self, exponent: Expr) -> bool:
        """Whether an exponent can be an equation of its own: it depends on the loops here alone."""
        if self.equation.accumulates or holds(exponent, Reduction):
            return False
        return set(_indices(exponent)) <= set(self.ranges)


class Decays:
    """The equations E = exp(-|a|) that a program has so far; `exact` where further ones may be named for
    the sake of the last digit.
    """

    def __init__(self, program: Program, exact: bool = True) -> None:
        self._program = program
        self.exact = exact
        self._tensors: dict[str, Tensor] = {}
        self._named: dict[Expr, Tensor] = {}
        self._new: list[Equation] = []
        self.sources: dict[str, frozenset[Ref]] = {}

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return tuple(self._tensors.values())

    def taken(self) -> list[Equation]:
        """The equations named since the last call."""
        new, self._new = self._new, []
        return new

    def learn(self, equation: Equation) -> None:
        """Take the name of what vanishes: phi = exp(-x^2/2), however scaled."""
        decays = [f for f in Mul.make_args(equation.value) if isinstance(f, exp) and f.args[0].is_nonpositive]
        if decays and equation.target.indices == equation.loops:
            self.sources[equation.name] = refs(decays[0])

    def cored(self, ratio: Exponential, place: Place) -> Exponential:
        """The ratio with an exponent that is more than an element under a name of its own; one that is
        plainly positive, exp(x), has no sign to ask for twice and stays.
        """
        if isinstance(ratio.core, Ref) or ratio.core.is_positive or not self._can_name(ratio.core, place):
            return ratio
        core = self._of(ratio.core, "A", place)
        return replace(ratio, core=core)

    def decay(self, ratio: Exponential, place: Place) -> Expr:
        """E where the exponent depends on the equation's loops alone, else exp(-|a|) written out."""
        return self.named(exp(-ratio.step * Abs(ratio.core)), place)

    def named(self, value: Expr, place: Place) -> Expr:
        """The name of what vanishes, where it can have one."""
        return self._of(value, "E", place) if self._can_name(value, place) else value

    def branch(self, value: Expr, place: Place) -> Expr:
        """The name of 1 or E by the sign of the exponent, where it can have one."""
        return self._of(value, "C", place) if self._can_name(value, place) else value

    def _can_name(self, value: Expr, place: Place) -> bool:
        """Whether a value can be an equation of its own: a guard around it here is none there, so that each
        element it reads must be there for every value of the loops.
        """
        return place.names(value) and everywhere(
            value, {**self._program.tensors, **self._tensors}, place.ranges
        )

    def _of(self, value: Expr, letter: str, place: Place) -> Ref:
        indices = _indices(value)
        key = value.xreplace({index: Index(f"place {k}") for k, index in enumerate(indices)})
        if key not in self._named:
            self._named[key] = self._name(value, letter, indices, place)
        return self._named[key][indices]

    def _name(self, value: Expr, letter: str, indices: tuple[Index, ...], place: Place) -> Tensor:
        ranges = tuple((index, place.ranges[index]) for index in indices)
        axes = tuple(Axis(str(n) if n.is_Symbol else str(i), n) for i, n in ranges)
        tensor = Tensor(free_name(letter, self._used()), axes)
        self._tensors[tensor.name] = tensor
        own = tuple(r for r in ranges if r not in place.outer)
        if letter == "E":
            self.sources[tensor.name] = self._leaves(value)
        self._new.append(Equation(tensor[indices], own, value, given=False, layer=place.equation.layer))
        return tensor

    def _leaves(self, value: Expr) -> frozenset[Ref]:
        """The elements behind a value; those behind an exponent that got a name."""
        found: set[Ref] = set()
        for ref in refs(value):
            named = [key for key, tensor in self._named.items() if tensor.name == ref.name]
            places = {Index(f"place {k}"): index for k, index in enumerate(ref.indices)}
            found |= refs(named[0].xreplace(places)) if named else {ref}
        return frozenset(found)

    def _used(self) -> set[str]:
        tensors = {**self._program.tensors, **self._tensors}
        sizes = {str(s) for known in tensors.values() for size in known.shape for s in size.free_symbols}
        return set(tensors) | sizes


def everywhere(value: Expr, tensors: Mapping[str, Tensor], extents: dict[Index, Expr]) -> bool:
    """Whether each element that a value reads is there for every value of the loops."""
    places = (
        (i, axis.size) for r in refs(value) for i, axis in zip(r.indices, tensors[r.name].axes, strict=True)
    )
    return all(
        contains_data(index) or refs(size) or inside(index, size, extents) == true for index, size in places
    )


def _indices(exponent: Expr) -> tuple[Index, ...]:
    """The indices of an exponent in the order in which they are met."""
    return tuple(dict.fromkeys(node for node in preorder_traversal(exponent) if isinstance(node, Index)))

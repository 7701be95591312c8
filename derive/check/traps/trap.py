"""A trap: a formula as on paper, where it is tried, and what is right there.

What a case does not state is computed in many digits from the formula as it is written. A case states what
no digits give: a limit at a removable singularity, or our convention at a kink, a zero or an empty row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from derive.calculus.definition.define import define
from derive.calculus.expressions.tensor import Kind
from derive.calculus.program.program import Program
from derive.check.traps.sources import SOURCES

Nested = Any
"""A number, or tuples of numbers as deep as a tensor has axes."""


@dataclass(frozen=True, eq=False)
class Case:
    """Inputs by name, and what is right where the formula alone does not say it.

    `gradient` is of the sum of the outputs; `product` is the Hessian times the direction.
    """

    inputs: Mapping[str, Nested]
    value: Nested = None
    gradient: Mapping[str, Nested] | None = None
    product: Mapping[str, Nested] | None = None
    why: str = ""
    double: bool = False

    @property
    def stated(self) -> bool:
        return self.value is not None


@dataclass(frozen=True, eq=False)
class Trap:
    """One formula. `elementwise`: each element of the output depends on the same elements of the inputs.

    Errors are in units of the rounding, of each element where the formula is elementwise, else of the
    largest, and of `scale` at least: the size of what cancels in every stable form. `lost` is how many of
    the smallest subnormal numbers may be lost to underflow.
    """

    name: str
    equations: str
    cases: tuple[Case, ...]
    wrt: tuple[str, ...] = ()
    elementwise: bool = False
    units: float = 64
    lost: float = 8
    scale: float = 0
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The thread, paper or book."""
        return SOURCES[self.name][0]

    @property
    def met(self) -> str:
        """What was met there."""
        return SOURCES[self.name][1]

    @property
    def definition(self) -> str:
        """The text that `define` reads: the head gets the trap's name."""
        head, *lines = self.equations.strip().split("\n")
        return "\n".join([f"{self.name}{head.strip()}", *(f"    {line.strip()}" for line in lines)])

    @property
    def formula(self) -> str:
        """The equations on one line."""
        return "; ".join(line.strip() for line in self.equations.strip().split("\n")[1:])

    @property
    def program(self) -> Program:
        return _program(self.definition)

    @property
    def varied(self) -> tuple[str, ...]:
        """The inputs that are differentiated by: those named, else all real ones."""
        return self.wrt or tuple(t.name for t in self.program.inputs if t.kind is Kind.REAL)


@cache
def _program(definition: str) -> Program:
    return define(definition)


def scalar(
    name: str,
    formula: str,
    points: tuple[float, ...] = (),
    *stated: Case,
    units: float = 64,
    lost: float = 8,
) -> Trap:
    """Y_i = a formula in x_i, tried at points."""
    written = formula.replace("@", "x[i]")
    cases = ((Case({"x": points}),) if points else ()) + stated
    return Trap(name, f"(x[n]) -> Y\nY[i] = {written}", cases, elementwise=True, units=units, lost=lost)


def at(x: float, value: float, slope: float, curvature: float, why: str) -> Case:
    """What is right at one point of a scalar formula."""
    return Case({"x": (x,)}, (value,), {"x": (slope,)}, {"x": (curvature,)}, why)

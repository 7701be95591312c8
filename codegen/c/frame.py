"""What every part of a C function's body asks: places, sizes, names, and how C spells an expression there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sympy import Expr

from codegen.c.alike import Nests
from codegen.c.places import Place, Places
from codegen.plan.sweeps import Sweeps
from codegen.printers.to_c import ToC, Used
from derive.calculus.expressions.tensor import Index, Size, Tensor
from derive.calculus.program.program import Equation, Program


@dataclass
class Frame:
    """What a C function of a program knows: its tensors' places, its sizes, the names of its arguments."""

    program: Program
    sweeps: Sweeps
    places: Mapping[str, Place]
    sizes: Callable[[Expr], str | None]
    prefix: str
    used: Used
    taken: set[str]
    batch: Size | None = None
    nests: Nests = field(default_factory=dict)
    zeroed: set[str] = field(default_factory=set)

    def to_c(
        self, rows: Mapping[str, Place] | None = None, extents: Mapping[Index, Expr] | None = None
    ) -> ToC:
        """How C spells things here, with the rows bound in a loop over examples."""
        places = Places(self.places, rows or {})
        return ToC(places.element, self.sizes, self.prefix, self.used, extents or {}, shapes=self.shape)

    def shape(self, name: str) -> tuple[Expr, ...] | None:
        """The sizes of a tensor of the program."""
        return self.tensors[name].shape if name in self.tensors else None

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """The declarations of the program, by name."""
        return self.program.tensors

    @cached_property
    def letters_taken(self) -> set[str]:
        """What no index may be called: arguments, constants, and the tensors' local names."""
        return self.taken | set(self.tensors) | {"sum", "largest", "best"}

    def one_number(self, equation: Equation) -> bool:
        """Whether an equation defines a local variable of the function."""
        place = self.places[equation.name]
        return not equation.target.indices and place.text == equation.name

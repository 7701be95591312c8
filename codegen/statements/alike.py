"""Lines of NumPy that are alike but for names are worked out once, under placeholders.

    A1 = X @ p.W1        A7 = Z7 @ p.W7        both are  @ = X~00 @ W~01,  the target aside

What a line relies on, sizes and functions of the module, is kept beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sympy import Expr

from codegen.printers.numpy_constants import Constants
from codegen.printers.to_numpy import NumpyPrinter
from derive.calculus.arrays.matrix import Alike, Forms
from derive.calculus.expressions.alike import PLACEHOLDER, Renaming
from derive.calculus.expressions.tensor import TensorName

TARGET = "T~~"
Text = tuple[str, bool]  # and whether its comment is the shape


@dataclass(frozen=True)
class Wanted:
    """What is assigned: its extents, whether to elements of an array, whether integers, what dies here."""

    extents: tuple[Expr, ...]
    into: bool
    integer: bool
    dead: frozenset[str]

    def renamed(self, renaming: Renaming) -> Wanted:
        """The same under placeholders; of what dies, only names that have one matter."""
        placeholder = {str(name): str(new) for name, new in renaming.items()} if self.dead else {}
        dead = frozenset(placeholder[name] for name in self.dead if name in placeholder)
        extents = tuple(extent.xreplace(renaming) for extent in self.extents)
        return Wanted(extents, self.into, self.integer, dead)


@dataclass(frozen=True)
class Written:
    """Lines under placeholders, and what they rely on."""

    lines: tuple[Text, ...]
    printer: NumpyPrinter

    def spelled(self, target: str, renaming: Renaming, printer: NumpyPrinter) -> list[Text]:
        """The lines of these names, noted by the printer as if it had printed them."""
        spelled = {str(new): _name(old, printer) for old, new in renaming.items()} | {TARGET: target}
        printer.scalars.used |= {spelled.get(size, size) for size in self.printer.scalars.used}
        printer.functions |= self.printer.functions
        printer.uses_dtype |= self.printer.uses_dtype
        printer.discards |= self.printer.discards
        return [(_spelled(text, spelled), commented) for text, commented in self.lines]


@dataclass
class Known:
    """What the functions of a module found before; None where lines have constants, which have names."""

    forms: Forms = field(default_factory=dict)
    equations: dict[object, tuple[Alike, Renaming]] = field(default_factory=dict)
    written: dict[object, Written | None] = field(default_factory=dict)


def bare_printer(printer: NumpyPrinter, renaming: Renaming) -> NumpyPrinter:
    """A printer of placeholders."""
    examples = printer.examples
    return NumpyPrinter(
        dtype=printer.dtype,
        examples=None if examples is None else examples.xreplace(renaming),
        constants=Constants(),
    )


def _name(name: object, printer: NumpyPrinter) -> str:
    return printer.name(str(name)) if isinstance(name, TensorName) else str(name)


def _spelled(text: str, spelled: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: spelled[found[0]], text)

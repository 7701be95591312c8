"""Sizes in C: constants of the header, TWO_LAYER_N, by the paper's letters inside the source, N.

A letter that a tensor has already (H, or M of a maximum) is left to the tensor, and the size keeps its
long name. The number of examples of a call is `b->m`; arrays hold up to TWO_LAYER_M.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from sympy import Expr

from codegen.names import RESERVED
from codegen.printers.to_c import FUNCTIONS, PRODUCT, TERNARY, ToC, Used
from derive.calculus.tensor import Ref, Size

STATUS = ("OK", "BATCH", "LABEL", "NONFINITE", "FORMAT")
MACROS = {name.upper() for name in (*FUNCTIONS.values(), "sqrt", "pow")} | {"INFINITY", "REAL"}


@dataclass(frozen=True)
class CSizes:
    """How the sizes of a network, or of a layer, are spelled; `batch` is the size that varies by call."""

    prefix: str
    values: Mapping[str, int]
    taken: Set[str]
    batch: str = ""

    @property
    def short_names(self) -> dict[str, str]:
        """Constants of the source file: the short name -> the long one."""
        return {self._upper(letter): self.constant(letter) for letter in self.values if self._free(letter)}

    def _upper(self, letter: str) -> str:
        """The letter in upper case; of a layer's d and D, the second is D_2."""
        same = [other for other in self.values if other.upper() == letter.upper()]
        return letter.upper() + (f"_{same.index(letter) + 1}" if same.index(letter) else "")

    def _free(self, letter: str) -> bool:
        short = self._upper(letter)
        return short not in self.taken and short not in RESERVED and short not in MACROS

    def constant(self, letter: str) -> str:
        """TWO_LAYER_N."""
        return f"{self.prefix.upper()}_{self._upper(letter)}"

    def in_source(self, size: Size) -> str:
        """A size in a function: the batch by call, a constant else."""
        return "b->m" if size.name == self.batch else self._at_most(size)

    def _at_most(self, size: Size) -> str:
        return self._upper(size.name) if self._free(size.name) else self.constant(size.name)

    def in_header(self, size: Size) -> str:
        """A size in a declaration: always the long constant."""
        return self.constant(size.name)

    def header_text(self, extent: Expr, level: int = TERNARY) -> str:
        """An extent in a declaration."""
        return ToC(_no_element, self.in_header, self.prefix, Used()).integer(extent, level)

    def source_text(self, extent: Expr, level: int = TERNARY) -> str:
        """An extent in the source file, the batch at its largest."""
        return ToC(_no_element, self._at_most, self.prefix, Used()).integer(extent, level)

    def brackets(self, extents: tuple[Expr, ...]) -> str:
        """[TWO_LAYER_N][TWO_LAYER_D]."""
        return "".join(f"[{self.header_text(extent)}]" for extent in extents)

    def product(self, extents: tuple[Expr, ...]) -> str:
        """N * D in the source file."""
        return " * ".join(self.source_text(extent, PRODUCT + 1) for extent in extents) or "1"


def _no_element(ref: Ref, to_c: Any) -> str:
    raise AssertionError(f"a size reads {ref}")

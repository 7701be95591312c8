"""Sizes in C: constants of the header, TWO_LAYER_N, by the paper's letters inside the source, N.

A letter that a tensor has already (H, or M of a maximum) is left to the tensor, and the size keeps its
long name. The number of examples of a call is `b->m`; arrays hold up to TWO_LAYER_M.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sympy import Expr

from codegen.names import RESERVED
from codegen.printers.to_c import FUNCTIONS, PRODUCT, TERNARY, ToC, Used
from derive.calculus.expressions.nodes import FloorDiv
from derive.calculus.expressions.tensor import Ref, Size, Tensor

STATUS = ("OK", "BATCH", "LABEL", "NONFINITE", "FORMAT")
MACROS = {name.upper() for name in (*FUNCTIONS.values(), "sqrt", "pow")} | {"INFINITY", "REAL"}


@dataclass(frozen=True)
class CSizes:
    """How the sizes of a network, or of a layer, are spelled; `batch` is the size that varies by call."""

    prefix: str
    values: Mapping[str, int]
    taken: Set[str]
    batch: str = ""
    derived: Mapping[Expr, str] = field(default_factory=dict)

    @cached_property
    def short_names(self) -> dict[str, str]:
        """Constants of the source file: the short name -> the long one."""
        return {self._upper[letter]: self.constant(letter) for letter in self._upper if self._free(letter)}

    @cached_property
    def _upper(self) -> dict[str, str]:
        """The letters in upper case; of a layer's d and D, the second is D_2."""
        found: dict[str, str] = {}
        seen: Counter[str] = Counter()
        for letter in (*self.values, *self.derived.values()):
            seen[letter.upper()] += 1
            number = seen[letter.upper()]
            found[letter] = letter.upper() + (f"_{number}" if number > 1 else "")
        return found

    def _free(self, letter: str) -> bool:
        short = self._upper[letter]
        return short not in self.taken and short not in RESERVED and short not in MACROS

    def constant(self, letter: str) -> str:
        """TWO_LAYER_N."""
        return f"{self.prefix.upper()}_{self._upper[letter]}"

    def in_source(self, extent: Expr) -> str | None:
        """A size in a function: the batch by call, a constant else; None for what has no name."""
        return "b->m" if extent == Size(self.batch) else self._at_most(extent)

    def _at_most(self, extent: Expr) -> str | None:
        letter = self._letter(extent)
        if letter is None:
            return None
        return self._upper[letter] if self._free(letter) else self.constant(letter)

    def _letter(self, extent: Expr) -> str | None:
        return str(extent.name) if isinstance(extent, Size) else self.derived.get(extent)

    def in_header(self, extent: Expr) -> str | None:
        """A size in a declaration: always the long constant."""
        letter = self._letter(extent)
        return None if letter is None else self.constant(letter)

    def definitions(self) -> list[str]:
        """The constants that follow from others: CONV2D_Y_H = (CONV2D_H + 2 - CONV2D_U) / 2 + 1."""
        plain = ToC(
            _no_element, lambda e: self.in_header(e) if isinstance(e, Size) else None, self.prefix, Used()
        )
        return [
            f"{self.constant(letter)} = {plain.integer(extent)}" for extent, letter in self.derived.items()
        ]

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


def derived_sizes(tensors: Iterable[Tensor]) -> dict[Expr, str]:
    """Names for the extents that a division gives: the tensor's and the axis's, Y_h."""
    found: dict[Expr, str] = {}
    for tensor in tensors:
        for place, axis in enumerate(tensor.axes):
            if axis.size.has(FloorDiv) and axis.size not in found:
                letter = axis.name if re.fullmatch("[A-Za-z]+", axis.name) else str(place)
                found[axis.size] = f"{tensor.name}_{letter}"
    return found


def _no_element(ref: Ref, _: Any) -> str:
    raise AssertionError(f"a size reads {ref}")

"""Where a tensor lies in C, and how one of its elements is spelled.

W1[p,j]  p->W1[q][j]      a member of a struct of arrays
X[i,p]   X[q]             the row of example i, bound to a pointer before
H[i,j]   H[i * K + j]     a caller's plain pointer, row-major
T[i]     T                one number of example i
W1_bar[i,p,j]  p_bar[i].W1[p][j]   one struct an example
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr

from codegen.printers.to_c import PRODUCT, SUM, ToC
from derive.calculus.expressions.tensor import Index, Ref


@dataclass(frozen=True)
class Place:
    """A C expression and what indexes it.

    `shape` is there where the array is flat. `row` is the index of the example where the place holds
    that example alone: the first index of an element is then left out. `member` is there where the first
    index chooses a struct of which the tensor is a member.
    """

    text: str
    shape: tuple[Expr, ...] | None = None
    row: Index | None = None
    member: str = ""

    def of_example(self, example: str) -> str:
        """The C of one example's part."""
        return f"{self.text}[{example}]" + (f".{self.member}" if self.member else "")

    def element(self, indices: tuple[Expr, ...], to_c: ToC) -> str:
        """One element in C."""
        if self.row is not None:
            indices = indices[1:]
        if not indices:
            return self.text
        if self.member:
            inner = "".join(f"[{to_c.integer(index)}]" for index in indices[1:])
            return self.of_example(to_c.integer(indices[0])) + inner
        if self.shape is None or len(indices) == 1:
            return self.text + "".join(f"[{to_c.integer(index)}]" for index in indices)
        return f"{self.text}[{self._flat(indices, to_c)}]"

    def _flat(self, indices: tuple[Expr, ...], to_c: ToC) -> str:
        """(a * N + b) * K + c."""
        assert self.shape is not None
        offset = to_c.integer(indices[0], PRODUCT)
        for position, (index, extent) in enumerate(zip(indices[1:], self.shape[1:], strict=True)):
            left = f"({offset})" if position else offset
            step = to_c.integer(index, SUM)
            offset = f"{left} * {to_c.integer(extent, PRODUCT + 1)}" + ("" if step == "0" else f" + {step}")
        return offset


@dataclass(frozen=True)
class Places:
    """All tensors of a function; in a loop over examples, the rows bound there come first."""

    everywhere: Mapping[str, Place]
    rows: Mapping[str, Place]

    def element(self, ref: Ref, to_c: ToC) -> str:
        """The C of an element."""
        place = self.rows.get(ref.name)
        if place is None or (place.row is not None and ref.indices[0] != place.row):
            place = self.everywhere[ref.name]
        return place.element(ref.indices, to_c)

    def with_rows(self, rows: Mapping[str, Place]) -> Places:
        """The same places inside of a loop over examples."""
        return Places(self.everywhere, rows)

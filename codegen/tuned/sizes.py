"""What kernels ask of sizes."""

from __future__ import annotations

from typing import Protocol

from sympy import Expr


class Sized(Protocol):
    """Sizes in numbers, the one that varies by call at its most."""

    def size(self, expression: Expr) -> int:
        """A size in numbers."""
        ...

    @property
    def batch_size(self) -> Expr:
        """The size that varies by call."""
        ...

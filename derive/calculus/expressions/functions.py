"""Functions that a formula may call and SymPy spells otherwise."""

from __future__ import annotations

import sympy
from sympy import Expr, Function, S, Symbol

_PLACE = Symbol("place", real=True)


class erfc(Function):
    """1 - erf(x), kept whole.

    SymPy's own turns erfc(-x) to 2 - erfc(x), which loses all digits in the tail.
    """

    is_real = True
    is_extended_real = True
    is_finite = True
    is_positive = True
    is_commutative = True

    @classmethod
    def eval(cls, argument: Expr) -> Expr | None:
        return S.One if argument.is_zero else None

    def fdiff(self, _position: int = 1) -> Expr:
        """SymPy's derivative of its erfc."""
        return sympy.erfc(_PLACE).diff(_PLACE).xreplace({_PLACE: self.args[0]})

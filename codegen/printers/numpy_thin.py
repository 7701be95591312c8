"""Along which axes an emitted array has one element for all: -sin(Y)[:, None, :] of the shape (c, 2, H)."""

from __future__ import annotations

from derive.calculus.arrays.base import Form
from derive.calculus.arrays.forms import Broadcast
from derive.calculus.arrays.pointwise import Apply, Negative, Power, Product, Quotient, Select, Total

_POINTWISE = (Apply, Negative, Power, Product, Quotient, Select, Total)


def is_thin(form: Form) -> bool:
    """Whether some axis has one element for all, so that NumPy gives an array of another shape."""
    return any(_thin(form, axis) for axis in range(form.rank))


def _thin(form: Form, axis: int) -> bool:
    if isinstance(form, Broadcast):
        return axis not in form.kept or _thin(form.operand, form.kept.index(axis))
    if not isinstance(form, _POINTWISE):
        return False
    whole = [operand for operand in form.operands if operand.rank == form.rank]
    return bool(whole) and all(_thin(operand, axis) for operand in whole)

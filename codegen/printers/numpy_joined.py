"""Two arrays one after the other: where(j < n, X[i,j], Z[i,j-n]) is np.concatenate((X, Z), axis=1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sympy import Expr, Integer, expand

from codegen.printers.numpy_gather import affine, varying
from codegen.printers.numpy_text import Code, call
from derive.calculus.arrays.base import Form
from derive.calculus.arrays.forms import Broadcast, Gather
from derive.calculus.arrays.pointwise import Compare, Select

if TYPE_CHECKING:
    from codegen.printers.to_numpy import NumpyPrinter


def joined_code(printer: NumpyPrinter, form: Select) -> Code | None:
    """np.concatenate, where a branch is one."""
    found = _split(form.condition)
    if found is None or not isinstance(form.chosen, Gather) or not isinstance(form.other, Gather):
        return None
    axis, size = found
    first, second = form.chosen, form.other
    total = form.axes[axis]
    fits = _is_part(first, axis, Integer(0), size) and _is_part(second, axis, size, expand(total - size))
    if not fits:
        return None
    names = f"({printer.name(first.name)}, {printer.name(second.name)})"
    return call("np.concatenate", names, f"axis={axis}")


def _split(condition: Form) -> tuple[int, Expr] | None:
    """The dimension and the size n of a condition j < n."""
    inner, kept = (
        (condition.operand, condition.kept) if isinstance(condition, Broadcast) else (condition, (0,))
    )
    if not isinstance(inner, Compare) or inner.relation != ">=" or len(kept) != 1 or inner.rank != 1:
        return None
    line = affine(inner.operand)
    return (kept[0], expand(line[1] + 1)) if line is not None and line[0] == -1 else None


def _is_part(form: Gather, axis: int, start: Expr, size: Expr) -> bool:
    """Whether a gather reads its whole tensor, shifted by `start` along one dimension."""
    if len(form.selectors) != form.rank or expand(form.sizes[axis] - size) != 0:
        return False
    for place, selector in enumerate(form.selectors):
        inner, varies = varying(selector, form.rank)
        line = affine(inner)
        offset = -start if place == axis else Integer(0)
        if line is None or varies != (place,) or line[0] != 1 or expand(line[1] - offset) != 0:
            return False
        if place != axis and expand(form.sizes[place] - line[2]) != 0:
            return False
    return True

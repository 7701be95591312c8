"""Reads at computed places: Z[np.arange(m), y], E[x], X[:, 1:], and windows X[:, :, rows, columns]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sympy import Expr, Integer, expand

from codegen.printers.numpy_repeats import repeat_code
from codegen.printers.numpy_reshape import reshape_code
from codegen.printers.numpy_text import COMPARISON, SUM, Code
from codegen.printers.numpy_windows import window_code
from derive.calculus.arrays.base import Array, Form, Number, Positions
from derive.calculus.arrays.forms import Broadcast, Gather, OneHot
from derive.calculus.arrays.pointwise import Negative, Product, Total

if TYPE_CHECKING:
    from codegen.printers.to_numpy import NumpyPrinter


@dataclass(frozen=True)
class Selector:
    """One place of a gather: an integer form and the dimensions of the result that it varies with."""

    form: Form
    varies: tuple[int, ...]
    slice: str | None = None


def gather_code(printer: NumpyPrinter, form: Gather) -> Code:
    """A gather as one indexing: slices where a place follows one dimension alone, arrays elsewhere."""
    known = reshape_code(printer, form) or repeat_code(printer, form)
    if known is None and not form.unproved:
        known = window_code(printer, form, None, Number(Integer(0)))
    if known is not None:
        return known
    text, order = indexing(printer, form)
    indexed = f"{printer.name(form.name)}[{text}]" if text else printer.name(form.name)
    if order == tuple(range(form.rank)):
        return Code(indexed)
    places = tuple(order.index(k) for k in range(form.rank))
    return Code(f"{indexed}.T" if places == (1, 0) else f"{indexed}.transpose{places}")


def indexing(printer: NumpyPrinter, form: Gather) -> tuple[str, tuple[int, ...]]:
    """The text between the brackets, and which dimension of the form each dimension of the result is."""
    selectors = _selectors(printer, form)
    advanced = sorted({k for s in selectors if s.slice is None for k in s.varies})
    parts = [
        s.slice if s.slice is not None else _advanced(printer, form, n, s, advanced)
        for n, s in enumerate(selectors)
    ]
    order = _result_order(selectors, advanced)
    while len(parts) > 1 and parts[-1] == ":":
        parts.pop()
    return ", ".join(parts), order


def _selectors(printer: NumpyPrinter, form: Gather) -> list[Selector]:
    raw = [varying(selector, form.rank) for selector in form.selectors]
    counts = [k for _, varies in raw for k in varies]
    selectors = []
    for place, (inner, varies) in enumerate(raw):
        alone = len(varies) == 1 and counts.count(varies[0]) == 1 and place not in form.unproved
        text = slice_text(printer, inner, form.sizes[place]) if alone else None
        selectors.append(Selector(inner, varies, text))
    return selectors


def varying(selector: Form, rank: int) -> tuple[Form, tuple[int, ...]]:
    """A selector without its repetition, and the dimensions of the result that it varies with."""
    if isinstance(selector, Broadcast):
        return selector.operand, selector.kept
    return selector, tuple(range(rank)) if selector.rank else ()


def slice_text(printer: NumpyPrinter, form: Form, size: Expr) -> str | None:
    """a:b:s for a + s*(0, 1, ..., n-1), s > 0; None for anything else."""
    found = affine(form)
    if found is None or not found[0].is_positive:
        return None
    stride, offset, extent = found
    stop = expand(offset + stride * (extent - 1) + 1)
    first = "" if offset == 0 else printer.size(offset)
    last = "" if expand(stop - size) == 0 else printer.size(stop)
    return f"{first}:{last}" + ("" if stride == 1 else f":{printer.size(stride)}")


def affine(form: Form) -> tuple[Expr, Expr, Expr] | None:
    """(stride, offset, extent) of a vector offset + stride*(0, 1, ..., extent-1)."""
    if isinstance(form, Positions):
        return Integer(1), Integer(0), form.extent
    if isinstance(form, Negative):
        inner = affine(form.operand)
        return None if inner is None else (-inner[0], -inner[1], inner[2])
    if isinstance(form, Product):
        numbers = [factor.value for factor in form.factors if isinstance(factor, Number)]
        rest = [factor for factor in form.factors if not isinstance(factor, Number)]
        inner = affine(rest[0]) if len(rest) == 1 and len(numbers) == 1 else None
        return None if inner is None else (numbers[0] * inner[0], numbers[0] * inner[1], inner[2])
    if isinstance(form, Total):
        return _affine_total(form)
    return None


def _affine_total(form: Total) -> tuple[Expr, Expr, Expr] | None:
    offset: Expr = Integer(0)
    moving = None
    for term in form.terms:
        sign = -1 if isinstance(term, Negative) else 1
        inner = term.operand if isinstance(term, Negative) else term
        if isinstance(inner, Number):
            offset += sign * inner.value
        elif moving is None and affine(term) is not None:
            moving = affine(term)
        else:
            return None
    return None if moving is None else (moving[0], moving[1] + offset, moving[2])


def _advanced(
    printer: NumpyPrinter, form: Gather, place: int, selector: Selector, advanced: list[int]
) -> str:
    """An index array, aligned with the other index arrays of this gather."""
    code = printer.code(selector.form)
    if place in form.unproved:
        last = printer.size(expand(form.sizes[place] - 1))
        code = Code(f"np.clip({code.text}, 0, {last})")
    if not selector.varies or list(selector.varies) == advanced[len(advanced) - len(selector.varies) :]:
        return code.text
    marks = ", ".join(
        ":" if k in selector.varies else "None" for k in advanced[advanced.index(selector.varies[0]) :]
    )
    return f"{code.atom}[{marks}]"


def _result_order(selectors: list[Selector], advanced: list[int]) -> tuple[int, ...]:
    """NumPy puts the dimensions of index arrays where they stand together, else first."""
    places = [n for n, s in enumerate(selectors) if s.slice is None]
    arrays = [n for n in places if selectors[n].varies] or places
    together = not places or places == list(range(places[0], places[-1] + 1))
    order: list[int] = [] if together or not arrays else list(advanced)
    for place, selector in enumerate(selectors):
        if selector.slice is not None:
            order += selector.varies
        elif together and place == places[0]:
            order += advanced
    return tuple(order)


def one_hot_code(printer: NumpyPrinter, form: OneHot) -> Code:
    """I_y as a comparison of labels with positions."""
    labels = printer.atom(form.labels) if form.labels.rank else printer.code(form.labels).at(SUM)
    marks = ", ".join([":"] * form.labels.rank + ["None"])
    column = f"{labels}[{marks}]" if form.labels.rank else labels
    return Code(f"{column} == np.arange({printer.size(form.extent)})", COMPARISON)


def label_rows(printer: NumpyPrinter, form: OneHot) -> str | None:
    """The indexing that reaches the ones of I_y: np.arange(m), y."""
    labels = form.labels
    if not isinstance(labels, Array) or labels.rank != 1:
        return None
    return f"np.arange({printer.size(labels.axes[0])}), {printer.code(labels).text}"

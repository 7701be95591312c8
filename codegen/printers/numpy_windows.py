"""Windows: X[c, s*h + r*u - p] for every h and u, 0 outside of X, as one call of `windows` an axis.

A gather is one where each place follows one dimension whole, or is (step i + reach j + start)/spread of two,
and where its guard says no more than that the place is inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sympy import Expr, Integer, expand

from codegen.printers.numpy_text import Code, call
from derive.calculus.arrays.base import Form, Number, Positions
from derive.calculus.arrays.forms import Broadcast, Gather
from derive.calculus.arrays.pointwise import Compare, Divided, Logic, Negative, Product, Total

if TYPE_CHECKING:
    from codegen.printers.to_numpy import NumpyPrinter


@dataclass(frozen=True)
class Linear:
    """start + the sum of slope * position over dimensions of the result."""

    slopes: Mapping[int, Expr]
    start: Expr

    def plus(self, other: Linear, sign: int = 1) -> Linear:
        dims = sorted({*self.slopes, *other.slopes})
        slopes = {k: self.slopes.get(k, Integer(0)) + sign * other.slopes.get(k, Integer(0)) for k in dims}
        return Linear(
            {k: slope for k, slope in slopes.items() if slope != 0}, self.start + sign * other.start
        )

    def times(self, factor: Expr) -> Linear:
        return Linear({k: factor * slope for k, slope in self.slopes.items()}, factor * self.start)

    def equals(self, other: Linear) -> bool:
        gap = self.plus(other, -1)
        return all(expand(slope) == 0 for slope in gap.slopes.values()) and expand(gap.start) == 0


ZERO = Linear({}, Integer(0))


@dataclass(frozen=True)
class Place:
    """One axis of a gather: linear/spread, the division exact where the guard holds."""

    linear: Linear
    spread: Expr
    size: Expr

    def implied(self, part: Form, rank: int) -> bool:
        """Whether a condition says only that this place is inside its axis."""
        inner, dims = (part.operand, part.kept) if isinstance(part, Broadcast) else (part, tuple(range(rank)))
        if not isinstance(inner, Compare):
            return False
        if inner.relation == "==":
            return isinstance(inner.operand, Divided) and self._is_remainder(inner.operand, dims)
        found = linear(inner.operand, dims) if inner.relation == ">=" else None
        last = Linear({}, self.spread * (self.size - 1))
        return found is not None and (found.equals(self.linear) or found.equals(last.plus(self.linear, -1)))

    def _is_remainder(self, form: Divided, dims: tuple[int, ...]) -> bool:
        found = linear(form.left, dims)
        same = isinstance(form.right, Number) and expand(form.right.value - self.spread) == 0
        return form.remainder and same and found is not None and found.equals(self.linear)


def linear(form: Form, dims: tuple[int, ...]) -> Linear | None:
    """The integer form as a linear function of positions along these dimensions, if it is one."""
    if isinstance(form, Number):
        return Linear({}, form.value)
    if isinstance(form, Positions):
        return Linear({dims[0]: Integer(1)}, Integer(0))
    if isinstance(form, Broadcast):
        return linear(form.operand, tuple(dims[k] for k in form.kept))
    if isinstance(form, Negative):
        inner = linear(form.operand, dims)
        return None if inner is None else inner.times(Integer(-1))
    if isinstance(form, Product):
        return _scaled(form, dims)
    if isinstance(form, Total):
        total = ZERO
        for term in form.terms:
            found = linear(term, dims)
            if found is None:
                return None
            total = total.plus(found)
        return total
    return None


def _scaled(form: Product, dims: tuple[int, ...]) -> Linear | None:
    numbers = [factor.value for factor in form.factors if isinstance(factor, Number)]
    rest = [factor for factor in form.factors if not isinstance(factor, Number)]
    inner = linear(rest[0], dims) if len(rest) == len(numbers) == 1 else None
    return None if inner is None else inner.times(numbers[0])


def window_code(printer: NumpyPrinter, form: Gather, condition: Form | None, outside: Form) -> Code | None:
    """The nested calls of `windows`, None where the gather is no window."""
    places = [
        _place(selector, size, form.rank) for selector, size in zip(form.selectors, form.sizes, strict=True)
    ]
    found = [place for place in places if place is not None]
    dims = [k for place in found for k in place.linear.slopes]
    if len(found) < len(places) or sorted(dims) != list(range(form.rank)) or not isinstance(outside, Number):
        return None
    if not all(_is_whole(place, form) or len(place.linear.slopes) == 2 for place in found) or len(
        dims
    ) == len(places):
        return None
    if not all(any(place.implied(part, form.rank) for place in found) for part in _parts(condition)):
        return None
    printer.functions.add("windows")
    return _ordered(_calls(printer, form, found, outside), dims)


def _place(selector: Form, size: Expr, rank: int) -> Place | None:
    inner, dims = _core(selector, tuple(range(rank)))
    spread: Expr = Integer(1)
    if isinstance(inner, Divided) and not inner.remainder and isinstance(inner.right, Number):
        spread = inner.right.value
        inner, dims = _core(inner.left, dims)
    found = linear(inner, dims)
    return None if found is None else Place(found, spread, size)


def _core(form: Form, dims: tuple[int, ...]) -> tuple[Form, tuple[int, ...]]:
    """A form without its repetition, and the dimensions of the result that it varies with."""
    return (form.operand, tuple(dims[k] for k in form.kept)) if isinstance(form, Broadcast) else (form, dims)


def _is_whole(place: Place, form: Gather) -> bool:
    """Whether the axis is read from end to end."""
    if len(place.linear.slopes) != 1 or place.spread != 1 or place.linear.start != 0:
        return False
    ((dim, slope),) = place.linear.slopes.items()
    return slope == 1 and expand(form.extents[dim] - place.size) == 0


def _parts(condition: Form | None) -> list[Form]:
    """The conditions that hold together."""
    if condition is None:
        return []
    inner, kept = (
        (condition.operand, condition.kept) if isinstance(condition, Broadcast) else (condition, None)
    )
    if not isinstance(inner, Logic) or inner.operator != "and":
        return [condition]
    parts = []
    for part in inner.parts:
        if kept is None:
            parts.append(part)
            continue
        own = part.kept if isinstance(part, Broadcast) else tuple(range(part.rank))
        core = part.operand if isinstance(part, Broadcast) else part
        parts.append(Broadcast(core, condition.axes, tuple(kept[k] for k in own)))
    return parts


def _calls(printer: NumpyPrinter, form: Gather, places: list[Place], outside: Form) -> str:
    """The last axis first, so that the numbers of the others stay as they are."""
    text = printer.name(form.name)
    for axis in reversed(range(len(places))):
        place = places[axis]
        if len(place.linear.slopes) == 1:
            continue
        (i, step), (j, reach) = place.linear.slopes.items()
        arguments = [text, str(axis), printer.size(form.extents[i]), printer.size(form.extents[j])]
        options = {"step": step, "reach": reach, "start": place.linear.start, "spread": place.spread}
        defaults = {"step": 1, "reach": 1, "start": 0, "spread": 1}
        arguments += [
            f"{name}={printer.size(value)}" for name, value in options.items() if value != defaults[name]
        ]
        arguments += [f"outside={printer.code(outside).text}"] if outside != Number(Integer(0)) else []
        text = call("windows", *arguments).text
    return text


def _ordered(text: str, dims: list[int]) -> Code:
    """The calls give dimensions axis by axis; the form may want them in another order."""
    if dims == sorted(dims):
        return Code(text)
    return Code(f"{text}.transpose{tuple(dims.index(k) for k in range(len(dims)))}")

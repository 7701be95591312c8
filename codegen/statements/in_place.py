"""An elementwise value computed in the memory of one of its operands, line by line:

    A1_bar = H_bar @ p.W2.T        S = E
    A1_bar *= Z2 > 0               S /= T[:, None]

The operand is a contraction, whose result is nobody else's, or a value that dies here. It is overwritten
before the other operands of the same line are read, so it may not be among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import TypeAlias

from sympy import oo

from codegen.printers.numpy_kinds import Element, element_of
from codegen.printers.numpy_select import extreme, is_mask, untied
from codegen.printers.numpy_text import POWER
from codegen.printers.to_numpy import EMITTED, INTO, NumpyPrinter
from derive.calculus.arrays.algebra import product
from derive.calculus.arrays.base import Array, Axes, Form, Number
from derive.calculus.arrays.forms import Broadcast, Diagonal, Einsum, Gather, MatMul, Transpose
from derive.calculus.arrays.pointwise import Apply, Negative, Product, Quotient, Select, Total

MOST_LINES = 4
VIEWS = (Array, Transpose, Diagonal, Gather, Broadcast, Einsum)

Path: TypeAlias = tuple[Form, ...]


def in_place(printer: NumpyPrinter, target: str, form: Form, dead: Set[str]) -> list[str]:
    """The lines of target = form, none where no operand can be overwritten."""
    path = _path(form, form.axes, dead)
    if len(path) < 2 or (isinstance(path[-1], Array) and occurrences(form, path[-1].name) > 1):
        return []
    lines = [f"{target} = {printer.code(path[-1]).text}"]
    for inner, outer in zip(path[:0:-1], path[-2::-1], strict=True):
        lines += _overwritten(printer, target, outer, inner)
    return lines if len(lines) <= MOST_LINES else []


def occurrences(form: Form, name: str) -> int:
    """How often a form reads a tensor."""
    own = isinstance(form, Array | Gather) and form.name == name
    larger = isinstance(form, Select) and extreme(form) is not None
    parts = (form.chosen, untied(form)) if isinstance(form, Select) and larger else form.operands
    return own + sum(occurrences(part, name) for part in parts)


def arrays_of(form: Form) -> frozenset[str]:
    """The tensors that a form reads."""
    own = frozenset({form.name}) if isinstance(form, Array | Gather) else frozenset()
    return own.union(*(arrays_of(operand) for operand in form.operands))


def _path(form: Form, axes: Axes, dead: Set[str]) -> Path:
    """From the form down to the operand whose memory it takes, elementwise all the way; () without one."""
    if form.axes != axes or not axes or element_of(form) is not Element.REAL:
        return ()
    if isinstance(form, MatMul) or (isinstance(form, Array) and form.name in dead and not form.subscripts):
        return (form,)
    for operand in _operands(form):
        found = _path(operand, axes, dead)
        if found:
            return (form, *found)
    return ()


def _operands(form: Form) -> Iterator[Form]:
    """The operands whose memory an elementwise form can take."""
    if isinstance(form, Product):
        yield from form.factors
    elif isinstance(form, Quotient):
        yield from (_scaled(form) or (form.numerator,))
    elif isinstance(form, Total):
        yield from (term for term in form.terms if not isinstance(term, Negative))
    elif isinstance(form, Negative):
        yield form.operand
    elif isinstance(form, Apply) and form.known and not form.order and form.function not in EMITTED - INTO:
        if not isinstance(form.operand, Total):  # log(1 + x) has a spelling of its own
            yield form.operand
    elif isinstance(form, Select) and (extreme(form) is not None or is_mask(form) or _is_least(form)):
        yield form.chosen


def _factors(form: Form) -> tuple[Form, ...]:
    return form.factors if isinstance(form, Product) else (form,)


def _scaled(form: Quotient) -> Path:
    """X of the scalar multiple X (a/b), as one factor."""
    arrays = tuple(factor for factor in _factors(form.numerator) if factor.rank)
    alone = len(arrays) == 1 and isinstance(form.numerator, Product)
    return arrays if alone and not form.denominator.rank else ()


def _overwritten(printer: NumpyPrinter, target: str, form: Form, inner: Form) -> list[str]:
    """The lines that make of the inner value, which the target holds, the outer one."""
    if isinstance(form, Product):
        rest = list(form.factors)
        rest.remove(inner)
        return [f"{target} *= {_text(printer, product(*rest))}"]
    if isinstance(form, Quotient):
        return [_divided(printer, target, form, inner)]
    if isinstance(form, Total):
        return [_added(printer, target, term) for term in form.terms if term is not inner]
    if isinstance(form, Apply):
        return [f"{printer.function(form.function)}({target}, out={target})"]
    if isinstance(form, Select):
        return [_selected(printer, target, form)]
    return [f"np.negative({target}, out={target})"]


def _divided(printer: NumpyPrinter, target: str, form: Quotient, inner: Form) -> str:
    if inner not in _scaled(form):
        return f"{target} /= {_text(printer, form.denominator)}"
    scale = product(*(factor for factor in _factors(form.numerator) if not factor.rank))
    return f"{target} *= {_text(printer, Quotient(scale, form.denominator))}"


def _added(printer: NumpyPrinter, target: str, term: Form) -> str:
    if isinstance(term, Negative):
        return f"{target} -= {_text(printer, term.operand)}"
    return f"{target} += {_text(printer, term)}"


def _is_least(form: Select) -> bool:
    """Whether what is not chosen, by a condition of all axes, is minus infinity."""
    return isinstance(form.other, Number) and form.other.value == -oo and form.condition.rank > 1


def _selected(printer: NumpyPrinter, target: str, form: Select) -> str:
    if _is_least(form):
        return f"np.copyto({target}, -np.inf, where=~{printer.code(form.condition).at(POWER)})"
    function = extreme(form)
    if function is None:
        return f"{target} *= {_text(printer, form.condition)}"
    return f"{function}({target}, {_text(printer, untied(form))}, out={target})"


def _text(printer: NumpyPrinter, form: Form) -> str:
    """An operand of an assignment in place: integers are converted, truths are factors as they are."""
    return (printer.converted(form) if element_of(form) is Element.INTEGER else printer.code(form)).text

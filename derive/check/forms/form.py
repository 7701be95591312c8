"""A backward form written by hand, and the derived one held against it.

    X_bar[i,j] = (U_bar[i,j] - U[i,j] sum_{q} U[i,q] U_bar[i,q])/r[i]        l2norm, by hand

Three comparisons: the lines under `closed` are derived as they stand, up to the names of indices and the
order of factors; every line of `textbook` has the derived values in 50 digits; and the derived lines take
no more operations than those of `textbook`, counted alike (`derive.calculus.expressions.cost`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from sympy import Expr

from derive.calculus.definition.define import define
from derive.calculus.derivation.jvp import jvp
from derive.calculus.derivation.kernels import forward_of
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.canonical import canonical
from derive.calculus.expressions.cost import operations
from derive.calculus.expressions.normal import normal
from derive.calculus.expressions.substitution import substitute
from derive.calculus.expressions.tensor import Axis, Index, Kind, Tensor, refs
from derive.calculus.program.program import Equation, Program, Recurrence
from derive.calculus.stable.stabilise import stabilise
from derive.check.arithmetic import Array
from derive.check.evaluate import evaluate
from derive.check.oracles import DIGITS, Point

_TARGET = re.compile(r"\s*(\w+)(?:\[(.*?)\])?\s*=(?!=)(.*)", re.DOTALL)
_SHIFTED = re.compile(r"(\w)\+1")


@dataclass(frozen=True)
class Form:
    """A definition, its law in words, and its backward (or tangent) equations as a person writes them.

    `closed` are the lines that must come out as they stand, all of `textbook` where it is None.
    """

    name: str
    law: str
    build: Callable[[], Program]
    textbook: tuple[str, ...]
    closed: tuple[str, ...] | None = None
    wrt: tuple[str, ...] | None = None
    tangent: bool = False
    sizes: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def program(self) -> Program:
        """The definition with its stable forms."""
        return stabilise(self.build())

    @cached_property
    def joint(self) -> Program:
        """The forward program and what is derived."""
        return jvp(self.program, self.wrt) if self.tangent else vjp(self.program, self.wrt)

    @cached_property
    def derived(self) -> tuple[Equation, ...]:
        """What is derived alone."""
        kept = {tensor.name for tensor in forward_of(self.joint, self.program).locals}
        return tuple(equation for equation in self.joint.equations() if equation.name not in kept)

    @cached_property
    def by_hand(self) -> tuple[tuple[Equation, ...], Mapping[str, Tensor]]:
        """The lines of the textbook, and the tensors that they are over: the program's and their own."""
        known = dict(self.joint.tensors)
        found = []
        for line in self.textbook:
            equation, tensor = _written(line, self.joint, known)
            known.setdefault(tensor.name, tensor)
            found.append(equation)
        return tuple(found), known

    @property
    def count(self) -> tuple[int, int]:
        """The operations of what is derived, and of the textbook's lines."""
        totals = (sum(operations(e.value) for e in part) for part in (self.derived, self.by_hand[0]))
        derived, by_hand = totals
        return derived, by_hand


def differing(form: Form) -> Iterator[str]:
    """The closed lines that are not derived as they stand."""
    closed = form.textbook if form.closed is None else form.closed
    for line in closed:
        expected, _ = _written(line, form.joint, form.joint.tensors)
        candidates = [e for e in form.joint.defining(expected.name) if _same_place(e, expected)]
        if not any(_agree(derived, expected) for derived in candidates):
            derived = ", ".join(map(str, candidates)) or f"no {expected.name}"
            yield f"{form.name}: {line.strip()} is derived as {derived}"


def wrong(form: Form, seed: int = 0) -> Iterator[str]:
    """The textbook's lines whose values in 50 digits are not the derived ones."""
    point = Point.drawn(form.program, seed, form.sizes or None)
    arrays = point.evaluated(form.joint, DIGITS)
    for line, equation in zip(form.textbook, form.by_hand[0], strict=True):
        found = _value(equation, form, arrays, point)
        derived = _at_target(arrays.get(equation.name), equation, found)
        if derived is None:
            arrays[equation.name] = found
        elif not _near(found, derived):
            yield f"{form.name}: {line.strip()} has other values than what is derived"


def _near(found: Array, derived: Array) -> bool:
    scale = max((abs(float(x)) for x in np.asarray(derived).flat), default=0.0)
    error = max((abs(float(x)) for x in np.asarray(found - derived).flat), default=0.0)
    return bool(error <= 1e-30 * (1 + scale))


def _value(equation: Equation, form: Form, arrays: Mapping[str, Array], point: Point) -> Array:
    """The values of one line, its target's shifted places counted from 0."""
    names = sorted({ref.name for ref in refs(equation.value)})
    tensors = form.by_hand[1]
    plain = replace(equation, target=Tensor("line", ())[tuple(equation.loops)])
    axes = tuple(Axis(str(index), extent) for index, extent in equation.ranges)
    alone = Program("line", tuple(tensors[n] for n in names), (plain,), ("line",), (Tensor("line", axes),))
    return evaluate(alone, {n: arrays[n] for n in names}, point.sizes, number=DIGITS)["line"]


def _at_target(array: Array | None, equation: Equation, found: Array) -> Array | None:
    """The part of a derived array that a line defines."""
    if array is None:
        return None
    places: list[Any] = []
    for slot in equation.target.indices:
        index = next(iter(slot.atoms(Index)), None)
        if index is None:
            places.append(int(slot))
        else:
            start = int(slot - index)
            places.append(slice(start, start + found.shape[equation.loops.index(index)]))
    return array[tuple(places)]


def _written(line: str, joint: Program, known: Mapping[str, Tensor]) -> tuple[Equation, Tensor]:
    """The equation of a line, over known tensors; the loops are all of its target's letters."""
    found = _TARGET.match(line)
    assert found is not None, line
    name, slots, _ = found.groups()
    extents = {str(s.index): s.extent for s in joint.statements if isinstance(s, Recurrence)}
    shifted = ((slot, _SHIFTED.fullmatch(slot.strip())) for slot in (slots or "").split(","))
    plain = ",".join(slot if hit is None else f"{hit[1]}<{extents[hit[1]]}" for slot, hit in shifted)
    head = f"line[{plain}]" if plain else "line"
    declared = ", ".join(map(_declaration, known.values()))
    text = line[found.start(3) :]
    (equation,) = define(f"written({declared}) -> line\n    {head} = {text}").equations()
    target = known[name][_slots(slots, equation)] if name in known else None
    axes = tuple(Axis(str(extent), extent) for _, extent in equation.ranges)
    tensor = known.get(name) or Tensor(name, axes)
    value = normal(equation.value, dict(equation.ranges))
    return replace(equation, target=target or tensor[equation.target.indices], value=value), tensor


def _slots(slots: str | None, equation: Equation) -> tuple[Expr, ...]:
    """The places of a target: those of the equation, shifted where the line says so."""
    written = (slots or "").split(",") if slots else []
    return tuple(
        place + 1 if _SHIFTED.fullmatch(slot.strip()) else place
        for slot, place in zip(written, equation.target.indices, strict=True)
    )


def _declaration(tensor: Tensor) -> str:
    kind = "" if tensor.kind is Kind.REAL else f"{tensor.kind.value} "
    axes = f"[{','.join(str(axis.size) for axis in tensor.axes)}]" if tensor.axes else ""
    return f"{kind}{tensor.name}{axes}"


def _loops(equation: Equation) -> tuple[Index, ...]:
    return tuple(index for slot in equation.target.indices for index in slot.atoms(Index))


def _same_place(derived: Equation, expected: Equation) -> bool:
    """Whether both define the same elements: not a boundary against a step."""
    pairs = zip(derived.target.indices, expected.target.indices, strict=True)
    return all(len(a.atoms(Index)) == len(b.atoms(Index)) for a, b in pairs)


def _agree(derived: Equation, expected: Equation) -> bool:
    renaming = dict(zip(_loops(expected), _loops(derived), strict=True))
    extents = {renaming[index]: extent for index, extent in expected.ranges if index in renaming}
    value = normal(derived.value, extents)
    return bool(canonical(substitute(expected.value, renaming)) == canonical(value))

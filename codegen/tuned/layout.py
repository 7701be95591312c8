"""Layout: the order of axes in memory.

    P1[e,c,h,w] = max_{u<2,v<2} Z1[e,c,2h+u,2w+v]

A tensor lies as it is declared, the last axis innermost, unless an equation then has no index along which
its elements follow each other, and the examples e are such an index once they are innermost: no lane is idle
then and no window is copied. All tensors of examples in such an equation change together, and so do those
that are read with them elsewhere, but for plain products, which take their factors in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from codegen.accumulation import accumulation
from codegen.tuned.contraction import contraction, has, windowed
from codegen.tuned.storage import Stored
from derive.calculus.nodes import reduces
from derive.calculus.program import Equation
from derive.calculus.tensor import Index, IntegerRef, Ref, Size


def innermost(equations: Iterable[Equation], stored: Mapping[str, Stored], batch: Size) -> frozenset[str]:
    """The tensors whose examples lie innermost."""
    listed = [equation for equation in equations if not equation.accumulates]
    chosen: set[str] = set()
    for equation in listed:
        if _needs(equation, stored, batch):
            chosen |= _examples(equation, stored, batch)
    while True:
        more = set(chosen)
        for equation in listed:
            if _bound_together(equation, stored) and _examples(equation, stored, batch) & chosen:
                more |= _examples(equation, stored, batch)
        if more == chosen:
            return frozenset(chosen)
        chosen = more


def moved(stored: Stored) -> Stored:
    """The tensor with its first axis innermost."""
    return replace(stored, order=(*stored.order[1:], stored.order[0]), padded=True)


def _row(equation: Equation, batch: Size) -> Index | None:
    return next((index for index, extent in equation.ranges if extent == batch), None)


def _examples(equation: Equation, stored: Mapping[str, Stored], batch: Size) -> set[str]:
    """The tensors of two axes and more that have the examples first."""
    found = set()
    for ref in (equation.target, *equation.references):
        tensor = stored[ref.name].tensor
        if len(tensor.axes) > 1 and tensor.shape[0] == batch and not isinstance(ref, IntegerRef):
            found.add(ref.name)
    return found


def _needs(equation: Equation, stored: Mapping[str, Stored], batch: Size) -> bool:
    """Whether elements lie apart along every index but would not along the examples."""
    row = _row(equation, batch)
    form = accumulation(equation.value)
    if row is None or form is None or contraction(equation, stored) is not None:
        return False
    lanes = {equation.target.indices[-1], *(index for term in form.terms for index, _ in term.ranges)}
    elements = [ref for ref in equation.references if not isinstance(ref, IntegerRef)]
    return all(any(_apart(ref, lane) for ref in elements) for lane in lanes if isinstance(lane, Index))


def _apart(ref: Ref, lane: Index) -> bool:
    if not has(ref, lane):
        return False
    last = ref.indices[-1]
    others = any(lane in index.free_symbols for index in ref.indices[:-1])
    return others or (last - lane).has(lane)


def _bound_together(equation: Equation, stored: Mapping[str, Stored]) -> bool:
    """Whether the tensors of an equation must lie alike: all but plain products."""
    if contraction(equation, stored) is None and not reduces(equation.value):
        return True
    return any(windowed(ref) for ref in equation.references)

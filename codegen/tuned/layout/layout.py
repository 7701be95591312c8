"""Layout: the order of axes in memory.

    P1[e,c,h,w] = max_{u<2,v<2} Z1[e,c,2h+u,2w+v]

A tensor lies as it is declared, the last axis innermost, unless an equation then has no index along which
its elements follow each other, and the examples e are such an index once they are innermost: no lane is idle
then and no window is copied. All tensors of examples in such an equation change together, and so do those
that are read with them elsewhere, but for plain products, which take their factors in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from sympy import Expr

from codegen.accumulation import accumulation
from codegen.tuned.products.contraction import contraction, has, windowed
from codegen.tuned.storage import Stored
from derive.calculus.expressions.nodes import Reduction, reduces
from derive.calculus.expressions.tensor import Index, IntegerRef, Ref, Size, refs
from derive.calculus.program.program import Equation


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


def margined(stored: Stored, equations: Iterable[Equation], sizes: Callable[[Expr], int]) -> Stored:
    """The tensor with as many zeros around it as windows reach beyond its edges."""
    return replace(stored, halo=halo(stored.tensor.name, equations, sizes, stored))


def halo(
    name: str, equations: Iterable[Equation], sizes: Callable[[Expr], int], stored: Stored
) -> tuple[int, ...]:
    """How far the windows of all equations reach beyond each axis of a tensor, the same before and after."""
    reach = [0] * len(stored.tensor.axes)
    for equation in equations:
        summed = {i: n for r in equation.value.atoms(Reduction) for i, n in r.ranges}
        extents = {**dict(equation.ranges), **summed}
        for ref in equation.references:
            if ref.name != name or any(refs(index) for index in ref.indices):
                continue
            for axis, index in enumerate(ref.indices):
                least, most = _span(index, extents, sizes)
                reach[axis] = max(reach[axis], -least, most - sizes(stored.tensor.shape[axis]) + 1)
    return tuple(reach)


def _span(index: Expr, extents: Mapping[Index, Expr], sizes: Callable[[Expr], int]) -> tuple[int, int]:
    """The least and the largest value of an affine index; 0 and 0 where it is not affine."""
    least = most = 0
    rest = index
    for one in sorted(index.free_symbols, key=str):
        if isinstance(one, Index):
            slope = index.coeff(one, 1)
            if not slope.is_Integer or one not in extents:
                return 0, 0
            reach = int(slope) * (sizes(extents[one]) - 1)
            least, most = least + min(reach, 0), most + max(reach, 0)
            rest -= slope * one
    if any(isinstance(one, Index) for one in rest.free_symbols):
        return 0, 0
    constant = sizes(rest)
    return least + constant, most + constant


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

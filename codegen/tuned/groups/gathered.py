"""Gathered: the sum of what a group leaves, over its inner loops, is added up as the group goes.

    A_bar[e,o,h] = where(Z[e,o,h] > 0, Z_bar[e,o,h], 0)      for each o, for each e, h: A_bar[e,o,h],
    b_bar[o] = sum_{e,h} A_bar[e,o,h]                         and with it the sum

so that what has just been written is not read again. Vectors run along an index that is summed over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sympy import true
from sympy.core.basic import Basic

from codegen.accumulation import accumulation
from codegen.tuned.groups.groups import Group, Step, target_of
from codegen.tuned.groups.joined import Vectors, joined
from derive.calculus.expressions.nodes import Sum
from derive.calculus.expressions.tensor import Index, Ref
from derive.calculus.program.program import Equation


def gathered(steps: Iterable[Step], vectors: Vectors) -> list[Step]:
    """The steps, with every sum in the group of what it sums."""
    return joined(steps, _joined, vectors)


def _joined(group: Group, found: list[Step], vectors: Vectors) -> tuple[int, Group] | None:
    """The place of the group whose elements a group sums, and both together."""
    summed = _summed(group.first)
    if summed is None or len(group.equations) != 1 or group.block:
        return None
    for place, other in enumerate(found):
        if isinstance(other, Group) and summed.name in other.names and not other.block:
            target = target_of(other, summed.name)
            if target is None or set(target) != set(other.first.loops) or len(target) != len(summed.indices):
                return None
            renamed: dict[Basic, Basic] = dict(zip(summed.indices, target, strict=True))
            together = Group((*other.equations, relettered(group.first, renamed)))
            return (place, together) if gathers(other, together.equations[-1]) and vectors(together) else None
    return None


def relettered(equation: Equation, renamed: dict[Basic, Basic]) -> Equation:
    """A sum with the letters of the group that it joins."""
    ranges = tuple((_index(renamed.get(index, index)), extent) for index, extent in equation.ranges)
    target, value = equation.target.xreplace(renamed), equation.value.xreplace(renamed)
    return replace(equation, target=target, ranges=ranges, value=value)


def gathers(group: Group, equation: Equation) -> bool:
    """Whether an equation sums an element of a group over all its loops but those that are its own."""
    summed, form = _summed(equation), accumulation(equation.value)
    if summed is None or form is None or summed.indices != target_of(group, summed.name):
        return False
    return {*equation.ranges, *form.terms[0].ranges} == set(group.first.ranges)


def _summed(equation: Equation) -> Ref | None:
    """The element that an equation sums as it is, and nothing besides."""
    form = accumulation(equation.value)
    if form is None or form.kind != Sum.operator or len(form.terms) != 1 or equation.accumulates:
        return None
    (term,) = form.terms
    loops = {*equation.loops, *(index for index, _ in term.ranges)}
    if not isinstance(term.body, Ref) or set(term.body.indices) != loops or term.condition != true:
        return None
    alone = equation.reads == {term.body.name} and len(term.body.indices) == len(loops)
    return term.body if alone and equation.loops and equation.target.indices == equation.loops else None


def _index(node: Basic) -> Index:
    assert isinstance(node, Index)
    return node

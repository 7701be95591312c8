"""Rolling: what a recurrence hands from turn to turn has room for one turn, where nothing else needs others.

    for l<L: N[j] = .. Z[l,j]                 Z[l] is read before Z[l+1] takes its place: room for one row
             Z[l+1,j] = .. N[j]

Whether that holds is found by going through the turns: what is read must be what was put there last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from sympy import Expr, Integer
from sympy.core.basic import Basic

from codegen.tuned.groups.groups import Nest, Step, Turns, groups_of
from codegen.tuned.storage import Stored
from derive.calculus.expressions.nodes import free_indices
from derive.calculus.expressions.tensor import Ref

Lists = Mapping[str, tuple[Step, ...]]
Size = Callable[[Expr], int]


def rolled(
    lists: Lists, stored: Mapping[str, Stored], outputs: frozenset[str], size: Size
) -> dict[str, Stored]:
    """Where tensors lie, with room for one turn of what goes from turn to turn alone."""
    found = dict(stored)
    for name, axis in sorted(_carried(lists)):
        one = found[name]
        inner = one.order[:1] == (axis,) and len(one.order) > 1
        if name not in outputs and one.start.startswith("x->w") and inner:
            single = replace(one, single=(axis, *one.single))
            if not list(overtaken({name: single}, lists, size)):
                found[name] = single
    return found


def turn_axes(stored: Mapping[str, Stored], lists: Lists) -> dict[str, tuple[int, ...]]:
    """Of the axes with room for a single value those that turns go along."""
    carried = _carried(lists)
    return {
        name: tuple(axis for axis in one.single if (name, axis) in carried)
        for name, one in stored.items()
        if one.single
    }


def _carried(lists: Lists) -> set[tuple[str, int]]:
    """The tensors that turns have elements of, and the axis that they go along."""
    return {
        (equation.name, axis)
        for steps in lists.values()
        for step in steps
        if isinstance(step, Turns)
        for equation in step.equations
        for axis, index in enumerate(equation.target.indices)
        if step.index in free_indices(index)
    }


def overtaken(stored: Mapping[str, Stored], lists: Lists, size: Size) -> Iterator[str]:
    """What reads a turn's element where that of another turn lies by then; loss and pullback are one step."""
    axes = {name: found[0] for name, found in turn_axes(stored, lists).items() if found}
    for keys in (("loss", "vjp"), ("jvp",)):
        there: dict[str, int] = {}
        for group, turn in _in_order([step for key in keys for step in lists[key]], size):
            used = [(ref, e.target) for e in group.equations for ref in e.references]
            for ref in {ref for ref, _ in used if ref.name in axes and ref.name not in group.names}:
                if _value(ref, axes[ref.name], turn, size) != there.get(ref.name):
                    yield f"{group.equations[-1].name} reads {ref}, but another turn's lies there"
            for equation in group.equations:
                if equation.name in axes:
                    own = {ref for ref in group_reads(group) if ref.name == equation.name}
                    there[equation.name] = _value(equation.target, axes[equation.name], turn, size) or 0
                    if any(_value(ref, axes[ref.name], turn, size) != there[ref.name] for ref in own):
                        yield f"{equation.name} reads another turn of itself, in whose place it lies"


def group_reads(group: Nest) -> set[Ref]:
    """The elements that a group's equations name."""
    return {ref for equation in group.equations for ref in equation.references}


def _in_order(steps: Iterable[Step], size: Size) -> Iterator[tuple[Nest, dict[Basic, Basic]]]:
    """The groups as they are computed, with the value of the turn."""
    for step in steps:
        turns: Iterable[int] = range(1)
        if isinstance(step, Turns):
            count = size(step.extent)
            turns = range(count - 1, -1, -1) if step.reverse else range(count)
        for turn in turns:
            fixed: dict[Basic, Basic] = {step.index: Integer(turn)} if isinstance(step, Turns) else {}
            for group in groups_of(step):
                yield group, fixed


def _value(ref: Ref, axis: int, turn: Mapping[Basic, Basic], size: Size) -> int | None:
    """The turn that an element is of; None for all of them."""
    index = ref.indices[axis].xreplace(dict(turn))
    return None if free_indices(index) else size(index)

"""Whether loss and gradients are finite, before a step is taken:

n max|A| max|B| <= largest / 4     for a sum of n products; gradients in the arena are looked at

Threads share the rows of which the largest magnitude is sought, and all come to the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen.tuned.phase import Phase
from codegen.tuned.phases.gradients import ALL
from codegen.tuned.pipeline import Tuned
from codegen.tuned.source.lists import direct, flat_size
from codegen.tuned.spelling.scene import pointer

RETURN = "    return 0;"


@dataclass(frozen=True)
class Finiteness:
    """What is measured, by the name of its largest magnitude, and the refusals of what may not be finite."""

    measured: dict[str, str]
    lines: list[str]


def finiteness(t: Tuned) -> Finiteness:
    """Refusals of what may not be finite."""
    if t.together:
        return Finiteness({}, [*_loss(t), *_side_by_side(t)])
    flat = [tensor for tensor in t.c.plan.trained if direct(tensor, t) is None]
    bars = {f"{tensor.name}_bar": f"1, {flat_size(tensor, t)}, 0" for tensor in flat}
    sums = [one for one in t.phases.values() if one.operands is not None]
    names = [name for one in sums for name in one.operands or ()]
    extents = bars | {name: _extents(name, t) for name in names}
    measured = {_most(name): f"{pointer(name)}, {extent}" for name, extent in extents.items()}
    refusals = dict.fromkeys([*map(_refused, bars), *(_bound(one, t) for one in sums)])
    return Finiteness(measured, [*_loss(t), *(line for one in refusals for line in (one, RETURN))])


def _loss(t: Tuned) -> list[str]:
    loss = pointer(t.c.plan.network.loss)
    return [f"if (!(*{loss} - *{loss} == 0))", RETURN]


def _side_by_side(t: Tuned) -> list[str]:
    count = " + ".join(flat_size(tensor, t) for tensor in t.c.plan.trained)
    return [f"if (!FN(finite)(x->w + AT_{ALL}, {count}))", RETURN]


def _most(name: str) -> str:
    return f"MOST_{name}"


def _refused(name: str) -> str:
    return f"if (!(most[{_most(name)}] <= REAL_MAX))"


def _bound(one: Phase, t: Tuned) -> str:
    assert one.operands is not None
    left, right = (f"most[{_most(name)}]" for name in one.operands)
    return f"if (!({left} * {right} * {t.scene.scalar().real(one.terms)} <= REAL_MAX / 4))"


def _extents(name: str, t: Tuned) -> str:
    """Rows, columns, and how far apart rows lie."""
    stored = t.scene.stored[name]
    scalar = t.scene.scalar()
    rows = " * ".join(scalar.integer(stored.tensor.shape[axis], 8) for axis in stored.order[:-1]) or "1"
    columns = scalar.integer(stored.tensor.shape[stored.order[-1]])
    return f"{rows}, {columns}, {stored.row(t.scene.size)}"

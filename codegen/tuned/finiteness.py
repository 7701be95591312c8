"""Whether loss and gradients are finite, before a step is taken:

n max|A| max|B| <= largest / 4     for a sum of n products; gradients in the arena are looked at
"""

from __future__ import annotations

from codegen.tuned.gradients import ALL
from codegen.tuned.lists import direct, flat_size
from codegen.tuned.pipeline import Tuned
from codegen.tuned.scene import pointer


def bounded_lines(t: Tuned) -> list[str]:
    """Refusals of what may not be finite."""
    return [*_looked_at(t), *_bounds_of_sums(t)]


def _looked_at(t: Tuned) -> list[str]:
    plan = t.c.plan
    lines = [f"if (!(*{pointer(plan.network.loss)} - *{pointer(plan.network.loss)} == 0))", "    return 0;"]
    if t.together:
        count = " + ".join(flat_size(tensor, t) for tensor in plan.trained)
        return [
            *lines,
            f"if (!FN(finite)(x->w + AT_{ALL}, {count}))",
            "    return 0;",
        ]
    for tensor in plan.trained:
        if direct(tensor, t) is None:
            bar = pointer(f"{tensor.name}_bar")
            lines += [
                f"if (!(x->set->magnitude({bar}, 1, {flat_size(tensor, t)}, 0) <= REAL_MAX))",
                "    return 0;",
            ]
    return lines


def _bounds_of_sums(t: Tuned) -> list[str]:
    lines: list[str] = []
    done: list[str] = []
    for one in t.phases.values():
        if one.operands is None:
            continue
        for name in one.operands:
            if name not in done:
                done.append(name)
                lines.append(f"const real most_{name} = {_magnitude(name, t)};")
        left, right = one.operands
        terms = t.scene.scalar().real(one.terms)
        lines += [f"if (!(most_{left} * most_{right} * {terms} <= REAL_MAX / 4))", "    return 0;"]
    return lines


def _magnitude(name: str, t: Tuned) -> str:
    stored = t.scene.stored[name]
    scalar = t.scene.scalar()
    rows = " * ".join(scalar.integer(stored.tensor.shape[axis], 8) for axis in stored.order[:-1]) or "1"
    columns = scalar.integer(stored.tensor.shape[stored.order[-1]])
    return f"x->set->magnitude({pointer(name)}, {rows}, {columns}, {stored.row(t.scene.size)})"

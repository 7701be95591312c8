"""Where every tensor lies: parameters and data where the caller has them, all else in the arena."""

from __future__ import annotations

from dataclasses import replace

from codegen.plan.plan import Plan
from codegen.tuned.layout.layout import moved
from codegen.tuned.storage import Stored
from derive.calculus.expressions.tensor import Kind, Tensor


def places(plan: Plan) -> dict[str, Stored]:
    """Where every tensor lies."""
    found: dict[str, Stored] = {}
    for owned in plan.parameters:
        t = owned.tensor
        found[t.name] = Stored(t, f"&x->p->{t.name}" + "[0]" * len(t.axes), tuple(range(len(t.axes))), False)
    for t in plan.trained:
        dot = Tensor(f"{t.name}_dot", t.axes)
        found[dot.name] = Stored(
            dot, f"&x->p_dot->{t.name}" + "[0]" * len(t.axes), tuple(range(len(t.axes))), False
        )
    for supplied in plan.batch:
        t = supplied.tensor
        integer = t.kind is not Kind.REAL
        found[t.name] = Stored(
            t, f"&x->b->{t.name}" + "[0]" * len(t.axes), tuple(range(len(t.axes))), False, integer
        )
    bar = f"{plan.network.loss}_bar"
    programs = (plan.loss, plan.vjp, plan.jvp)
    for t in (*(t for program in programs for t in program.locals), Tensor(bar, ())):
        if t.name not in found:
            flat = t.name in {f"{one.name}_bar" for one in plan.trained}
            found[t.name] = Stored(
                t, f"x->w + AT_{t.name}", tuple(range(len(t.axes))), bool(t.axes) and not flat
            )
    return found


def placed(stored: Stored, inside: bool) -> Stored:
    """With the examples innermost, in the arena, or as it was."""
    return replace(moved(stored), start=f"x->w + AT_{stored.tensor.name}") if inside else stored

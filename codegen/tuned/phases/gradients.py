"""Gradients of small networks, side by side: one array, in the order of the struct of parameters.

    W1_bar, b1_bar, W2_bar, b2_bar     one look whether all is finite, one loop for an optimizer's step

That is so where every gradient lies in the arena, every parameter is trained, and all together do not
exceed what one nest of a small network may go through. An optimizer then is inlined, and no gradient is
computed a second time for its check alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import prod

from codegen.plan.plan import Plan
from codegen.tuned.phase import Phase
from codegen.tuned.products.straight import LINE, WALK
from codegen.tuned.storage import Stored

ALL = "gradients"
"""What the array of all gradients is called in the arena."""


def are_together(plan: Plan, phases: Iterable[Phase]) -> bool:
    """Whether all gradients lie side by side."""
    trained = plan.trained
    whole = bool(trained) and len(trained) == len(plan.parameters)
    return whole and not any(one.gradient for one in phases) and _reals(plan) <= WALK * LINE


def side_by_side(plan: Plan, stored: Mapping[str, Stored]) -> dict[str, Stored]:
    """Every gradient at its place in the array."""
    found: dict[str, Stored] = {}
    at = 0
    for tensor in plan.trained:
        name = f"{tensor.name}_bar"
        found[name] = replace(stored[name], start=f"x->w + AT_{ALL} + {at}")
        at += prod(plan.size(extent) for extent in tensor.shape)
    return found


def _reals(plan: Plan) -> int:
    return sum(prod(plan.size(extent) for extent in tensor.shape) for tensor in plan.trained)

"""The arena as the file prints it: each value's offset, its shape, and the steps between which it is needed.

AT_Z2 = 1664, /* (m, d): Z2 .. A1_bar */
"""

from __future__ import annotations

from codegen.numpy.module import shape
from codegen.tuned.arena.arena import Lifetime, constant
from codegen.tuned.functions import ITEMS
from codegen.tuned.groups.groups import Step
from codegen.tuned.groups.times import runs
from codegen.tuned.phases.gradients import ALL
from codegen.tuned.pipeline import Tuned

CHOICE = 8
"""Bytes at the end of a workspace: which kernel set was chosen."""
BESIDE = 64 + CHOICE
"""Bytes of a workspace that are not arena, which begins with a cache line."""


def arena_maps(t: Tuned) -> list[dict[str, str | list[str]]]:
    """The lines of an enum for either size of real."""
    double = f"{t.c.name.upper()}_DOUBLE"
    return [
        {"directive": f"#ifndef {double}" if item == min(ITEMS) else "#else", "lines": _lines(t, item)}
        for item in ITEMS
    ]


def _lines(t: Tuned, item: int) -> list[str]:
    found = t.arenas[item]
    step = [name for key in ("loss", "vjp") for name in _names(t.lists[key], t)]
    names = [*step, "the gradients", *_names(t.lists["jvp"], t)]
    lines = [
        f"{constant(name)} = {at}, /* {_shape(name, t)}{_span(found.lifetimes[name], names, len(step))} */"
        for name, at in found.offsets.items()
    ]
    return [*lines, f"ARENA_REALS = {found.reals}"]


def _names(steps: tuple[Step, ...], t: Tuned) -> list[str]:
    """The last name of each group, as often as it is computed."""
    return [run.group.equations[-1].name for run in runs(steps, 0, t.c.plan.size)]


def _shape(name: str, t: Tuned) -> str:
    if name == ALL:
        return "of all parameters, as these lie: "
    return f"{shape(t.scene.stored[name].tensor)}: " if name in t.scene.stored else "packed factors: "


def _span(life: Lifetime, names: list[str], end: int) -> str:
    """From the step that computes it to the last that needs it."""
    if life.start == 0 and life.stop >= len(names):
        return "always"
    start = names[life.start]
    stop = (
        "the end of a training step"
        if life.stop == end > life.start
        else names[min(life.stop, len(names) - 1)]
    )
    return start if start == stop else f"{start} .. {stop}"

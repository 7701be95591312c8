"""A plan to the text of <name>_tuned.c."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from codegen.c.header import banner
from codegen.c.module import render_header, templates
from codegen.c.network import CNetwork, c_network
from codegen.c.prototypes import head, update_heads
from codegen.c.source import checks, identifiers, inits, macros, predict_sizes, source_checkpoint
from codegen.plan.pipeline import Watch, silent
from codegen.plan.plan import Plan
from codegen.printers.to_c import Used
from codegen.tuned.budget import arena_bytes, tuned
from codegen.tuned.functions import functions_context
from codegen.tuned.groups.groups import groups_of, key_of
from codegen.tuned.own_names import require_tuned_names
from codegen.tuned.phases.updates import update_context
from codegen.tuned.pipeline import Tuned
from codegen.tuned.products.straight import are_small
from codegen.tuned.source.arena_map import BESIDE, CHOICE, arena_maps
from codegen.tuned.source.finiteness import finiteness
from codegen.tuned.source.lists import after_forward, calls, direct, gifts, phase_context, pointers
from codegen.tuned.source.registers import kernels_context
from derive.calculus.expressions.tensor import Tensor


@dataclass(frozen=True)
class TunedText:
    """<name>.h, whose workspace holds either implementation, <name>_tuned.c, and what the arena is."""

    header: str
    source: str
    bytes: int
    again: tuple[str, ...]


def render_tuned(plan: Plan, watch: Watch = silent) -> TunedText:
    """The text of a network's tuned C; what is computed again is what both halves define."""
    require_tuned_names(plan)
    c = c_network(plan)
    t = tuned(c, watch)
    source = templates().get_template("tuned/network.c.jinja").render(context(t))
    used = {item: found.reals * item + CHOICE for item, found in t.arenas.items()}
    header = render_header(c, _more(t), used)
    pulled = {equation.name for equation in t.c.plan.vjp.equations()}
    again = dict.fromkeys(e.name for e in t.c.plan.loss.equations() if e.name in pulled)
    return TunedText(header, source, arena_bytes(t), tuple(again))


def _more(t: Tuned) -> int:
    """The reals by which arena and kernel set exceed the named members of the workspace; at least one."""
    plan = t.c.plan
    named = sum(elements(plan, member.tensor, member.one_example) for member in t.c.members.values())
    named += sum(elements(plan, tensor) for tensor in plan.trained)
    return max(1, *(found.reals + BESIDE // item - named for item, found in t.arenas.items()))


def elements(plan: Plan, tensor: Tensor, one_example: bool = False) -> int:
    """How many numbers a tensor, or one example of it, holds."""
    return prod(plan.size(extent) for extent in tensor.shape[1 if one_example else 0 :])


def context(t: Tuned) -> dict[str, Any]:
    """What the template is filled with."""
    plan, c, name = t.c.plan, t.c, t.c.name
    phases = list(t.phases.values())
    finite = finiteness(t)
    updates = [
        update_context(update, text, t.scene, heads=update_heads(plan, text), inlined=t.together)
        for update, text in zip(plan.updates, c.updates, strict=True)
    ]
    rows, classes = predict_sizes(c)
    steps = (*t.lists["loss"], *t.lists["vjp"])
    groups = {key_of(group): group for step in steps for group in groups_of(step)}
    cold = set(t.phases) - set(groups)
    return {
        "p": name,
        "portioned": any(one.portioned for one in phases),
        "P": name.upper(),
        "network": True,
        "banner": banner(c),
        "macros": macros(_library(t)),
        "sizes": [{"constant": c.sizes.constant(s), "value": v} for s, v in c.sizes.values.items()],
        "constants": _constants(c),
        "arenas": arena_maps(t),
        "beside": BESIDE,
        "updates": updates,
        "most": c.sizes.source_text(plan.batch_size),
        "laws": {parameter.law.value for parameter in plan.network.parameters},
        "inits": inits(c),
        "data_checks": checks(plan.data, c),
        "label_checks": checks(plan.labels, c),
        "heads": {key: head(plan, key) for key in ("forward", "loss", "vjp", "jvp", "predict")},
        "predict": {"regression": plan.network.task != "classification", "rows": rows, "classes": classes},
        "output": plan.network.output,
        "loss": plan.network.loss,
        **kernels_context(phases, plan, name),
        **functions_context(t.scene.called, name),
        "phases": [phase_context(one, t, key in cold) for key, one in t.phases.items() if not one.view],
        "lists": {
            **{key: calls(t.lists[key], t) for key in ("forward", "jvp")},
            "loss": after_forward(t),
            "pulled": calls(t.lists["vjp"], t, False),
            "given": gifts(t),
        },
        "together": t.together,
        "given_once": not t.together and not any(direct(one, t) for one in plan.trained),
        "inlined": t.together and are_small(groups.values(), t.scene),
        "passed": _passed(t),
        "own": _own(t),
        "inner_data": bool(t.moved),
        "aimed": bool(plan.trained),
        "flat_gradients": any(direct(one, t) is None for one in plan.trained),
        "measured": finite.measured,
        "measured_pointers": pointers(finite.measured.values(), t),
        "bounded": finite.lines,
        "bounded_pointers": pointers(finite.lines, t),
        **source_checkpoint(c),
    }


def _passed(t: Tuned) -> dict[str, str]:
    """How the interface begins a call of a pass: a set has its own where all is inlined in it, else lists."""
    chosen = f"{t.c.name}_chosen(w)"
    return {
        key: f"{chosen}->{key}(" if t.together else f"ONE({key})({chosen}, "
        for key in ("forward", "loss", "vjp")
    }


def _own(t: Tuned) -> list[str]:
    """The functions of the file's own that single numbers call, as prefix_sign."""
    words = identifiers(line for one in t.phases.values() for line in (*one.lines, *one.finish))
    return sorted(name for name in t.scene.used.own if f"{t.c.name}_{name}" in words)


def _library(t: Tuned) -> Used:
    """The functions of libm that single numbers need, those of a step's own numbers included."""
    once = "\n".join(line for text in t.c.updates for line in text.once)
    return Used(
        {*t.scene.used.macros, *(name for name in t.c.used.macros if f"{name.upper()}(" in once)}, set()
    )


def _constants(c: CNetwork) -> list[str]:
    found = ", ".join(f"{short} = {long}" for short, long in c.sizes.short_names.items())
    return [f"enum {{ {found} }};"]

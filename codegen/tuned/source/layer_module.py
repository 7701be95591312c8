"""A layer's plan to the text of <name>_tuned.c, and of the header that both implementations share."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from codegen.c.layer import argument_names, head, layer_banner, layer_sizes, render_c_layer
from codegen.c.module import templates
from codegen.c.sizes import CSizes
from codegen.c.source import identifiers, macros
from codegen.plan.plan import LayerPlan
from codegen.tuned.arena.arena import constant
from codegen.tuned.functions import ITEMS, functions_context
from codegen.tuned.layer import LayerSizes, TunedFunction, tuned_functions
from codegen.tuned.own_names import require_tuned_layer_names
from codegen.tuned.source.arena_map import BESIDE
from codegen.tuned.source.lists import calls, phase_context
from codegen.tuned.source.overwritten import overwritten
from codegen.tuned.source.registers import kernels_context
from derive.calculus.expressions.tensor import Kind, Tensor
from derive.calculus.program.program import Program


def render_tuned_layer(plan: LayerPlan, sizes: Mapping[str, int]) -> dict[str, str]:
    """<name>.h, whose workspace holds either implementation, and <name>_tuned.c."""
    require_tuned_layer_names(plan)
    spelled = layer_sizes(plan, sizes)
    functions = tuned_functions(plan, spelled)
    context = _context(plan, spelled, functions)
    source = templates().get_template("tuned/layer.c.jinja").render(context)
    header = f"{plan.name}.h"
    more = _more(plan, functions, LayerSizes(spelled.values))
    hosts = {one.key: overwritten(one) for one in functions}
    return {header: render_c_layer(plan, sizes, more, hosts)[header], f"{plan.name}_tuned.c": source}


def _more(plan: LayerPlan, functions: list[TunedFunction], sizes: LayerSizes) -> int:
    """The reals by which the largest arena and the kernel set exceed the named members of the workspace."""
    own = {
        tensor.name: prod(sizes.size(extent) for extent in tensor.shape)
        for program in plan.programs.values()
        for tensor in program.locals
        if tensor.axes and tensor.name not in program.outputs
    }
    needed = max(one.arenas[item].reals + BESIDE // item for one in functions for item in ITEMS)
    return max(1, needed - sum(own.values()))


def _context(plan: LayerPlan, sizes: CSizes, functions: list[TunedFunction]) -> dict[str, Any]:
    """What the template is filled with."""
    phases = [phase for one in functions for phase in one.phases.values()]
    scene = functions[0].scene
    words = identifiers(line for one in phases for line in (*one.lines, *one.finish))
    pairs = [f"{short} = {long}" for short, long in sizes.short_names.items()]
    return {
        "p": plan.name,
        "P": plan.name.upper(),
        "network": False,
        "inner_data": False,
        "updates": (),
        "banner": layer_banner(plan.forward),
        "macros": macros(scene.used),
        "own": sorted(name for name in scene.used.own if f"{plan.name}_{name}" in words),
        "sizes": [{"constant": sizes.constant(letter), "value": n} for letter, n in sizes.values.items()],
        "constants": [f"enum {{ {', '.join(pairs)} }};"] if pairs else [],
        "arguments": _arguments(plan),
        "parts": [_function(one, sizes) for one in functions],
        **kernels_context(phases, LayerSizes(sizes.values), plan.name),
        **functions_context(scene.called, plan.name),
    }


def _arguments(plan: LayerPlan) -> list[str]:
    """What the functions are given, and what they give: by a pointer, but for a number that is given."""
    found: dict[str, str] = {}
    for program in plan.programs.values():
        for tensor in program.inputs:
            star = "*" if tensor.axes else ""
            const = "const " if tensor.axes else ""
            found[f"of_{tensor.name}"] = f"{const}{_element(tensor)} {star}of_{tensor.name};"
        for name in program.outputs:
            found[f"to_{name}"] = f"real *to_{name};"
    return list(found.values())


def _element(tensor: Tensor) -> str:
    return "real" if tensor.kind in (Kind.REAL, Kind.STATE) else "int32_t"


def _function(one: TunedFunction, sizes: CSizes) -> dict[str, Any]:
    """What the template needs of forward, vjp or jvp."""
    return {
        "key": one.key,
        "head": head(one.program, one.key, sizes),
        "given": _given(one.program, argument_names(one.program, sizes)),
        "arena": _arena(one),
        "phases": [phase_context(phase, one, False) for phase in one.phases.values()],
        "calls": calls(one.steps, one),
    }


def _given(program: Program, names: Mapping[str, str]) -> list[str]:
    """The lines that put a call's arguments side by side."""
    tensors = {tensor.name: tensor for tensor in (*program.inputs, *program.locals)}
    lines = []
    for tensor in program.inputs:
        axes = len(tensor.axes)
        first = f"{'&' if axes else ''}{names[tensor.name]}{'[0]' * axes}"
        lines.append(f"at.of_{tensor.name} = {first};")
    for name in program.outputs:
        axes = len(tensors[name].axes)
        lines.append(f"at.to_{name} = {'&' if axes else ''}{names[name]}{'[0]' * axes};")
    return lines


def _arena(one: TunedFunction) -> list[dict[str, Any]]:
    """The lines of an enum for either size of real; none where nothing lies in the arena."""
    if not one.arenas[min(ITEMS)].offsets:
        return []
    double = f"{one.prefix.upper()}_DOUBLE"
    return [
        {
            "directive": f"#ifndef {double}" if item == min(ITEMS) else "#else",
            "lines": [f"{constant(name, one.key)} = {at}," for name, at in one.arenas[item].offsets.items()],
        }
        for item in ITEMS
    ]

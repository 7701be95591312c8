"""One layer alone in C: forward and derivatives on plain row-major arrays, each complete in itself.

void linear_vjp(const real *X, const real *W, const real *b, const real *Y_bar,
                real *X_bar, real *W_bar, real *b_bar, linear_workspace *w)

An output that may lie where an input lies is not `restrict`, and the header says where (`overwriting`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codegen.c.body import function_body
from codegen.c.frame import Frame
from codegen.c.header import Declared, declared, element_type
from codegen.c.module import templates
from codegen.c.nest import comment, render
from codegen.c.places import Place
from codegen.c.prototypes import folded
from codegen.c.sizes import CSizes, derived_sizes
from codegen.c.source import identifiers, macros
from codegen.extents import size_names
from codegen.names import local_name
from codegen.overwriting import Hosts, overwriting
from codegen.plan.plan import LayerPlan
from codegen.plan.sweeps import arranged
from codegen.printers.to_c import Used
from codegen.printers.to_text import equation_text
from derive.calculus.expressions.tensor import Tensor
from derive.calculus.program.program import Program
from derive.errors import DeriveError


@dataclass(frozen=True)
class LayerFunction:
    """forward, vjp, jvp or another derivative of a layer, as text."""

    prototype: str
    overlap: str
    head: str
    unused: tuple[str, ...]
    lines: tuple[str, ...]


def render_c_layer(
    plan: LayerPlan, sizes: Mapping[str, int], more: int = 0, hosts: Mapping[str, Hosts] | None = None
) -> dict[str, str]:
    """The header and the source of one layer at given sizes: file name -> text.

    `more` reals of the workspace are for a second implementation; `hosts`: where outputs may lie
    for it too, by function.
    """
    name, program = plan.name, plan.forward
    missing = sorted(size_names(program) - set(sizes))
    if missing:
        raise DeriveError(
            f"layer {name!r} needs the sizes {', '.join(missing)}; give them, as {missing[0]}=8"
        )
    parts, spelled = plan.programs, layer_sizes(plan, sizes)
    used = Used()
    offered = hosts or {key: overwriting(part) for key, part in parts.items()}
    functions = [_function(part, key, spelled, used, offered[key]) for key, part in parts.items()]
    context = _context(program, spelled, used, functions, _workspace(parts.values(), spelled))
    return {
        f"{name}.h": templates().get_template("layer.h.jinja").render(context, more=more),
        f"{name}.c": templates().get_template("layer.c.jinja").render(context),
    }


def layer_sizes(plan: LayerPlan, sizes: Mapping[str, int]) -> CSizes:
    """How the sizes of a layer are spelled."""
    parts = plan.programs
    taken = frozenset(tensor for part in parts.values() for tensor in part.tensors)
    values = {letter: sizes[letter] for letter in sorted(size_names(plan.forward))}
    derived = derived_sizes(tensor for part in parts.values() for tensor in part.tensors.values())
    return CSizes(plan.name, values, taken, derived=derived)


def layer_banner(program: Program) -> str:
    """The comment at the top of a file."""
    return "\n".join(comment((f"{program.name}, alone:", *map(equation_text, program.equations())), ""))


def argument_names(program: Program, sizes: CSizes) -> dict[str, str]:
    """What a function calls its inputs and outputs."""
    base = {"w", *sizes.short_names}
    outputs = [tensor for tensor in program.locals if tensor.name in program.outputs]
    return {tensor.name: local_name(tensor.name, base) for tensor in (*program.inputs, *outputs)}


def head(program: Program, key: str, sizes: CSizes) -> str:
    """How the definition of a function begins."""
    own = {tensor.name: tensor for tensor in program.locals}
    outputs = [own[name] for name in program.outputs]
    return _written(program, key, sizes, argument_names(program, sizes), outputs, (), {}).head


def _context(
    program: Program, sizes: CSizes, used: Used, functions: list[LayerFunction], workspace: list[Declared]
) -> dict[str, Any]:
    words = identifiers(line for function in functions for line in function.lines)
    pairs = [f"{short} = {long}" for short, long in sizes.short_names.items() if short in words]
    return {
        "p": program.name,
        "P": program.name.upper(),
        "banner": layer_banner(program),
        "sizes": [
            {"constant": sizes.constant(letter), "value": value} for letter, value in sizes.values.items()
        ],
        "constants": ["", f"enum {{ {', '.join(pairs)} }};"] if pairs else [],
        "derived": sizes.definitions(),
        "workspace": workspace,
        "functions": functions,
        "macros": macros(used),
        "own": used.own,
    }


def _function(program: Program, key: str, sizes: CSizes, used: Used, hosts: Hosts) -> LayerFunction:
    own = {tensor.name: tensor for tensor in program.locals}
    outputs = [own[name] for name in program.outputs]
    base = {"w", *sizes.short_names}
    names = argument_names(program, sizes)
    places = {
        t.name: _argument(t, names[t.name], t.name in program.outputs) for t in (*program.inputs, *outputs)
    }
    for tensor in program.locals:
        if tensor.name not in places:
            inside = (
                f"w->{tensor.name}" if tensor.axes else local_name(tensor.name, base | set(names.values()))
            )
            places[tensor.name] = Place(inside)
    frame = Frame(
        program,
        arranged(program, None),
        places,
        sizes.in_source,
        sizes.prefix,
        used,
        base | set(names.values()),
    )
    lines = tuple(render(function_body(frame)))
    return _written(program, key, sizes, names, outputs, lines, hosts)


def _argument(tensor: Tensor, name: str, output: bool) -> Place:
    return Place(name if tensor.axes or not output else f"*{name}")


def _written(
    program: Program,
    key: str,
    sizes: CSizes,
    names: Mapping[str, str],
    outputs: list[Tensor],
    lines: tuple[str, ...],
    hosts: Hosts,
) -> LayerFunction:
    words = identifiers(lines)
    unused = tuple(name for name in (*names.values(), "w") if name not in words)
    return LayerFunction(
        folded(f"void {sizes.prefix}_{key}(", _arguments(program, sizes, names, outputs)) + ";",
        _overlap(hosts, names),
        folded(f"void {sizes.prefix}_{key}(", _arguments(program, sizes, names, outputs, "restrict ")),
        unused,
        lines,
    )


def _arguments(
    program: Program, sizes: CSizes, names: Mapping[str, str], outputs: list[Tensor], restrict: str = ""
) -> list[str]:
    """Inputs in order, then outputs, then the workspace; arrays with their shapes."""
    arguments, apart = [], set(program.outputs) - set(overwriting(program))
    for tensor in program.inputs:
        element = element_type(tensor, sizes)
        shape = sizes.brackets(tensor.shape)
        arguments.append(f"{'const ' if shape else ''}{element} {names[tensor.name]}{shape}")
    for tensor in outputs:
        own = restrict if tensor.name in apart else ""
        shape = sizes.brackets(tensor.shape).replace("[", f"[{own}", 1)
        star = "" if shape else f"*{own}"
        arguments.append(f"{element_type(tensor, sizes)} {star}{names[tensor.name]}{shape}")
    return [*arguments, f"{sizes.prefix}_workspace *{restrict}w"]


def _overlap(hosts: Hosts, names: Mapping[str, str]) -> str:
    """The comment that says where outputs may lie; none where all must lie apart."""
    parts = [
        f"{names[output]} may lie where {' or '.join(names[one] for one in inputs)} lies"
        for output, inputs in hosts.items()
    ]
    return "\n".join(comment(("; ".join(parts) + ".",), "")) if parts else ""


def _workspace(programs: Any, sizes: CSizes) -> list[Declared]:
    """The arrays that the functions keep for themselves; room for one number where there are none."""
    members: dict[str, Declared] = {}
    for program in programs:
        for tensor in program.locals:
            if tensor.axes and tensor.name not in program.outputs:
                members.setdefault(tensor.name, declared(tensor, sizes))
    return list(members.values()) or [Declared(f"{sizes.prefix}_real", "unused", "")]

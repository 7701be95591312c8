"""A plan to what the templates of C are filled with: declarations, functions, constants. No layout here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Expr

from codegen.c_functions import Function, Member, arrangements, body_lines, functions, workspace
from codegen.c_prototypes import gradients_head, head, prototypes, update_heads
from codegen.c_sizes import CSizes, derived_sizes
from codegen.c_update import UpdateText, update_text
from codegen.names import require_distinct, require_name
from codegen.nest import comment
from codegen.plan import Plan, Supplied
from codegen.printers.to_c import UNARY, Used
from derive.calculus.network import Law
from derive.calculus.tensor import Kind, Tensor


@dataclass(frozen=True)
class Declared:
    """A member of a struct: its type, its name with sizes, a comment with its shape."""

    type: str
    declarator: str
    comment: str


@dataclass(frozen=True)
class Written:
    """A function of a program: its first line, its check, its body, the arguments that it does not need."""

    head: str
    check: str
    lines: tuple[str, ...]
    unused: tuple[str, ...]


@dataclass(frozen=True)
class CNetwork:
    """A network in C before layout."""

    plan: Plan
    sizes: CSizes
    functions: Mapping[str, Function]
    members: Mapping[str, Member]
    bodies: Mapping[str, tuple[str, ...]]
    updates: tuple[UpdateText, ...]
    used: Used

    @property
    def name(self) -> str:
        return self.plan.network.name


def c_network(plan: Plan) -> CNetwork:
    """Everything that C needs of a plan, its names checked."""
    require_names(plan)
    network = plan.network
    sizes = CSizes(
        network.name,
        {network.batch: network.most, **network.sizes},
        frozenset(name for program in (plan.loss, plan.vjp, plan.jvp) for name in program.tensors),
        network.batch,
        derived_sizes(tensor for program in (plan.loss, plan.vjp, plan.jvp) for tensor in program.tensors.values()),
    )
    found = functions(plan, sizes)
    sweeps = arrangements(found, plan)
    members = workspace(found, sweeps, plan)
    if network.task == "classification":
        members = {**members, network.output: Member(plan.output, False)}
    used = Used()
    bodies = {
        name: tuple(body_lines(function, sweeps[name], members, plan, sizes, used)) for name, function in found.items()
    }
    updates = tuple(update_text(update, network.name, used) for update in plan.updates)
    return CNetwork(plan, sizes, found, members, bodies, updates, used)


def require_names(plan: Plan) -> None:
    """NameRefused where a name that a person chose cannot stand in C, C++ and Python."""
    network = plan.network
    where = f"network {network.name!r}"
    require_name(network.name, "the network")
    sizes = [(name, "size") for name in (network.batch, *network.sizes)]
    tensors = [(t.name, "parameter") for t in (owned.tensor for owned in plan.parameters)]
    tensors += [(supplied.tensor.name, "tensor") for supplied in plan.batch]
    tensors += [(network.output, "output"), (network.loss, "loss")]
    for name, what in (*sizes, *tensors):
        require_name(name, f"{what} of {where}")
    require_distinct([*sizes, *((status.lower(), "the status") for status in STATUS_WORDS)], where)


STATUS_WORDS = ("ok", "batch", "label", "nonfinite", "format", "double", "header")


def header_context(c: CNetwork) -> dict[str, Any]:
    """What `network.h.jinja` is filled with."""
    plan, sizes = c.plan, c.sizes
    return {
        "p": c.name,
        "P": c.name.upper(),
        "M": plan.network.batch.upper(),
        "banner_h": banner(c),
        "sizes": [_constant(c, letter, value) for letter, value in sizes.values.items()],
        "derived": sizes.definitions(),
        "parameters": [declared(owned.tensor, sizes) for owned in plan.parameters],
        "gradients": [declared(tensor, sizes) for tensor in plan.trained],
        "workspace": [_member(member, c) for member in c.members.values()],
        "batch": [_pointer(supplied, c) for supplied in plan.batch],
        "prototypes": prototypes(plan, c.updates),
    }


def banner(c: CNetwork) -> str:
    """The comment at the top of a file: what it is and what made it."""
    title = f"{c.name}: {c.plan.network.title}"
    build = f"Emitted by `python -m derive build {c.name}`; change the definition, not this file."
    return "\n".join(comment((title, build), ""))


def _constant(c: CNetwork, letter: str, value: int) -> Mapping[str, Any]:
    note = " /* the most examples of one call */" if letter == c.plan.network.batch else ""
    return {"constant": c.sizes.constant(letter), "value": value, "comment": note}


def declared(tensor: Tensor, sizes: CSizes, drop: int = 0) -> Declared:
    """A struct's array of a tensor; `drop` leaves out the first axis."""
    shape = ", ".join(axis.name for axis in tensor.axes[drop:])
    note = f" /* ({shape}) */" if tensor.axes[drop:] else ""
    return Declared(element_type(tensor, sizes), tensor.name + sizes.brackets(tensor.shape[drop:]), note)


def element_type(tensor: Tensor, sizes: CSizes) -> str:
    """The type of one element in a header."""
    return f"{sizes.prefix}_real" if tensor.kind in (Kind.REAL, Kind.STATE) else "int32_t"


def _member(member: Member, c: CNetwork) -> Declared:
    found = declared(member.tensor, c.sizes, 1 if member.one_example else 0)
    kept = member.tensor.name in {tensor.name for tensor in c.plan.residuals}
    shape = ", ".join(axis.name for axis in member.tensor.axes[1 if member.one_example else 0 :])
    what = "kept" if kept else "of one example" if member.one_example else ""
    note = f" /* {' '.join(part for part in (f'({shape})', what) if part)} */"
    return Declared(found.type, found.declarator, note)


def _pointer(supplied: Supplied, c: CNetwork) -> Declared:
    tensor = supplied.tensor
    element = f"const {element_type(tensor, c.sizes)}"
    inner = c.sizes.brackets(tensor.shape[1:])
    name = f"(*{tensor.name}){inner}" if inner else f"*{tensor.name}"
    shape = f"({', '.join(axis.name for axis in tensor.axes)})"
    bound = f", each in 0..{c.sizes.header_text(supplied.classes)} - 1" if supplied.classes is not None else ""
    return Declared(element, f"{element} {name}", f" /* {shape}{bound} */")


def source_context(c: CNetwork) -> dict[str, Any]:
    """What `network.c.jinja` is filled with."""
    plan, name = c.plan, c.name
    return {
        "p": name,
        "P": name.upper(),
        "banner_c": banner(c),
        "macros": macros(c.used),
        "own": c.used.own,
        "constants": constants(c.sizes, c),
        "most": c.sizes.source_text(plan.batch_size),
        "laws": {parameter.law.value for parameter in plan.network.parameters},
        "inits": _inits(c),
        "data_checks": _checks(plan.data, c),
        "label_checks": _checks(plan.labels, c),
        "functions": [_written(c, key) for key in ("forward", "loss", "vjp", "jvp")],
        "predict": _predict(c),
        "output": plan.network.output,
        "loss": plan.network.loss,
        "gradients_head": gradients_head(plan),
        "updates": [_update(c, text) for text in c.updates],
        **_checkpoint(c),
    }


def macros(used: Used) -> list[Mapping[str, str]]:
    """The functions of libm that `real` chooses."""
    return [{"name": name.upper(), "double": name, "float": f"{name}f"} for name in sorted(used.macros)]


def constants(sizes: CSizes, c: CNetwork) -> list[str]:
    """The paper's letters as constants of the file, those that it uses."""
    text = "\n".join(line for lines in c.bodies.values() for line in lines)
    text += "\n".join((*_inits(c), *_checks(c.plan.batch, c), *_checkpoint(c)["entries"]))
    text += " ".join(_predict_sizes(c)) + " " + c.sizes.source_text(c.plan.batch_size)
    words = identifiers([text])
    pairs = [f"{short} = {long}" for short, long in sizes.short_names.items() if short in words]
    return ["", f"enum {{ {', '.join(pairs)} }};"] if pairs else []


def identifiers(lines: Iterable[str]) -> set[str]:
    """The identifiers of some lines of C, comments left out."""
    code = re.sub(r"/\*.*?\*/", " ", "\n".join(lines), flags=re.DOTALL)
    return set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", code))


def _inits(c: CNetwork) -> list[str]:
    lines = []
    for number, parameter in enumerate(c.plan.network.parameters):
        tensor = c.plan.network.tensor(parameter.name)
        target = f"&p->{tensor.name}" + "[0]" * len(tensor.axes)
        count = f"sizeof p->{tensor.name} / sizeof(real)"
        if parameter.law in (Law.ZEROS, Law.ONES):
            lines.append(f"{c.name}_fill({target}, {count}, {1 if parameter.law is Law.ONES else 0});")
            continue
        key = f"{c.name}_mix(key + {number})"
        lines.append(f"{c.name}_{parameter.law.value}({target}, {count}, {key}, {_scale(parameter.variance, c)});")
    return lines


def _scale(variance: Expr, c: CNetwork) -> str:
    """sqrt(a / b) of integers, in double."""
    above, below = variance.as_numer_denom()
    if above == below:
        return "1"
    top = f"{above}.0" if above.is_Integer else f"(double){c.sizes.source_text(above, UNARY)}"
    return f"sqrt({top} / {c.sizes.source_text(below, UNARY)})"


def _checks(supplied: Iterable[Supplied], c: CNetwork) -> list[str]:
    """Loops that refuse integers out of range."""
    lines: list[str] = []
    for one in supplied:
        if one.classes is None:
            continue
        name = f"b->{one.tensor.name}"
        inner = one.tensor.shape[1:]
        element = f"(&{name}[i]" + "[0]" * len(inner) + ")[e]" if inner else f"{name}[i]"
        lines.append("    for (int i = 0; i < b->m; i++)")
        lines += [f"        for (int e = 0; e < {c.sizes.product(inner)}; e++)"] if inner else []
        margin = "    " * (3 if inner else 2)
        test = f"{element} < 0 || {element} >= {c.sizes.source_text(one.classes)}"
        lines += [f"{margin}if ({test})", f"{margin}    return {c.name.upper()}_LABEL;"]
    missing = [f"!b->{one.tensor.name}" for one in supplied if one.role != "input"]
    if missing:
        lines = [f"    if ({' || '.join(missing)})", f"        return {c.name.upper()}_LABEL;", *lines]
    return lines


def _written(c: CNetwork, key: str) -> Written:
    check = "check_batch" if key == "forward" else "check"
    words = identifiers(c.bodies[key])
    offered = ["p", "w"] + ([f"{c.plan.network.loss}_bar"] if key == "vjp" else ["p_dot"] if key == "jvp" else [])
    unused = tuple(argument for argument in offered if argument not in words)
    return Written(head(c.plan, key, restrict=True), check, c.bodies[key], unused)


def _predict(c: CNetwork) -> Mapping[str, Any]:
    output = c.plan.output
    first = output.name + "[0]" * len(output.axes)
    rows, classes = _predict_sizes(c)
    return {
        "head": head(c.plan, "predict"),
        "regression": c.plan.network.task != "classification",
        "first": first,
        "rows": rows,
        "classes": classes,
    }


def _predict_sizes(c: CNetwork) -> tuple[str, str]:
    shape = c.plan.output.shape
    rows = ["b->m", c.sizes.product(shape[1:-1])] if shape[1:-1] else ["b->m"]
    return " * ".join(rows), c.sizes.source_text(shape[-1], 8)


def _update(c: CNetwork, text: UpdateText) -> Mapping[str, Any]:
    own, step = update_heads(c.plan, text)
    return {
        "head": own,
        "step_head": step,
        "comment": "; ".join(text.comment),
        "index": text.index,
        "lines": text.lines,
        "calls": _update_calls(c, text),
    }


def _update_calls(c: CNetwork, text: UpdateText) -> list[str]:
    """One call for all parameters where all are trained, else one for each."""
    scalars = "".join(f", {scalar}" for scalar in text.scalars)
    if all(owned.trained for owned in c.plan.parameters):
        state = f"(real *){text.state}, " if text.state else ""
        count = "sizeof *p / sizeof(real)"
        return [f"{c.name}_{text.name}((real *)p, (const real *)&w->p_bar, {state}{count}{scalars});"]
    calls = []
    for tensor in c.plan.trained:
        zero = "[0]" * len(tensor.axes)
        state = f"&{text.state}->{tensor.name}{zero}, " if text.state else ""
        count = f"sizeof p->{tensor.name} / sizeof(real)"
        target, gradient = f"&p->{tensor.name}{zero}", f"&w->p_bar.{tensor.name}{zero}"
        calls.append(f"{c.name}_{text.name}({target}, {gradient}, {state}{count}{scalars});")
    return calls


def _checkpoint(c: CNetwork) -> dict[str, Any]:
    """The rows of the table that the header of a checkpoint is spelled from."""
    entries = []
    struct = f"{c.name}_params"
    for owned in c.plan.parameters:
        name, shape = owned.tensor.name, owned.tensor.shape
        extents = ", ".join(c.sizes.source_text(extent) for extent in shape) or "0"
        start = f"offsetof({struct}, {name})"
        entries.append(f'{{"{name}", {{{extents}}}, {len(shape)}, {start}, {start} + sizeof(({struct} *)0)->{name}}},')
    return {"entries": entries, "rank": max(1, *(len(owned.tensor.axes) for owned in c.plan.parameters))}

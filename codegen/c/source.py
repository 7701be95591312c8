"""The definitions of a network in C: what its source template is filled with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Expr

from codegen.c.header import banner
from codegen.c.network import CNetwork
from codegen.c.prototypes import folded, gradients_head, head, listed, update_heads
from codegen.c.sizes import CSizes
from codegen.c.update import UpdateText
from codegen.plan.derivatives import ON_REQUEST
from codegen.plan.plan import Supplied
from codegen.printers.to_c import UNARY, Used
from derive.calculus.program.network import Law


@dataclass(frozen=True)
class Written:
    """A function of a program: its first line, its check, its body, the arguments that it does not need."""

    head: str
    check: str
    lines: tuple[str, ...]
    unused: tuple[str, ...]


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
        "inits": inits(c),
        "data_checks": checks(plan.data, c),
        "label_checks": checks(plan.labels, c),
        "functions": [_written(c, key) for key in ("forward", "loss", "vjp", "jvp", *plan.more)],
        "predict": _predict(c),
        "output": plan.network.output,
        "loss": plan.network.loss,
        "gradients_head": gradients_head(plan),
        "updates": [_update(c, text) for text in c.updates],
        **source_checkpoint(c),
    }


WIDENED = frozenset({"tanh"})
"""Functions whose float version errs by more than the double one takes longer: tanhf by 2.2 ulp."""


def macros(used: Used) -> list[Mapping[str, str]]:
    """The functions of libm that `real` chooses."""
    return [_macro(name) for name in sorted(used.macros)]


def _macro(name: str) -> Mapping[str, str]:
    """`#define EXP expf`, `#define TANH(x) (float)tanh((double)(x))`."""
    if name in WIDENED:
        narrow = f"((float){name}((double)(x)))"
        return {"name": f"{name.upper()}(x)", "double": f"{name}(x)", "float": narrow}
    return {"name": name.upper(), "double": name, "float": f"{name}f"}


def constants(sizes: CSizes, c: CNetwork) -> list[str]:
    """The paper's letters as constants of the file, those that it uses."""
    text = "\n".join(line for lines in c.bodies.values() for line in lines)
    text += "\n".join((*inits(c), *checks(c.plan.batch, c), *source_checkpoint(c)["entries"]))
    text += " ".join(predict_sizes(c)) + " " + c.sizes.source_text(c.plan.batch_size)
    words = identifiers([text])
    pairs = [f"{short} = {long}" for short, long in sizes.short_names.items() if short in words]
    return ["", f"enum {{ {', '.join(pairs)} }};"] if pairs else []


def identifiers(lines: Iterable[str]) -> set[str]:
    """The identifiers of some lines of C, comments left out."""
    code = re.sub(r"/\*.*?\*/", " ", "\n".join(lines), flags=re.DOTALL)
    return set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", code))


def inits(c: CNetwork) -> list[str]:
    """The lines that draw every parameter."""
    lines = []
    for number, parameter in enumerate(c.plan.network.parameters):
        tensor = c.plan.network.tensor(parameter.name)
        target = f"&p->{tensor.name}" + "[0]" * len(tensor.axes)
        count = f"sizeof p->{tensor.name} / sizeof(real)"
        if parameter.law in (Law.ZEROS, Law.ONES):
            lines.append(f"{c.name}_fill({target}, {count}, {1 if parameter.law is Law.ONES else 0});")
            continue
        key = f"{c.name}_mix(key + {number})"
        lines.append(
            f"{c.name}_{parameter.law.value}({target}, {count}, {key}, {_scale(parameter.variance, c)});"
        )
    return lines


def _scale(variance: Expr, c: CNetwork) -> str:
    """sqrt(a / b) of integers, in double."""
    above, below = variance.as_numer_denom()
    if above == below:
        return "1"
    top = f"{above}.0" if above.is_Integer else f"(double){c.sizes.source_text(above, UNARY)}"
    return f"sqrt({top} / {c.sizes.source_text(below, UNARY)})"


def checks(supplied: Iterable[Supplied], c: CNetwork) -> list[str]:
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
    directed = key == "jvp" or (key in ON_REQUEST and ON_REQUEST[key].directed)
    offered = ["p", "w"] + ([f"{c.plan.network.loss}_bar"] if key == "vjp" else ["p_dot"] if directed else [])
    unused = tuple(argument for argument in offered if argument not in words)
    return Written(head(c.plan, key, restrict=True), check, c.bodies[key], unused)


def _predict(c: CNetwork) -> Mapping[str, Any]:
    output = c.plan.output
    first = output.name + "[0]" * len(output.axes)
    rows, classes = predict_sizes(c)
    return {
        "head": head(c.plan, "predict"),
        "regression": c.plan.network.task != "classification",
        "first": first,
        "rows": rows,
        "classes": classes,
    }


def predict_sizes(c: CNetwork) -> tuple[str, str]:
    """How many rows a prediction has, and of how many classes."""
    shape = c.plan.output.shape
    rows = ["b->m", c.sizes.product(shape[1:-1])] if shape[1:-1] else ["b->m"]
    return " * ".join(rows), c.sizes.source_text(shape[-1], 8)


def _update(c: CNetwork, text: UpdateText) -> Mapping[str, Any]:
    own, step = update_heads(c.plan, text)
    return {
        "head": own,
        "step_head": step,
        "comment": listed(text.comment),
        "index": text.index,
        "once": text.once,
        "lines": text.lines,
        "calls": _update_calls(c, text),
    }


def _update_calls(c: CNetwork, text: UpdateText) -> list[str]:
    """One call for all parameters where all are trained, else one for each."""
    if all(owned.trained for owned in c.plan.parameters):
        states = [f"(real *){name}" for name in text.states]
        whole = ["(real *)p", "(const real *)&w->p_bar", *states, "sizeof *p / sizeof(real)"]
        return [_update_call(c, text, whole)]
    calls = []
    for tensor in c.plan.trained:
        zero = "[0]" * len(tensor.axes)
        states = [f"&{name}->{tensor.name}{zero}" for name in text.states]
        target, gradient = f"&p->{tensor.name}{zero}", f"&w->p_bar.{tensor.name}{zero}"
        count = f"sizeof p->{tensor.name} / sizeof(real)"
        calls.append(_update_call(c, text, [target, gradient, *states, count]))
    return calls


def _update_call(c: CNetwork, text: UpdateText, arguments: list[str]) -> str:
    return folded(f"    {c.name}_{text.name}(", [*arguments, *text.scalars]).lstrip() + ";"


def source_checkpoint(c: CNetwork) -> dict[str, Any]:
    """The rows of the table that the header of a checkpoint is spelled from."""
    entries = []
    struct = f"{c.name}_params"
    for owned in c.plan.parameters:
        name, shape = owned.tensor.name, owned.tensor.shape
        extents = ", ".join(c.sizes.source_text(extent) for extent in shape) or "0"
        start = f"offsetof({struct}, {name})"
        entries.append(
            f'{{"{name}", {{{extents}}}, {len(shape)}, {start}, {start} + sizeof(({struct} *)0)->{name}}},'
        )
    return {"entries": entries, "rank": max(1, *(len(owned.tensor.axes) for owned in c.plan.parameters))}

"""The declarations of a network in C: what its header template is filled with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codegen.c.nest import comment
from codegen.c.network import CNetwork
from codegen.c.prototypes import prototypes
from codegen.c.sizes import CSizes
from codegen.plan.plan import Supplied
from codegen.plan.workspace import Member
from derive.calculus.expressions.tensor import Kind, Tensor


@dataclass(frozen=True)
class Declared:
    """A member of a struct: its type, its name with sizes, a comment with its shape."""

    type: str
    declarator: str
    comment: str


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
        "overwriting": _listed(["forward", "predict", "jvp", *plan.more]),
    }


def _listed(names: list[str]) -> str:
    """a, b and c."""
    return f"{', '.join(names[:-1])} and {names[-1]}"


def banner(c: CNetwork) -> str:
    """The comment at the top of a file: what it is and what made it."""
    title = f"{c.name}: {c.plan.network.title}"
    build = f"Emitted by `{c.plan.network.command}`; change the definition, not this file."
    fast = ("Fast forms: slopes as they are written; they round to 0 where a function saturates.",)
    return "\n".join(comment((title, build, *(fast if c.plan.network.forms == "fast" else ())), ""))


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
    bound = (
        f", each in 0..{c.sizes.header_text(supplied.classes)} - 1" if supplied.classes is not None else ""
    )
    return Declared(element, f"{element} {name}", f" /* {shape}{bound} */")

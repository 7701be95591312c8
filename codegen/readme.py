"""The README.md and the __init__.py of an emitted network."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from codegen.c.module import templates
from codegen.plan.plan import Plan
from codegen.printers.to_text import statement_text


def render_readme(plan: Plan, targets: Sequence[str], arena: tuple[int, tuple[str, ...]] = (0, ())) -> str:
    """Formula, shapes, what is kept, how to call and to compile; bytes of the tuned C, what it repeats."""
    found = {"arena": arena[0], "repeated": ", ".join(f"`{name}`" for name in arena[1])}
    return templates().get_template("README.md.jinja").render(_context(plan, targets) | found)


def render_init(plan: Plan, targets: Sequence[str]) -> str:
    """The package: everything that the NumPy module has."""
    title = plan.network.title.replace("\\", "\\\\").replace('"', "'")
    return templates().get_template("init.py.jinja").render(p=plan.network.name, title=title, targets=targets)


def _context(plan: Plan, targets: Sequence[str]) -> dict[str, Any]:
    network = plan.network
    kept = plan.memory.kept
    return {
        "p": network.name,
        "P": network.name.upper(),
        "title": network.title,
        "command": network.command,
        "equations": [line for statement in network.program.statements for line in statement_text(statement)],
        "parameters": [
            {
                "name": owned.tensor.name,
                "axes": ", ".join(axis.name for axis in owned.tensor.axes),
                "count": prod(plan.size(size) for size in owned.tensor.shape),
                "note": "" if owned.trained else ", drawn once and never updated",
            }
            for owned in plan.parameters
        ],
        "sizes": ", ".join(f"{letter} = {size}" for letter, size in network.sizes.items()),
        "some": next(iter(network.sizes), network.batch).upper(),
        "most": network.most,
        "kept": kept,
        "one": sum(row.one for row in kept),
        "bytes": sum(row.most for row in kept),
        "again": ", ".join(f"`{name}` ({count} operations)" for name, count in plan.memory.again),
        "budget": network.budget,
        "workspace": plan.memory.choice.bytes if network.budget is not None else 0,
        "derivatives": ", ".join(("vjp", "jvp", *plan.more)),
        "batch": ", ".join(supplied.tensor.name for supplied in plan.batch),
        "data": ", ".join(supplied.tensor.name for supplied in plan.data),
        "answer": "labels" if network.task == "classification" else network.output,
        "forms": network.forms,
        "targets": targets,
    }

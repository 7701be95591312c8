"""<name>.json: what programs that load an emitted network must know of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from codegen.plan.plan import Plan, Supplied
from codegen.printers.to_text import equation_text
from derive.calculus.expressions.tensor import Tensor
from derive.calculus.program.network import Update


def render_description(plan: Plan, targets: Sequence[str]) -> str:
    """The description, one entry a line."""
    network = plan.network
    fields: dict[str, Any] = {
        "name": network.name,
        "title": network.title,
        "build": list(network.build or (network.name,)),
        "task": network.task,
        "reduction": network.reduction,
        "sizes": dict(network.sizes),
        "batch": {"axis": network.batch, "max": network.most},
        "parameters": [{**_tensor(o.tensor, plan, 0), "trained": o.trained} for o in plan.parameters],
        "data": [_supplied(supplied, plan) for supplied in plan.batch],
        "output": _tensor(plan.output, plan, 1),
        "residuals": [_tensor(tensor, plan, 1) for tensor in plan.residuals],
        "steps": {update.step: _step(update) for update in plan.updates},
        "derivatives": ["vjp", "jvp", *plan.more],
        "equations": [
            {"name": e.name, "layer": e.layer, "formula": equation_text(e)}
            for e in network.program.equations()
        ],
        "targets": list(targets),
    }
    lines = [f"  {json.dumps(key)}: {_value(value)}" for key, value in fields.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _value(value: Any) -> str:
    """Lists and tables of objects one below the other, anything else on one line."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n    " + ",\n    ".join(map(_line, value)) + "]"
    if isinstance(value, dict) and value and all(isinstance(inner, dict) for inner in value.values()):
        rows = [f"{json.dumps(key)}: {_line(inner)}" for key, inner in value.items()]
        return "{\n    " + ",\n    ".join(rows) + "}"
    return _line(value)


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _tensor(tensor: Tensor, plan: Plan, skip: int) -> dict[str, Any]:
    """Name, axes and shape; the shape leaves out the batch axis."""
    axes = [str(axis.size) for axis in tensor.axes]
    return {"name": tensor.name, "axes": axes, "shape": [plan.size(size) for size in tensor.shape[skip:]]}


def _supplied(supplied: Supplied, plan: Plan) -> dict[str, Any]:
    found = _tensor(supplied.tensor, plan, 1)
    found |= {"dtype": "int32" if supplied.integer else "real", "role": supplied.role}
    return found if supplied.classes is None else {**found, "classes": plan.size(supplied.classes)}


def _step(update: Update) -> Mapping[str, Any]:
    """One state by its name, several as a list; the scalar that counts the steps, where there is one."""
    names = list(update.states)
    state = names if len(names) > 1 else names[0] if names else None
    number = {"number": update.number} if update.number else {}
    return {"state": state, "scalars": list(update.scalars), **number}

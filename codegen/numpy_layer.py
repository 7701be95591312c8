"""A layer alone as a NumPy module: forward, vjp and jvp, each complete in itself."""

from __future__ import annotations

from codegen.numpy_fallbacks import FALLBACKS
from codegen.numpy_function import Body, function_body
from codegen.numpy_module import environment, shape
from codegen.plan import LayerPlan
from codegen.printers.numpy_text import wrapped
from codegen.printers.to_text import statement_text
from derive.calculus.program import Program
from derive.calculus.tensor import Tensor


def render_numpy_layer(name: str, plan: LayerPlan) -> str:
    """The module's source."""
    layer = plan.forward
    functions: list[str] = []
    needed: set[str] = set()
    for verb, program, summary in (
        ("forward", layer, _forward_summary(layer)),
        ("vjp", plan.vjp, _pulled(plan)),
        ("jvp", plan.jvp, _pushed(plan)),
    ):
        body = function_body(program, {}, program.inputs, ", ".join(program.outputs))
        functions.append(_function(verb, program, summary, body))
        needed |= body.functions
    return (
        environment()
        .get_template("layer.py.jinja")
        .render(
            name=name,
            signature=f"{', '.join(_named(tensor) for tensor in layer.inputs)} -> {', '.join(layer.outputs)}",
            equations=[line for statement in layer.statements for line in statement_text(statement)],
            functions=[*(FALLBACKS[each] for each in sorted(needed)), *functions],
        )
    )


def _function(verb: str, program: Program, summary: str, body: Body) -> str:
    arguments = [tensor.name for tensor in program.inputs]
    arguments += ["*", *body.missing] if body.missing else []
    head = wrapped(f"def {verb}({', '.join(arguments)}):")
    return "\n".join([*head, f'    """{summary}"""', *body.lines])


def _named(tensor: Tensor) -> str:
    return f"{tensor.name} {shape(tensor)}"


def _forward_summary(layer: Program) -> str:
    return f"Return {', '.join(_named(layer.tensor(name)) for name in layer.outputs)}."


def _pulled(plan: LayerPlan) -> str:
    seeds = [t.name for t in plan.vjp.inputs if t not in plan.forward.inputs]
    return f"Pull {', '.join(seeds)} back to {', '.join(plan.vjp.outputs)}."


def _pushed(plan: LayerPlan) -> str:
    seeds = [t.name for t in plan.jvp.inputs if t not in plan.forward.inputs]
    return f"Push {', '.join(seeds)} forward to {', '.join(plan.jvp.outputs)}."

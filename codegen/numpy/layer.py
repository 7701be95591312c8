"""A layer alone as a NumPy module: forward and derivatives, each complete in itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from codegen.extents import size_names
from codegen.numpy.fallbacks import fallbacks
from codegen.numpy.module import environment, shape
from codegen.plan.plan import LayerPlan
from codegen.printers.numpy_text import wrapped
from codegen.printers.to_text import statement_text
from codegen.statements.function import Body, decorated, function_body
from derive.calculus.derivation.jvp import DOT
from derive.calculus.expressions.tensor import Tensor
from derive.calculus.program.compose import free_name
from derive.calculus.program.program import Program


def render_numpy_layer(name: str, plan: LayerPlan) -> str:
    """The module's source."""
    layer = plan.forward
    functions: list[str] = []
    needed: set[str] = set()
    for verb, program in plan.programs.items():
        summary = _SUMMARIES[verb](program, layer)
        names = _beside_sizes(program)
        returned = ", ".join(names.get(name, name) for name in program.outputs)
        body = function_body(program, names, program.inputs, returned)
        functions.append(_function(verb, program, summary, body, names))
        needed |= body.functions
    return (
        environment()
        .get_template("layer.py.jinja")
        .render(
            name=name,
            signature=f"{', '.join(_named(tensor) for tensor in layer.inputs)} -> {', '.join(layer.outputs)}",
            equations=[line for statement in layer.statements for line in statement_text(statement)],
            functions=[*fallbacks(needed), *functions],
        )
    )


def _beside_sizes(program: Program) -> dict[str, str]:
    """New names for tensors that are called as a size is: H, of c steps and H units."""
    sizes = size_names(program)
    taken = sizes | set(program.tensors)
    clashing = [name for name in program.tensors if name in sizes]
    return {name: free_name(name, taken) for name in clashing}


def _function(verb: str, program: Program, summary: str, body: Body, names: Mapping[str, str]) -> str:
    arguments = [names.get(tensor.name, tensor.name) for tensor in program.inputs]
    arguments += ["*", *body.missing] if body.missing else []
    head = wrapped(f"def {verb}({', '.join(arguments)}):")
    return "\n".join([*decorated(body), *head, f'    """{summary}"""', *body.lines])


def _named(tensor: Tensor) -> str:
    return f"{tensor.name} {shape(tensor)}"


def _returned(program: Program, _: Program) -> str:
    return f"Return {', '.join(_named(program.tensor(name)) for name in program.outputs)}."


def _pulled(program: Program, layer: Program) -> str:
    return f"Pull {', '.join(_seeds(program, layer))} back to {', '.join(program.outputs)}."


def _pushed(program: Program, layer: Program) -> str:
    return f"Push {', '.join(_seeds(program, layer))} forward to {', '.join(program.outputs)}."


def _curved(program: Program, layer: Program) -> str:
    dots = [name for name in _seeds(program, layer) if name.endswith(DOT)]
    return f"The change of the pullback along {', '.join(dots)}: {', '.join(program.outputs)}."


def _squared(program: Program, layer: Program) -> str:
    return f"J' J of {', '.join(_seeds(program, layer))}, J of the output: {', '.join(program.outputs)}."


def _own(program: Program, layer: Program) -> str:
    pulled = ", ".join(_named(program.tensor(name)) for name in program.outputs)
    return f"Pull {', '.join(_seeds(program, layer))} back to each example's own {pulled}."


def _seeds(program: Program, layer: Program) -> list[str]:
    return [tensor.name for tensor in program.inputs if tensor not in layer.inputs]


_SUMMARIES: dict[str, Callable[[Program, Program], str]] = {
    "forward": _returned,
    "vjp": _pulled,
    "jvp": _pushed,
    "hvp": _curved,
    "gauss_newton": _squared,
    "per_example": _own,
}

"""A network's plan as one NumPy module, by the interface of docs/interface.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sympy import Expr

from codegen.buffers.function import planned
from codegen.buffers.workspace import WORKSPACE, arrays_function
from codegen.numpy.fallbacks import FALLBACKS, fallbacks
from codegen.numpy.steps import step_function
from codegen.numpy.trace import trace_body
from codegen.passes.into_steps import into_steps
from codegen.passes.masks import supports, unmasked
from codegen.passes.one_step import one_step
from codegen.passes.shared import shared
from codegen.passes.slopes import slopes
from codegen.passes.verify import names_of, reads_of
from codegen.plan.derivatives import ON_REQUEST
from codegen.plan.plan import Plan
from codegen.printers.numpy_numbers import Scalars
from codegen.printers.numpy_text import Code, wrapped
from codegen.printers.to_text import statement_text
from codegen.statements.alike import Known
from codegen.statements.function import Body, decorated, function_body
from derive.calculus.expressions.tensor import Tensor
from derive.calculus.program.network import Law, Parameter
from derive.calculus.program.program import Program, Statement

TEMPLATES = Path(__file__).parent.with_name("templates") / "numpy"


@cache
def environment() -> Environment:
    """Templates that refuse what is not defined."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Python source is not HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render_numpy(plan: Plan) -> str:
    """The module's source."""
    writer = _Module(plan)
    laws = {parameter.law.value for parameter in plan.network.parameters}
    functions = {
        "forward": writer.forward(),
        "loss": writer.loss(),
        "vjp": writer.vjp(),
        "gradients": writer.gradients(),
        "jvp": writer.jvp(),
        "trace": writer.trace(),
    }
    steps = [step_function(update, plan, writer.batch) for update in plan.updates]
    called = {name for name in ("blocks",) if any(f" {name}(" in step for step in steps)}
    return (
        environment()
        .get_template("network.py.jinja")
        .render(
            name=plan.network.name,
            command=plan.network.command.replace("\\", "\\\\").replace('"', "'"),
            title=plan.network.title,
            forms=plan.network.forms,
            equations=[
                line for statement in plan.network.program.statements for line in statement_text(statement)
            ],
            sizes="\n".join(wrapped(f"SIZES = {_sizes(plan)}")),
            has=", ".join(f'"{name}"' for name in ("vjp", "jvp", *plan.more)),
            parameters=fields([owned.tensor for owned in plan.parameters]),
            trained=fields(plan.trained),
            laws=laws,
            draws=laws & {"uniform", "normal"},
            init_head="\n".join(wrapped(_init_head(plan))),
            init=_init(plan),
            functions=[*writer.workspace, *fallbacks(writer.functions | called)],
            check=writer.check(),
            batch=writer.batch,
            data=writer.data,
            loss_name=plan.network.loss,
            classifier=plan.network.task == "classification",
            derivatives=[writer.on_request(key) for key in plan.more],
            steps=steps,
            **functions,
        )
    )


class _Module:
    """The functions of one network's module."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.functions: set[str] = set()
        self.workspace: list[str] = []
        self.known = Known()
        self.names = {owned.tensor.name: f"p.{owned.tensor.name}" for owned in plan.parameters}
        self.names |= {f"{tensor.name}_dot": f"p_dot.{tensor.name}" for tensor in plan.trained}
        self.data = ", ".join(supplied.tensor.name for supplied in plan.data)
        self.batch = ", ".join(supplied.tensor.name for supplied in plan.batch)
        self.owned = [owned.tensor for owned in plan.parameters]
        self.supplied = [supplied.tensor for supplied in plan.batch]
        self.kept, self.rest = _loss_parts(plan)
        self.supports = supports(plan.loss)

    def function(self, head: str, summary: str, body: Body, before: Sequence[str] = ()) -> str:
        """The source of a function."""
        self.functions |= body.functions
        return "\n".join([*decorated(body), f"def {head}:", f'    """{summary}"""', *before, *body.lines])

    def body(
        self, program: Program, returned: str, extra: Sequence[Tensor] = (), examples: Expr | None = None
    ) -> Body:
        used = {tensor.name for tensor in program.inputs}
        supplied = (tensor for tensor in self.supplied if tensor.name in used)
        arguments = [*supplied, *self.owned, *extra]
        return function_body(program, self.names, arguments, returned, self.known, examples, self.supports)

    def forward(self) -> str:
        output = self.plan.output
        program = replace(self.plan.forward, outputs=(output.name, *self.kept))
        returned = f"{output.name}, {tuple_of(self.kept)}"
        summary = f"Return {output.name} {shape(output)} and residuals."
        return self.function(f"forward(p, {self.data})", summary, self.body(program, returned))

    def loss(self) -> str:
        plan, loss = self.plan, self.plan.network.loss
        kept = tuple(tensor.name for tensor in plan.residuals)
        locals_ = [t for t in plan.loss.locals if t.name in (*self.kept, plan.output.name)]
        program = replace(plan.loss, statements=self.rest, outputs=(loss, *kept))
        called = f"    {plan.output.name}, {tuple_of(self.kept) or '_'} = forward(p, {self.data})"
        body = self.body(program, f"{loss}, {tuple_of(kept)}", locals_)
        summary = f"Return {loss} and residuals."
        return self.function(f"loss(p, {self.batch})", summary, body, [*self.check_lines(), called])

    def vjp(self) -> str:
        plan = self.plan
        seed = f"{plan.network.loss}_bar"
        kept = tuple(tensor.name for tensor in plan.residuals)
        bars = ", ".join(f"{tensor.name}_bar" for tensor in plan.trained)
        shapes = ", ".join(f"{tensor.name}_bar {shape(tensor)}" for tensor in plan.trained)
        unpacked = [f"    {', '.join(kept)}{',' if len(kept) == 1 else ''} = residuals"] if kept else []
        body = self.body(plan.vjp, f"Gradients({bars})", plan.residuals)
        summary = f"Pull {seed} () back to {shapes}."
        return self.function(f"vjp(residuals, {seed}, p, {self.batch})", summary, body, unpacked)

    def gradients(self) -> str:
        """`loss` and `vjp` in one: what dies in between is overwritten."""
        loss = self.plan.network.loss
        if self.plan.network.budget is not None and self.plan.memory.again:
            return self.recomputing()
        bars = ", ".join(f"{tensor.name}_bar" for tensor in self.plan.trained)
        program = one_step(slopes(shared(unmasked(into_steps(self.plan.gradients)))))
        body = self.body(program, f"{loss}, Gradients({bars})", examples=self.plan.batch_size)
        if self.plan.network.buffers == "planned":
            return self.planned_gradients(body, program.tensors)
        return self.function(
            f"gradients(p, {self.batch}, {loss}_bar=1.0)",
            f"Return {loss} and the gradients of {loss}_bar * {loss}; dead values are overwritten.",
            body,
            self.check_lines(),
        )

    def recomputing(self) -> str:
        """`loss`, then `vjp`: the residuals pass between, whatever else the loss computed is free."""
        loss = self.plan.network.loss
        value = f"{loss}_value" if loss in ("loss", "vjp") else loss
        head = f"gradients(p, {self.batch}, {loss}_bar=1.0)"
        lines = (
            f"    {value}, residuals = loss(p, {self.batch})",
            f"    return {value}, vjp(residuals, {loss}_bar, p, {self.batch})",
        )
        summary = f"Return {loss} and the gradients of {loss}_bar * {loss}; residuals are all that is kept."
        return self.function(head, summary, Body(lines, (), frozenset()))

    def planned_gradients(self, body: Body, tensors: Mapping[str, Tensor]) -> str:
        """`gradients` in a workspace, and the functions that make it."""
        plan, loss = self.plan, self.plan.network.loss
        arguments = [*self.supplied, *self.owned]
        sizes = {plan.network.batch: plan.network.most, **plan.network.sizes}
        found = planned(
            body.lines, tensors, self.names, arguments, sizes, plan.network.batch, [f"{loss}_bar"]
        )
        self.workspace = [WORKSPACE, arrays_function(found, arguments, self.names, self.batch)]
        laid = f"    {', '.join(found.names)} = arrays(w or Workspace(), p, {self.batch})"
        functions = {"dot_into" if name == "dot" else name for name in body.functions}
        text = "\n".join(found.lines)
        functions |= found.functions
        body = replace(body, lines=found.lines, functions=frozenset(f for f in functions if f"{f}(" in text))
        return self.function(
            f"gradients(p, {self.batch}, {loss}_bar=1.0, w=None)",
            f"Return {loss} and the gradients of {loss}_bar * {loss}, in arrays of the workspace w.",
            body,
            [*self.check_lines(), *wrapped(laid, 0)],
        )

    def jvp(self) -> str:
        loss = self.plan.network.loss
        body = self.body(self.plan.jvp, f"{loss}, {loss}_dot")
        return self.function(
            f"jvp(p, p_dot, {self.batch})",
            f"Push p_dot (Gradients) forward to {loss}_dot.",
            body,
            self.check_lines(),
        )

    def trace(self) -> str:
        body = trace_body(self.plan, self.names, self.known)
        summary = "Yield (name, array) of every forward equation, in order."
        return self.function(f"trace(p, {self.batch})", summary, body, self.check_lines())

    def on_request(self, key: str) -> str:
        """A derivative that was asked for."""
        derivative, program = ON_REQUEST[key], self.plan.more[key]
        returned = ", ".join(tensor.name + derivative.suffix for tensor in self.plan.trained)
        direction = "p_dot, " if derivative.directed else ""
        summary = f"{derivative.summary} Gradients"
        summary += f", the first axis {self.plan.network.batch}." if derivative.by_example else "."
        body = self.body(program, f"Gradients({returned})")
        return self.function(f"{key}(p, {direction}{self.batch})", summary, body, self.check_lines())

    def check(self) -> str:
        """The check of labels, where there are any."""
        return FALLBACKS["require_labels"] if self.check_lines() else ""

    def check_lines(self) -> list[str]:
        """Every integer tensor of the batch lies in the axis that it indexes."""
        lines = []
        for supplied in self.plan.batch:
            if supplied.integer and supplied.classes is not None:
                bound = self.classes(supplied.classes)
                lines.append(f'    require_labels("{supplied.tensor.name}", {supplied.tensor.name}, {bound})')
        return lines

    def classes(self, size: Expr) -> str:
        """The number of classes, from the parameter that has such an axis."""
        for tensor in self.owned:
            for place, axis in enumerate(tensor.axes):
                if axis.size == size:
                    return f"len(p.{tensor.name})" if place == 0 else f"p.{tensor.name}.shape[{place}]"
        return str(size) if size.is_Integer else f'SIZES["{size}"]'


def _loss_parts(plan: Plan) -> tuple[tuple[str, ...], tuple[Statement, ...]]:
    """What the loss takes from forward, and the statements that are its own."""
    done = {name for statement in plan.forward.statements for name in names_of(statement)}
    rest = tuple(statement for statement in plan.loss.statements if not names_of(statement) <= done)
    needed = {name for statement in rest for name in reads_of(statement)} | {t.name for t in plan.residuals}
    order = [tensor.name for tensor in plan.forward.locals]
    kept = tuple(name for name in order if name in done & needed and name != plan.output.name)
    return kept, rest


def tuple_of(names: Iterable[str]) -> str:
    """(Z2, E), (Z2,), or ()."""
    listed = list(names)
    return f"({listed[0]},)" if len(listed) == 1 else f"({', '.join(listed)})"


def shape(tensor: Tensor) -> str:
    """(m, d)."""
    return f"({', '.join(str(size) for size in tensor.shape)})"


def fields(tensors: Sequence[Tensor]) -> list[str]:
    """W1: np.ndarray  # (n, d)."""
    return [f"{tensor.name}: np.ndarray  # {shape(tensor)}" for tensor in tensors]


def _sizes(plan: Plan) -> str:
    return "{" + ", ".join(f'"{name}": {size}' for name, size in plan.network.sizes.items()) + "}"


def _init_head(plan: Plan) -> str:
    sizes = ", ".join(f"{name}={size}" for name, size in plan.network.sizes.items())
    return f"def init(seed=0, dtype=np.float32{', *, ' + sizes if sizes else ''}):"


def _init(plan: Plan) -> list[str]:
    drawn = [
        f"{_drawn(parameter, owned.tensor, index)},"
        for index, (parameter, owned) in enumerate(zip(plan.network.parameters, plan.parameters, strict=True))
    ]
    return ["return Params(", *(f"    {line}" for line in drawn), ")"]


def _drawn(parameter: Parameter, tensor: Tensor, index: int) -> str:
    scalars = Scalars(lambda ref: Code(str(ref)))
    sizes = [scalars.code(size).text for size in tensor.shape]
    dimensions = f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
    if parameter.law in (Law.ZEROS, Law.ONES):
        return f"np.{parameter.law.value}({dimensions}, dtype)"
    above, below = parameter.variance.as_numer_denom()
    ratio = f"{scalars.code(above).text} / {scalars.code(below).atom}"
    return f"{parameter.law.value}(seed, {index}, {dimensions}, np.sqrt({ratio}), dtype)"

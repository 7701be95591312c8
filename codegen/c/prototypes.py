"""The functions of the interface: their first lines, in the header and in the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codegen.c.update import UpdateText
from codegen.plan.derivatives import ON_REQUEST
from codegen.plan.plan import Plan

WIDTH = 112


@dataclass(frozen=True)
class Prototype:
    """A declaration and the comment above it."""

    text: str
    comment: str = ""


def head(plan: Plan, key: str, restrict: bool = False) -> str:
    """The first line of forward, loss, predict or a derivative."""
    p, network = plan.network.name, plan.network
    real, kept = f"{p}_real", "restrict " if restrict else ""
    output = f"{real} *{network.output}"
    loss = f"{real} *{network.loss}"
    params = f"const {p}_params *{kept}p"
    batch = f"const {p}_batch *b"
    space = f"{p}_workspace *{kept}w"
    pulled = f"{p}_gradients *{kept}p_bar"
    tangent = f"const {p}_gradients *p_dot"
    if key in ON_REQUEST:
        derivative = ON_REQUEST[key]
        filled = f"{p}_gradients *{kept}{derivative.filled}"
        direction = [tangent] if derivative.directed else []
        return folded(f"int {p}_{key}(", [params, *direction, batch, space, filled])
    arguments = {
        "forward": [params, batch, space, output],
        "loss": [params, batch, space, loss],
        "vjp": [params, batch, space, f"{real} {network.loss}_bar", pulled],
        "jvp": [params, tangent, batch, space, loss, f"{real} *{network.loss}_dot"],
        "predict": [params, batch, space, "int32_t *labels" if network.task == "classification" else output],
    }[key]
    return folded(f"int {p}_{key}(", arguments)


def folded(start: str, arguments: Sequence[str]) -> str:
    """A list of arguments, continued under the bracket."""
    lines, current = [], start
    for number, argument in enumerate(arguments):
        piece = argument + (", " if number + 1 < len(arguments) else ")")
        if len(current) + len(piece.rstrip()) > WIDTH:
            lines.append(current.rstrip())
            current = " " * len(start)
        current += piece
    return "\n".join([*lines, current])


def gradients_head(plan: Plan) -> str:
    """The first line of what every training step begins with."""
    p = plan.network.name
    shared = [f"const {p}_params *p", f"const {p}_batch *b", f"{p}_workspace *w"]
    return folded(f"static int {p}_gradients_of(", [*shared, f"real *{plan.network.loss}"])


def listed(equations: Sequence[str]) -> str:
    """Equations in a comment: on one line where they fit, else one below the other."""
    line = "; ".join(equations)
    return line if len(line) + 6 <= WIDTH else ";\n   ".join(equations)


def update_heads(plan: Plan, update: UpdateText) -> tuple[str, str]:
    """The first lines of an optimizer's loop and of its training step."""
    p = plan.network.name
    state = [f"real *restrict {name}" for name in update.states]
    scalars = [f"real {scalar}" for scalar in update.scalars]
    flat = ["real *restrict W", "const real *restrict W_bar", *state, "size_t n", *scalars]
    return folded(f"static void {p}_{update.name}(", flat), _step_head(plan, update)


def _step_head(plan: Plan, update: UpdateText) -> str:
    p = plan.network.name
    state = [f"{p}_gradients *{name}" for name in update.states]
    scalars = [f"{p}_real {scalar}" for scalar in update.scalars]
    shared = [f"const {p}_batch *b", f"{p}_workspace *w"]
    loss = f"{p}_real *{plan.network.loss}"
    return folded(f"int {p}_{update.step}(", [f"{p}_params *p", *state, *shared, *scalars, loss])


def prototypes(plan: Plan, updates: Sequence[UpdateText]) -> list[Prototype]:
    """The interface, in the order of its documentation."""
    p = plan.network.name
    output = ", ".join(axis.name for axis in plan.output.axes)
    labels = " or ".join(f"b->{one.tensor.name}" for one in plan.labels)
    integers = any(one.integer for one in plan.batch)
    refused = f"{p.upper()}_BATCH{f' or {p.upper()}_LABEL' if integers else ''}"
    loss = plan.network.loss
    found = [
        Prototype(
            f"void {p}_init({p}_params *p, uint64_t seed);", "The same bits as NumPy's, for each seed."
        ),
        Prototype(
            head(plan, "forward") + ";", f"{plan.network.output} ({output}); needs no {labels or 'labels'}."
        ),
        Prototype(
            head(plan, "loss") + ";",
            f"The {plan.network.reduction} over the batch; on {refused} nothing is written.",
        ),
        Prototype(
            head(plan, "vjp") + ";",
            f"Pull {loss}_bar back to the parameters, for the batch of the last loss.",
        ),
        Prototype(head(plan, "jvp") + ";", "Push a change of the parameters forward."),
        *(Prototype(head(plan, key) + ";", _on_request(key)) for key in plan.more),
        Prototype(head(plan, "predict") + ";", _prediction(plan)),
    ]
    steps = [Prototype(_step_head(plan, update) + ";", listed(update.comment)) for update in updates]
    return [*found, *steps, *_checkpoint(p), *_queries(p)]


def _on_request(key: str) -> str:
    derivative = ON_REQUEST[key]
    room = f" {derivative.filled} has room for one of each." if derivative.by_example else ""
    return derivative.summary + room


def _prediction(plan: Plan) -> str:
    if plan.network.task == "classification":
        return f"The class of the largest {plan.network.output} of each example, the first of equals."
    return f"{plan.network.output} of each example."


def _checkpoint(p: str) -> list[Prototype]:
    save = f"size_t {p}_save(const {p}_params *p, void *buffer, size_t size);"
    load = f"int {p}_load({p}_params *p, const void *buffer, size_t size);"
    return [
        Prototype(save, "Safetensors; returns the bytes needed, and writes nothing where size is less."),
        Prototype(load, "Reads what save wrote, no other spelling of the header."),
    ]


def _queries(p: str) -> list[Prototype]:
    names = ("params", "gradients", "workspace", "real")
    first, *others = (f"size_t {p}_{name}_bytes(void);" for name in names)
    rest = [Prototype(text) for text in (*others, f"int {p}_max_batch(void);")]
    return [Prototype(first, "What a caller in another language needs to allocate."), *rest]

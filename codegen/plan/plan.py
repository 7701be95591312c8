"""What is emitted for a network, decided once for every target.

    forward   parameters, data                          -> output
    loss      parameters, data, labels                  -> L, residuals
    vjp       residuals, parameters, data, labels, L_bar -> W_bar of each trained parameter
    jvp       parameters, W_dot, data, labels           -> L, L_dot

and those of `codegen.plan.derivatives` that were asked for, all of them Programs after
`codegen.plan.pipeline`. In `vjp`
the residuals are inputs; whatever does not depend on L_bar was moved to `loss`, so the split is where the
cotangent enters; the others are complete in themselves. `W_dot` and `W_bar` are named after their
parameters: `W1_dot`, `W1_bar`; the seed is the loss's name with `_bar`.

`LayerPlan` is the same for one Program alone: forward, and derivatives with the forward statements they need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from sympy import Expr

from codegen.extents import elements, evaluated
from codegen.passes.verify import names_of
from codegen.plan.collector import paused
from codegen.plan.derivatives import of_layer, of_network
from codegen.plan.memory import Memory, remembered, within
from codegen.plan.names_apart import apart
from codegen.plan.pipeline import Watch, lowered, silent
from codegen.plan.split import split
from derive.calculus.derivation.jvp import jvp
from derive.calculus.derivation.kernels import forward_of
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.nodes import IsZero, Reduction
from derive.calculus.expressions.tensor import Index, IntegerRef, Kind, Size, Tensor, refs
from derive.calculus.program.compose import free_name
from derive.calculus.program.network import Network, Update
from derive.calculus.program.program import Program
from derive.calculus.program.renaming import renamed
from derive.calculus.stable.stabilise import stabilise
from derive.errors import DeriveError


@dataclass(frozen=True)
class Owned:
    """A parameter: its tensor, whether it is trained."""

    tensor: Tensor
    trained: bool


@dataclass(frozen=True)
class Supplied:
    """A tensor of the batch; role is input, label or target.

    `classes` bounds the values of an integer tensor: the size of the axis that they index.
    """

    tensor: Tensor
    role: str
    classes: Expr | None = None

    @property
    def integer(self) -> bool:
        return self.tensor.kind is not Kind.REAL


@dataclass(frozen=True)
class Plan:
    """A network's programs after the passes, and what passes between them."""

    network: Network
    parameters: tuple[Owned, ...]
    batch: tuple[Supplied, ...]
    forward: Program
    loss: Program
    vjp: Program
    jvp: Program
    residuals: tuple[Tensor, ...]
    memory: Memory
    more: Mapping[str, Program] = field(default_factory=dict)

    @property
    def gradients(self) -> Program:
        """`loss`, then `vjp`, as one program, in which nothing need be computed again."""
        loss, pullback = self.loss, self.vjp
        again = set(loss.tensors)
        rest = tuple(one for one in pullback.statements if not names_of(one) <= again)
        return replace(
            loss,
            name=f"{self.network.name}_gradients",
            inputs=(*loss.inputs, *(t for t in pullback.inputs if t.name not in loss.tensors)),
            statements=loss.statements + rest,
            outputs=(self.network.loss, *pullback.outputs),
            locals=loss.locals + tuple(t for t in pullback.locals if t.name not in again),
        )

    @property
    def trained(self) -> tuple[Tensor, ...]:
        return tuple(owned.tensor for owned in self.parameters if owned.trained)

    @property
    def data(self) -> tuple[Supplied, ...]:
        return tuple(supplied for supplied in self.batch if supplied.role == "input")

    @property
    def labels(self) -> tuple[Supplied, ...]:
        return tuple(supplied for supplied in self.batch if supplied.role != "input")

    @property
    def output(self) -> Tensor:
        return self.network.tensor(self.network.output)

    @property
    def batch_size(self) -> Size:
        return Size(self.network.batch)

    @property
    def updates(self) -> tuple[Update, ...]:
        return self.network.updates

    def size(self, expression: Expr) -> int:
        """A size in numbers, the batch at its largest."""
        return evaluated(expression, {**self.network.sizes, self.network.batch: self.network.most})

    def kept_elements(self, examples: int | None = None) -> int:
        """How many numbers the residuals of so many examples are, M by default."""
        sizes = {**self.network.sizes, self.network.batch: examples or self.network.most}
        return sum(elements(tensor, sizes) for tensor in self.residuals)


@dataclass(frozen=True)
class LayerPlan:
    """One Program's forward and derivatives, each complete in itself; `more` are those asked for."""

    name: str
    forward: Program
    vjp: Program
    jvp: Program
    more: Mapping[str, Program] = field(default_factory=dict)

    @property
    def programs(self) -> dict[str, Program]:
        """Every program by the name of its function."""
        return {"forward": self.forward, "vjp": self.vjp, "jvp": self.jvp, **self.more}


@paused()
def plan_network(network: Network, watch: Watch = silent, bounded: bool = True) -> Plan:
    """The plan of a network; `watch` sees each program after each pass.

    `bounded`: what is kept is chosen within the budget; the tuned C chooses for itself.
    """
    finish = partial(lowered, forms=network.forms, watch=watch)
    primal = replace(network.program, outputs=(network.loss,))
    joint = vjp(primal, wrt=network.trained)
    kept = forward_of(joint, primal)
    forward = finish(replace(kept, name=f"{network.name}_forward", outputs=(network.output,)))
    joint = finish(replace(joint, outputs=(network.loss, *joint.outputs)))
    pushed = jvp(primal, wrt=network.trained)
    pushed = finish(replace(pushed, outputs=(network.loss, *pushed.outputs)))
    parameters = tuple(Owned(network.tensor(p.name), p.trained) for p in network.parameters)
    more = {name: finish(one) for name, one in of_network(network).items()}
    more = apart({"jvp": pushed, **more}, (forward, joint))
    names = beside_sizes(network, (forward, joint, *more.values()))
    forward, joint = renamed(forward, names), renamed(joint, names)
    more = {name: renamed(one, names) for name, one in more.items()}
    budget = network.budget if bounded else None
    memory, others = remembered(joint, {"forward": forward, **more}, network, budget, watch)
    loss, pullback, residuals = split(memory.program, network, memory.choice.late, watch)
    forward, pushed = others.pop("forward"), others.pop("jvp")
    batch = _batch(network, loss)
    return Plan(network, parameters, batch, forward, loss, pullback, pushed, residuals, memory, others)


def beside_sizes(network: Network, programs: Sequence[Program]) -> dict[str, str]:
    """New names for computed tensors that are called as a size is: T, of T steps and sums of exponentials."""
    sizes = {network.batch, *network.sizes}
    interface = {network.output, network.loss, *(tensor.name for tensor in network.program.inputs)}
    tensors = dict.fromkeys(name for program in programs for name in program.tensors)
    taken = sizes | set(tensors)
    return {name: free_name(name, taken) for name in tensors if name in sizes - interface}


def plan_layer(
    program: Program,
    with_: Sequence[str] = (),
    sizes: Mapping[str, int] | None = None,
    budget: int | None = None,
    watch: Watch = silent,
) -> LayerPlan:
    """The plan of one layer, its sums of exponentials shifted first; `with_` names further derivatives.

    With a budget, which counts at these sizes, the pullback computes again what it need not keep.
    """
    program = stabilise(program)
    derived = {"vjp": vjp(program), "jvp": jvp(program), **of_layer(program, with_)}
    finished = {"forward": program, **derived}
    parts = apart({key: lowered(one, watch=watch) for key, one in finished.items()})
    if budget is not None:
        parts = within(program, parts, sizes or {}, budget, watch)
    forward, pullback, tangent = (parts.pop(key) for key in ("forward", "vjp", "jvp"))
    return LayerPlan(program.name, forward, pullback, tangent, parts)


def _batch(network: Network, loss: Program) -> tuple[Supplied, ...]:
    """The tensors of a call, data first, with the bound of each integer one."""
    supplied = []
    for name in (*network.data, *network.labels):
        tensor = network.tensor(name)
        integer = tensor.kind is not Kind.REAL
        role = "input" if name in network.data else "label" if integer else "target"
        supplied.append(Supplied(tensor, role, _classes(tensor, loss) if integer else None))
    return tuple(supplied)


def _classes(tensor: Tensor, program: Program) -> Expr:
    """The size of the axis that an integer tensor's elements index, or are compared with."""
    tensors = program.tensors
    for equation in program.equations():
        for ref in sorted(equation.references | {equation.target}, key=str):
            for index, axis in zip(ref.indices, tensors[ref.name].axes, strict=True):
                if isinstance(index, IntegerRef) and index.name == tensor.name:
                    return axis.size
    return _compared(tensor, program)


def _compared(tensor: Tensor, program: Program) -> Expr:
    for equation in program.equations():
        extents = dict(equation.ranges)
        for node in equation.value.atoms(Reduction):
            extents |= dict(node.ranges)
        for condition in equation.value.atoms(IsZero):
            indices = condition.expression.atoms(Index)
            if any(ref.name == tensor.name for ref in refs(condition)):
                for index in sorted(indices & set(extents) - _inner(condition), key=str):
                    return extents[index]
    raise DeriveError(
        f"network input {tensor} holds integers, but nothing is indexed by them or compared with them, "
        "so their range is unknown; read a tensor at them, as H[i,y[i]], or declare the input real"
    )


def _inner(condition: IsZero) -> set[Index]:
    """The indices inside of references, as i in y[i]."""
    return {index for ref in refs(condition) for index in ref.atoms(Index)}

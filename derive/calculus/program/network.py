"""A network: a program whose inputs have roles, and the laws that start and update its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from shlex import quote

from sympy import Expr, Integer

from derive.calculus.expressions.tensor import Tensor
from derive.calculus.program.program import Program


class Law(Enum):
    """How a parameter is drawn: uniform in [-scale, scale), normal with deviation scale, or constant."""

    UNIFORM = "uniform"
    NORMAL = "normal"
    ZEROS = "zeros"
    ONES = "ones"


@dataclass(frozen=True)
class Parameter:
    """A tensor that the network owns. scale = sqrt(variance), the variance a ratio of integers in sizes."""

    name: str
    law: Law = Law.UNIFORM
    variance: Expr = Integer(1)  # noqa: RUF009 - SymPy integers are immutable
    trained: bool = True


@dataclass(frozen=True)
class Update:
    """An optimizer as equations, on one flat parameter.

    sgd(W[n], W_bar[n], lr, weight_decay) -> W_new
        W_new[i] = W[i] - lr*(W_bar[i] + weight_decay*W[i])

    Inputs in order: parameter, gradient, the states if there are any, scalars. Outputs: the new
    parameter, then the new states. `step` is the emitted function's name; `number` the scalar that counts
    the steps, this one included, if there is one. An equation without an index, as of a bias correction, is
    computed once a step.
    """

    step: str
    program: Program
    states: tuple[str, ...] = ()
    number: str | None = None

    @property
    def scalars(self) -> tuple[str, ...]:
        return tuple(tensor.name for tensor in self.program.inputs if not tensor.axes)


@dataclass(frozen=True)
class Network:
    """program: parameters and data -> (output, loss).

    `data` are the inputs that the output depends on, `labels` those that the loss reads besides.
    `sizes` fixes every size but the batch's, whose symbol is `batch`; `most` is M of the C source.
    `build` are the words that build it, where its name alone does not: ("two_layer", "--as", "mine").
    `forms` are stable, or fast: slopes as they are written, by the names that the forward pass keeps.
    `budget` bounds the bytes of the workspace of its plain C; None leaves what is kept to its cost.
    `buffers` are fresh, or planned: the steps of the NumPy module compute in a workspace made beforehand.
    `derivatives` are those emitted beside vjp and jvp: ("hvp", "per_example").
    """

    name: str
    title: str
    program: Program
    parameters: tuple[Parameter, ...]
    data: tuple[str, ...]
    labels: tuple[str, ...]
    output: str
    loss: str
    sizes: Mapping[str, int]
    batch: str = "m"
    most: int = 128
    task: str = "classification"
    reduction: str = "mean"
    updates: tuple[Update, ...] = field(default=())
    build: tuple[str, ...] = ()
    derivatives: tuple[str, ...] = ()
    forms: str = "stable"
    budget: int | None = None
    buffers: str = "fresh"

    @property
    def command(self) -> str:
        """The command that emits this network."""
        return " ".join(map(quote, ("python", "-m", "derive", "build", *(self.build or (self.name,)))))

    @property
    def trained(self) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in self.parameters if parameter.trained)

    def tensor(self, name: str) -> Tensor:
        return self.program.tensor(name)

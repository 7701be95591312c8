"""From a graph of arrays to a network: roles, laws of initialisation, updates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from sympy import Expr, Integer

from derive.calculus.definition.formula import scalar_formula
from derive.calculus.definition.graph import Array, Graph
from derive.calculus.derivation.partials import partials
from derive.calculus.expressions.tensor import Axis, Index, Kind, Ref, Size
from derive.calculus.program.network import Law, Network, Parameter
from derive.calculus.program.roles import require_network
from derive.calculus.stable.stabilise import stabilise
from derive.errors import DeriveError
from derive.layers.activations import ACTIVATIONS
from derive.layers.losses import cross_entropy, squared_error, token_cross_entropy
from derive.optimizers import OPTIMIZERS

GAINS = {"relu": 2}
Axes = tuple[str | int | Expr, ...]


class Assembly:
    """A network in the making: parameters are declared with their law, the loss closes it."""

    def __init__(self, name: str, title: str, sizes: Mapping[str, int], most: int = 128) -> None:
        self.name, self.title, self.sizes, self.most = name, title, dict(sizes), most
        self.graph = Graph(name)
        self.parameters: list[Parameter] = []
        self.data: list[str] = []

    def input(self, name: str, *axes: str | Expr) -> Array:
        """Data of a batch: the first axis is the batch's, m."""
        self.data.append(name)
        return self.graph.input(name, *axes)

    def tokens(self, name: str, *axes: str) -> Array:
        """Integer data of a batch, as the places of rows in an embedding."""
        self.data.append(name)
        return self.graph.input(name, *axes, kind=Kind.INTEGER)

    def weight(self, name: str, rows: str, columns: str, gain: int = 1, trained: bool = True) -> Array:
        """A matrix (rows, columns) drawn normal with variance gain/rows. He et al., ICCV 2015."""
        variance = Integer(gain) / Size(rows)
        return self.parameter(name, (rows, columns), Law.NORMAL, variance, trained)

    def normal(self, name: str, axes: Axes, variance: Expr) -> Array:
        """A tensor of any axes drawn normal, as of variance gain/fan_in."""
        return self.parameter(name, axes, Law.NORMAL, variance)

    def constant(self, name: str, axes: Axes, law: Law) -> Array:
        """A tensor that starts at zeros or ones."""
        return self.parameter(name, axes, law, Integer(1))

    def parameter_of(self, name: str, axis: Axis, columns: str) -> Array:
        """A matrix whose rows are an axis that the network computes, as the features' own."""
        self.parameters.append(Parameter(name, Law.NORMAL, 1 / axis.size))
        return self.graph.input(name, axis.size, columns)

    def bias(self, name: str, size: str) -> Array:
        """A vector that starts at zero."""
        return self.constant(name, (size,), Law.ZEROS)

    def parameter(self, name: str, axes: Axes, law: Law, variance: Expr, trained: bool = True) -> Array:
        self.parameters.append(Parameter(name, law, variance, trained))
        return self.graph.input(name, *axes)

    def classifier(self, logits: Array, reduction: str = "mean") -> Network:
        """Close with softmax cross entropy against the labels y (m)."""
        labels = self.graph.input("y", "m", kind=Kind.INTEGER)
        loss = self.graph.apply(cross_entropy(reduction), logits, labels)
        return self._close(logits, loss, ("y",), "classification", reduction)

    def language_model(self, logits: Array, reduction: str = "mean") -> Network:
        """Close with J, the cross entropy at every place against the labels y (m, T); L counts blocks."""
        labels = self.graph.input("y", "m", logits.axes[1].name, kind=Kind.INTEGER)
        loss = self.graph.apply(token_cross_entropy(reduction), logits, labels, L="J")
        return self._close(logits, loss, ("y",), "classification", reduction)

    def regression(self, output: Array, reduction: str = "mean") -> Network:
        """Close with the squared error against the targets Y (m, k)."""
        target = self.graph.input("Y", "m", output.axes[-1].name)
        loss = self.graph.apply(squared_error(reduction), output, target)
        return self._close(output, loss, ("Y",), "regression", reduction)

    def _close(
        self, output: Array, loss: Array, labels: tuple[str, ...], task: str, reduction: str
    ) -> Network:
        program = stabilise(self.graph.program(output, loss))
        assert output.tensor is not None
        assert loss.tensor is not None
        network = Network(
            self.name,
            self.title,
            program,
            tuple(self.parameters),
            tuple(self.data),
            labels,
            output.tensor.name,
            loss.tensor.name,
            self.sizes,
            most=self.most,
            task=task,
            reduction=reduction,
            updates=OPTIMIZERS,
        )
        return require_network(network)


@cache
def activation(spelling: str) -> Callable[[Array], Array]:
    """A named activation, or any formula in x that a person types, applied to every element."""
    formula = ACTIVATIONS.get(spelling, spelling)
    function = scalar_formula(formula)
    element = Ref("x", Index("i"))
    if not any(partial.coefficient != 0 for partial in partials(function(element))):
        raise DeriveError(
            f"the activation {spelling!r} is flat: its derivative is 0 for every x, so that nothing "
            "before it would be trained; choose one with a slope"
        )
    return lambda array: array.map(function)


def gain(spelling: str) -> int:
    """The variance that an activation needs: 2 for a rectifier, which drops half, else 1."""
    return GAINS.get(spelling, 1)

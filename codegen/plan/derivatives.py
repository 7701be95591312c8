"""The derivatives that are emitted on request, `build --with hvp,per_example`, by the name of their function.

    hvp             W_bar_dot     the gradient's change along W_dot: H v
    gauss_newton    W_bar         J^T H_L J v, with W_dot = v
    per_example     W_bar         the gradient of each example's own loss, the first axis the examples'

forward, vjp and jvp are there always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from derive.calculus.derivation.gauss_newton import gauss_newton
from derive.calculus.derivation.hvp import hvp
from derive.calculus.derivation.jvp import DOT
from derive.calculus.derivation.per_example import per_example
from derive.calculus.derivation.vjp import BAR
from derive.calculus.program.network import Network
from derive.calculus.program.program import Program
from derive.errors import DeriveError

ALWAYS = ("forward", "vjp", "jvp")


@dataclass(frozen=True)
class Derivative:
    """How a derivative is derived of a layer and of a network's loss; what its function takes and gives."""

    of_layer: Callable[[Program], Program]
    of_loss: Callable[[Program, Network], Program]
    directed: bool
    suffix: str
    summary: str
    by_example: bool = False

    @property
    def filled(self) -> str:
        """The argument of C that it writes to."""
        return "p" + self.suffix


ON_REQUEST = {
    "hvp": Derivative(
        hvp,
        lambda loss, network: hvp(loss, network.trained, unit=True),
        True,
        BAR + DOT,
        "The Hessian times p_dot: the change of the gradients along it.",
    ),
    "gauss_newton": Derivative(
        gauss_newton,
        lambda loss, network: gauss_newton(loss, network.trained, network.output),
        True,
        BAR,
        "J' H J p_dot, J of the output by the parameters, H the loss's Hessian by the output.",
    ),
    "per_example": Derivative(
        per_example,
        lambda loss, network: per_example(loss, network.trained, network.batch, unit=True),
        False,
        BAR,
        "The gradient of each example's own loss.",
        by_example=True,
    ),
}


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Names of derivatives in one order, those left out that are there anyway; DeriveError for any other."""
    asked = set(names)
    unknown = sorted(asked - set(ALWAYS) - set(ON_REQUEST))
    if unknown:
        raise DeriveError(
            f"there is no derivative {', '.join(unknown)} to build with; there are "
            f"{', '.join((*ALWAYS[1:], *ON_REQUEST))}"
        )
    return tuple(name for name in ON_REQUEST if name in asked)


def of_layer(program: Program, names: Iterable[str]) -> dict[str, Program]:
    """The derivatives of a layer that were asked for."""
    return {name: ON_REQUEST[name].of_layer(program) for name in ordered(names)}


def of_network(network: Network) -> dict[str, Program]:
    """The derivatives of a network's loss that were asked for."""
    loss = replace(network.program, outputs=(network.loss,))
    return {name: ON_REQUEST[name].of_loss(loss, network) for name in ordered(network.derivatives)}

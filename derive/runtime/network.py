"""`Network`: what every loaded network can do, whichever backend runs it.

network = load("two_layer", backend="c")
network.init(seed=0)
network.bind(X, y)                       checked once
L = network.step("sgd", lr=0.2)          one step on the bound rows
L, bars = network.gradients()            {"W1": (n, d), "W2": (d, k)}
labels = network.predict(X_test)         arrays given to a method are bound first
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol, Self

import numpy as np

from .binding import check_batch
from .buffers import Array, aligned, named_views
from .description import Description
from .errors import ArrayError, RuntimeInputError


class Run(Protocol):
    """A step on rows start..stop-1; a learning rate that is given stays."""

    def __call__(self, start: int, stop: int, lr: float | None = None, /) -> float: ...


class Network(ABC):
    """One flat parameter buffer with named views, a bound batch, and the calls of docs/interface.md."""

    backend: str

    def __init__(self, description: Description, dtype: np.dtype[Any]) -> None:
        self.description = description
        self.name = description.name
        self.dtype = dtype
        self.flat = aligned(sum(p.count for p in description.parameters), dtype)
        self.parameters = named_views(description.parameters, self.flat)
        states = sorted({state for step in description.steps.values() for state in step.states})
        self._flat_states = {state: self._new_gradients() for state in states}
        self.state = {
            name: named_views(description.trained, flat) for name, flat in self._flat_states.items()
        }
        self.taken = 0  # steps that the state has seen, of those that count them
        self._bound: tuple[Array, ...] = ()
        self._binding = 0  # counts the calls of bind
        self._rows = 0
        self._selected = (0, 0)
        self._last: tuple[object, Run] | None = None

    def _new_gradients(self) -> Array:
        return aligned(sum(p.count for p in self.description.trained), self.dtype)

    def bind(self, *batch: Array) -> Self:
        """Check the arrays, once, and select all their rows. Raise ArrayError or LabelError."""
        self._rows = check_batch(self.description, self.dtype, batch)
        self._bound = batch
        self._binding += 1
        self._connect()
        return self.select(0, self._rows)

    def select(self, start: int, stop: int) -> Self:
        """Let the next calls see rows start..stop-1 of the bound arrays."""
        self._check_rows(start, stop)
        self._selected = (start, stop)
        return self

    def _check_rows(self, start: int, stop: int) -> None:
        if not 0 <= start < stop <= self._rows:
            raise ArrayError(
                f"network {self.name!r}: rows {start}..{stop} are not in the {self._rows} bound rows; bind "
                f"arrays first and select rows that they have"
            )

    def _prepare(self, batch: tuple[Array, ...], answers: bool) -> None:
        if batch:
            self.bind(*batch)
        if not self._bound:
            raise ArrayError(
                f"network {self.name!r} has no batch yet; call bind() with "
                f"{', '.join(d.name for d in self.description.data)} first"
            )
        if answers and len(self._bound) < len(self.description.data):
            missing = ", ".join(d.name for d in self.description.answers)
            raise ArrayError(
                f"network {self.name!r} was bound without {missing}, which the loss needs; bind them too"
            )

    def step(self, kind: str, *batch: Array, **scalars: float) -> float:
        """One optimizer step on the selected rows, in place; return the loss before it.

        Raise NonFiniteError, with everything as before, where loss or gradient is not finite.
        """
        self._prepare(batch, answers=True)
        key = (kind, *scalars.items())
        if self._last is None or self._last[0] != key:
            self._last = (key, self.stepper(kind, **scalars))
        with np.errstate(all="ignore"):  # what is not finite raises
            return self._last[1](*self._selected)

    def _scalars(self, kind: str, given: Mapping[str, float]) -> dict[str, float]:
        step = self.description.step(kind)
        values = {"weight_decay": 0.0, **given}
        values |= {step.number: self.taken + 1.0} if step.number else {}
        missing = [s for s in step.scalars if s not in values]
        unknown = [s for s in given if s not in step.scalars or s == step.number]
        if missing or unknown:
            raise RuntimeInputError(
                f"{step.kind} of network {self.name!r} takes {', '.join(step.scalars)}, but was "
                f"given {', '.join(given) or 'none'}; "
                + "; ".join([f"add {s}=" for s in missing] + [f"leave out {s}" for s in unknown])
            )
        return {s: float(values[s]) for s in step.scalars}

    def reset_state(self) -> None:
        """Momentum, averages and their count of steps back to zero."""
        self.taken = 0
        for flat in self._flat_states.values():
            flat[...] = 0

    @abstractmethod
    def _connect(self) -> None:
        """Take note of the arrays that were bound."""

    @abstractmethod
    def init(self, seed: int = 0) -> Self:
        """Draw the parameters; the state becomes zero. The same bits in either backend."""

    @abstractmethod
    def forward(self, *data: Array) -> Array:
        """The output of the selected rows, (m, ...)."""

    @abstractmethod
    def loss(self, *batch: Array) -> float:
        """The loss of the selected rows; keeps the residuals for `vjp`."""

    @abstractmethod
    def vjp(self, L_bar: float = 1.0) -> dict[str, Array]:
        """Pull the loss cotangent back to the trained parameters, for the batch of the last `loss`."""

    @abstractmethod
    def jvp(self, tangents: Mapping[str, Array], *batch: Array) -> tuple[float, float]:
        """Push tangents of the trained parameters forward: (L, L_dot)."""

    @abstractmethod
    def product(self, derivative: str, tangents: Mapping[str, Array], *batch: Array) -> dict[str, Array]:
        """What `hvp` and `gauss_newton` give, by name."""

    def hvp(self, tangents: Mapping[str, Array], *batch: Array) -> dict[str, Array]:
        """The Hessian times tangents of the trained parameters: the change of the gradients along them.

        Raise DescriptionError where the network was emitted without.
        """
        return self.product("hvp", tangents, *batch)

    def gauss_newton(self, tangents: Mapping[str, Array], *batch: Array) -> dict[str, Array]:
        """J' H J times tangents: J of the output by the parameters, H the loss's Hessian by the output.

        Raise DescriptionError where the network was emitted without.
        """
        return self.product("gauss_newton", tangents, *batch)

    @abstractmethod
    def per_example(self, *batch: Array) -> dict[str, Array]:
        """The gradient of each example's own loss, (m, ...) for each trained parameter.

        Raise DescriptionError where the network was emitted without.
        """

    @abstractmethod
    def predict(self, *data: Array) -> Array:
        """Labels (m) int32 of a classifier, the output (m, ...) of a regression."""

    @abstractmethod
    def stepper(self, kind: str, **scalars: float) -> Run:
        """`run(start, stop)`: the step on those rows of what is bound, with all else looked up beforehand;
        `run(start, stop, lr)` with another learning rate from then on.

        What overflows is raised where it makes loss or gradient not finite; NumPy warns of it before, unless
        the caller says `np.errstate(all="ignore")`.
        """

    def gradients(self, *batch: Array) -> tuple[float, dict[str, Array]]:
        """Loss, and its gradient by each trained parameter, in arrays of the caller's own."""
        L = self.loss(*batch)
        return L, self.vjp(1.0)

    @property
    def labels(self) -> Array | None:
        """The bound labels, of a classifier that has them."""
        pairs = zip(self.description.data, self._bound, strict=False)
        return next((array for tensor, array in pairs if tensor.role == "label"), None)

    def weight(self, rows: int) -> int:
        """What makes a sum of examples of the loss of `rows` rows: a mean counts once for each."""
        return rows if self.description.reduction == "mean" else 1

    @property
    def max_batch(self) -> int | None:
        """The most rows of one call, or None where there is no limit."""
        return None

"""What was emitted for a network, held against what was derived: a line a check.

Emitted source runs behind an object of the runtime, which the caller loads: this module knows the interface
(docs/interface.md) and nothing of how it is run. Parameters and batch are random, at small unequal
sizes, away from kinks; the derived pullback is evaluated in 50 digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import numpy as np

from derive.calculus.derivation.vjp import vjp
from derive.calculus.program.network import Network
from derive.calculus.program.program import Program
from derive.check.arithmetic import Array
from derive.check.oracles import DIGITS, Check, Point, inner, norm, relative
from derive.check.sampling import random_sizes
from derive.errors import DeriveError

VALUE_BOUND = 1e-12
DOT_BOUND = 1e-13
DIFFERENCE_BOUND = 1e-8
TRAINING_BOUND = 1e-4
AMPLIFIED = 4  # times the error that float32 makes by itself
STEPS = 100
RATE = 0.05


class Emitted(Protocol):
    """A loaded network: named parameters, and the calls of docs/interface.md."""

    @property
    def parameters(self) -> Mapping[str, Array]: ...
    def init(self, seed: int = 0) -> Any: ...
    def bind(self, *batch: Array) -> Any: ...
    def forward(self, *data: Array) -> Array: ...
    def loss(self, *batch: Array) -> float: ...
    def gradients(self, *batch: Array) -> tuple[float, dict[str, Array]]: ...
    def jvp(self, tangents: Mapping[str, Array], *batch: Array) -> tuple[float, float]: ...
    def step(self, kind: str, *batch: Array, **scalars: float) -> float: ...


Load: TypeAlias = Callable[[str, str, Mapping[str, int]], Emitted]
"""(backend, dtype, sizes) -> the emitted network."""


@dataclass(frozen=True)
class Subject:
    """A network at a point, and how its emitted source is loaded."""

    network: Network
    point: Point
    load: Load

    @classmethod
    def drawn(cls, network: Network, load: Load, seed: int = 0) -> Subject:
        """The network's loss at random parameters and a random batch."""
        program = replace(network.program, outputs=(network.loss,))
        point = Point.drawn(program, seed, random_sizes(program, seed))
        return cls(network, replace(point, cotangents={network.loss: np.ones(())}), load)

    def running(self, backend: str, dtype: str) -> Emitted:
        """The emitted network with the point's parameters, bound to its batch."""
        sizes = {letter: self.point.sizes[letter] for letter in self.network.sizes}
        loaded = self.load(backend, dtype, sizes)
        for parameter in self.network.parameters:
            loaded.parameters[parameter.name][...] = self.point.inputs[parameter.name]
        loaded.bind(*self.batch(dtype))
        return loaded

    def batch(self, dtype: str) -> list[Array]:
        """The data and labels, as the interface takes them."""
        arrays = (self.point.inputs[name] for name in (*self.network.data, *self.network.labels))
        return [np.ascontiguousarray(a, np.int32 if a.dtype.kind == "i" else dtype) for a in arrays]

    def directions(self, dtype: str = "float64") -> dict[str, Array]:
        """A tangent for each trained parameter."""
        return {name: self.point.directions[name].astype(dtype) for name in self.network.trained}


def verify(network: Network, load: Load, backends: tuple[str, ...] = ("numpy", "c")) -> Iterator[Check]:
    """Every check of what was emitted, one after the other; the first backend is the others' measure."""
    subject = Subject.drawn(network, load)
    exact = _exact(subject)
    for backend in backends:
        running = subject.running(backend, "float64")
        yield from _values(subject, backend, running, exact)
        yield _dot_product(subject, backend, running)
        yield _differences(subject, backend, running)
        if network.task == "classification":
            yield _refused(subject, backend, running)
    first, *others = backends
    for backend in others:
        yield _agreement(subject, first, backend)
        yield from (_same_start(subject, first, backend, dtype) for dtype in ("float32", "float64"))
        yield _same_training(subject, first, backend)


def _exact(subject: Subject) -> dict[str, Array]:
    """Loss and gradients of the derived program in 50 digits."""
    pullback: Program = vjp(subject.point.forward, subject.network.trained)
    return subject.point.evaluated(pullback, DIGITS)


def _values(subject: Subject, backend: str, running: Emitted, exact: Mapping[str, Array]) -> Iterator[Check]:
    loss, gradients = running.gradients()
    network = subject.network
    yield _value(f"{backend} loss", exact, {network.loss: np.asarray(loss)})
    yield _value(f"{backend} output", exact, {network.output: running.forward()})
    yield _value(f"{backend} vjp", exact, {name + "_bar": gradients[name] for name in network.trained})


def _value(name: str, exact: Mapping[str, Array], found: Mapping[str, Array]) -> Check:
    error = max(distance(value, exact[tensor]) for tensor, value in found.items())
    compared = f"{', '.join(found)} against the derived program in {DIGITS} digits"
    return Check(name, error, VALUE_BOUND, compared)


def distance(value: Array, exact: Array) -> float:
    """The error relative to the exact value, normwise."""
    if value.shape != exact.shape:
        return float("inf")
    return relative(norm(value - exact), norm(exact))


def _dot_product(subject: Subject, backend: str, running: Emitted) -> Check:
    tangents = subject.directions()
    _, slope = running.jvp(tangents)
    _, gradients = running.gradients()
    found = sum(inner(gradients[name], tangents[name]) for name in tangents)
    scale = max(abs(slope), norm(*gradients.values()) * norm(*tangents.values()))
    compared = f"<v, J u> = <J^T v, u>, u of {', '.join(tangents)}"
    return Check(f"{backend} jvp", relative(found - slope, scale), DOT_BOUND, compared)


def _differences(subject: Subject, backend: str, running: Emitted) -> Check:
    """Central differences of the emitted loss, extrapolated once."""
    tangents, (_, gradients) = subject.directions(), running.gradients()

    def central(step: float) -> float:
        losses = []
        for sign in (1, -1):
            place(subject, running, {name: sign * step * u for name, u in tangents.items()})
            losses.append(running.loss())
        return (losses[0] - losses[1]) / (2 * step)

    slope = (4 * central(5e-4) - central(1e-3)) / 3
    place(subject, running, {})
    found = sum(inner(gradients[name], tangents[name]) for name in tangents)
    scale = norm(*gradients.values()) * norm(*tangents.values())
    compared = f"{', '.join(tangents)} along one direction"
    return Check(f"{backend} differences", relative(found - slope, scale), DIFFERENCE_BOUND, compared)


def place(subject: Subject, running: Emitted, shifts: Mapping[str, Array]) -> None:
    """The point's parameters, shifted."""
    for parameter in subject.network.parameters:
        here = subject.point.inputs[parameter.name]
        running.parameters[parameter.name][...] = here + shifts.get(parameter.name, 0)


def _refused(subject: Subject, backend: str, running: Emitted) -> Check:
    """A label out of range is an error, before anything is written."""
    batch = subject.batch("float64")
    batch[-1][-1] = 10**6
    before = {name: array.copy() for name, array in running.parameters.items()}
    try:
        running.step("sgd", *batch, lr=RATE)
        refused = False
    except (DeriveError, ValueError):
        refused = all(np.array_equal(before[name], array) for name, array in running.parameters.items())
    running.bind(*subject.batch("float64"))
    return _statement(f"{backend} labels", refused, "a label out of range is refused, nothing is written")


def _agreement(subject: Subject, first: str, second: str) -> Check:
    results = [subject.running(backend, "float64").gradients()[1] for backend in (first, second)]
    errors = [distance(results[1][name], results[0][name]) for name in subject.network.trained]
    compared = f"gradients by {second} and {first} in float64"
    return Check(f"{second} against {first}", max(errors), VALUE_BOUND, compared)


def _same_start(subject: Subject, first: str, second: str, dtype: str) -> Check:
    drawn = [subject.running(backend, dtype) for backend in (first, second)]
    for running in drawn:
        running.init(7)
    same = all(
        np.asarray(drawn[0].parameters[p.name]).tobytes() == np.asarray(drawn[1].parameters[p.name]).tobytes()
        for p in subject.network.parameters
    )
    return _statement(f"{second} init", same, f"the same bits as {first} in {dtype}")


def _same_training(subject: Subject, first: str, second: str) -> Check:
    """The losses of the first steps of gradient descent from one start, in float32.

    Where steps amplify rounding, the two may part as far as the first parts from itself in float64.
    """
    curves = []
    for backend, dtype in ((first, "float32"), (second, "float32"), (first, "float64")):
        running = subject.running(backend, dtype)
        running.init(3)
        curves.append([running.step("sgd", lr=RATE) for _ in range(STEPS)])
    error, rounding = _apart(curves[0], curves[1]), _apart(curves[0], curves[2])
    compared = f"losses of {STEPS} steps by {second} and {first} in float32"
    if AMPLIFIED * rounding > TRAINING_BOUND:
        compared += f", which by {first} alone are {rounding:.1e} from those in float64"
    return Check(f"{second} training", error, max(TRAINING_BOUND, AMPLIFIED * rounding), compared)


def _apart(one: list[float], other: list[float]) -> float:
    return max(relative(a - b, abs(a)) for a, b in zip(one, other, strict=True))


def _statement(name: str, holds: bool, compared: str) -> Check:
    """A check that has no error, only an answer."""
    return Check(name, 0.0 if holds else float("inf"), 0.0, compared)

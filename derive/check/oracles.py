"""Four oracles for a derived program, none of which trusts the derivation.

    dot product           <v, J u> = <J^T v, u>, the pushforward and the pullback derived separately
    differences           <X_bar, u> = (f(x + h u) - f(x - h u))/2h, in float64, extrapolated (Richardson)
    digits                the pullback in float64 against itself in 50 decimal digits
    exact differences     <X_bar, u> in 50 digits against differences of the forward program in 50 digits

where f = sum of Y_bar * Y over all outputs. Errors are relative to the norms of what is multiplied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from derive.calculus.expressions.tensor import Kind, Tensor
from derive.calculus.program.program import Program
from derive.check.arithmetic import Array, Number, arithmetic
from derive.check.evaluate import Evaluation, elements
from derive.check.reader import Functions
from derive.check.sampling import random_inputs, random_sizes

DIGITS = 50
DOT_BOUND = 1e-13
DIFFERENCE_BOUND = 1e-8
DIGITS_BOUND = 1e-12
EXACT_BOUND = 1e-20
FLOOR = 1e-20  # of |v|: a cotangent below it is 0
Arrays = Mapping[str, Array]


@dataclass(frozen=True)
class Check:
    """One comparison: what was compared, the largest relative error, and the bound it must keep."""

    name: str
    error: float
    bound: float
    compared: str

    @property
    def passed(self) -> bool:
        return self.error <= self.bound

    def __str__(self) -> str:
        verdict = "ok" if self.passed else "FAILED"
        return f"{self.name}: {self.compared}: {self.error:.1e} (bound {self.bound:.0e}) {verdict}"


@dataclass(frozen=True)
class Point:
    """Where a derivative is tested: sizes, inputs x, cotangents v and directions u, for all names."""

    forward: Program
    sizes: Mapping[str, int]
    inputs: Arrays
    cotangents: Arrays
    directions: Arrays
    functions: Functions

    @classmethod
    def drawn(
        cls,
        forward: Program,
        seed: int,
        sizes: Mapping[str, int] | None = None,
        functions: Functions | None = None,
    ) -> Point:
        """A random point, at random unequal sizes unless sizes are given."""
        chosen = dict(sizes) if sizes is not None else random_sizes(forward, seed)
        inputs = random_inputs(forward, chosen, seed, opaque=functions)
        run = Evaluation.start(forward, inputs, chosen, opaque=functions)
        generator = np.random.default_rng([seed, 2])

        def normal(tensor: Tensor) -> Array:
            inside = elements(run.reader, tensor)
            return np.where(inside, generator.normal(size=inside.shape), np.nan)

        outputs = [forward.tensor(name) for name in forward.outputs]
        cotangents = {t.name: normal(t) for t in outputs if t.kind is Kind.REAL}
        directions = {t.name: normal(t) for t in forward.inputs if _is_real(t)}
        return cls(forward, chosen, inputs, cotangents, directions, functions or {})

    def started(self, program: Program, number: Number = "float64") -> Evaluation:
        """The evaluation of the forward, pullback or pushforward program at this point, not yet run."""
        given = {
            **self.inputs,
            **{name + "_bar": value for name, value in self.cotangents.items()},
            **{name + "_dot": value for name, value in self.directions.items()},
        }
        wanted = {tensor.name: given[tensor.name] for tensor in program.inputs}
        return Evaluation.start(program, wanted, self.sizes, number=number, opaque=self.functions)

    def evaluated(self, program: Program, number: Number = "float64") -> dict[str, Array]:
        """Every tensor of such a program at this point."""
        run = self.started(program, number)
        run.run(program.statements)
        return {name: self._defined(run, program.tensor(name)) for name in run.arrays}

    def _defined(self, run: Evaluation, tensor: Tensor) -> Array:
        """Padding is 0, so that no sum sees it; what should be defined and is not stays nan."""
        array = run.arrays[tensor.name]
        return np.where(elements(run.reader, tensor), array, 0) if _is_real(tensor) else array


def _is_real(tensor: Tensor) -> bool:
    return tensor.kind in (Kind.REAL, Kind.STATE)


def dot_product(point: Point, pullback: Program, pushforward: Program) -> Check:
    """<v, J u> = <J^T v, u>, relative to |v| |J u|."""
    back, ahead = point.evaluated(pullback), point.evaluated(pushforward)
    names = varied(pullback)
    pairs = [(point.cotangents[name], ahead[name + "_dot"]) for name in point.cotangents]
    left = sum(inner(moved, v) for v, moved in pairs)
    right = sum(inner(back[name + "_bar"], point.directions[name]) for name in names)
    scale = length(*(v for v, _ in pairs)) * norm(*(moved for _, moved in pairs))
    compared = f"<v, J u> = <J^T v, u>, u of {', '.join(names)}"
    return Check("dot product", relative(left - right, scale), DOT_BOUND, compared)


def differences(point: Point, pullback: Program) -> Check:
    """Central differences in float64, extrapolated once, along one direction in all inputs together."""
    back, names = point.evaluated(pullback), varied(pullback)
    found = sum(inner(back[name + "_bar"], point.directions[name]) for name in names)
    coarse, fine = (central(point, names, step, "float64") for step in (1e-3, 5e-4))
    expected = (4 * fine - coarse) / 3
    scale = norm(*(back[name + "_bar"] for name in names)) * length(*(point.directions[n] for n in names))
    compared = f"{', '.join(pullback.outputs)} along one direction in float64"
    return Check("differences", relative(found - expected, scale), DIFFERENCE_BOUND, compared)


def exact_differences(point: Point, pullback: Program, exact: Arrays | None = None) -> Check:
    """Central differences of the forward program in 50 digits: independent of any derivation."""
    back = exact if exact is not None else point.evaluated(pullback, DIGITS)
    least = FLOOR * length(*point.cotangents.values())
    errors = []
    for name in varied(pullback):
        bar, direction = back[name + "_bar"], point.directions[name]
        error = inner(bar, direction) - exact_slope(point, (name,))
        errors.append(relative(error, max(norm(bar) * length(direction), least)))
    compared = f"{', '.join(pullback.outputs)} along one direction each in {DIGITS} digits"
    return Check("exact differences", max(errors, default=0.0), EXACT_BOUND, compared)


def exact_slope(point: Point, names: Sequence[str]) -> Any:
    """The slope of f along the directions of some inputs, in 50 digits."""
    step = arithmetic(DIGITS).cast(10.0**-3)[()] ** 5
    return central(point, names, step, DIGITS)


def digits(point: Point, pullback: Program, exact: Arrays | None = None) -> Check:
    """The float64 evaluation against the same program in 50 digits, normwise for each cotangent."""
    rounded = point.evaluated(pullback)
    exact = exact if exact is not None else point.evaluated(pullback, DIGITS)
    cast = arithmetic(DIGITS).cast
    least = FLOOR * length(*point.cotangents.values())
    errors = []
    for name in pullback.outputs:
        error = norm(cast(rounded[name]) - exact[name])
        errors.append(relative(error, max(norm(exact[name]), least)))
    compared = f"{', '.join(pullback.outputs)} in float64 and {DIGITS} digits"
    return Check("digits", max(errors, default=0.0), DIGITS_BOUND, compared)


def checks(point: Point, pullback: Program, pushforward: Program) -> tuple[Check, ...]:
    """All four oracles at one point."""
    exact = point.evaluated(pullback, DIGITS)
    return (
        dot_product(point, pullback, pushforward),
        differences(point, pullback),
        digits(point, pullback, exact),
        exact_differences(point, pullback, exact),
    )


def inner(values: Array, weights: Array) -> Any:
    """<values, weights> over the elements: weights are nan in the padding; nan among values stays."""
    with np.errstate(all="ignore"):  # what is not finite shows in the result
        return np.where(_present(weights), values * weights, 0).sum()


def norm(*arrays: Array) -> float:
    """The Euclidean norm of all elements together."""
    with np.errstate(all="ignore"):
        flat = [np.asarray(array).astype(np.float64).ravel() for array in arrays]
        return float(np.linalg.norm(np.concatenate(flat))) if flat else 0.0


def _present(weights: Array) -> Array:
    return np.asarray(weights == weights, dtype=bool)  # noqa: PLR0124 - nan is not itself


def length(*weights: Array) -> float:
    """The norm of cotangents or directions, whose padding is nan."""
    return norm(*(np.where(_present(w), w, 0) for w in weights))


def varied(pullback: Program) -> tuple[str, ...]:
    """The inputs by which a pullback differentiates."""
    return tuple(name.removesuffix("_bar") for name in pullback.outputs)


def central(point: Point, names: Sequence[str], step: Any, number: Number) -> Any:
    """(f(x + h u) - f(x - h u))/2h along the directions u of some inputs."""
    cast = arithmetic(number).cast
    lines = {name: (cast(point.inputs[name]), cast(point.directions[name])) for name in names}

    def total(shift: Any) -> Any:
        inputs = {**point.inputs, **{name: here + shift * u for name, (here, u) in lines.items()}}
        values = replace(point, inputs=inputs).evaluated(point.forward, number)
        return sum(inner(cast(values[out]), cast(v)) for out, v in point.cotangents.items())

    return (total(step) - total(-step)) / (2 * step)


def relative(error: Any, scale: float) -> float:
    """|error| relative to a scale; what is not finite is infinitely wrong."""
    value = abs(float(error))
    if not np.isfinite(value):
        return float("inf")
    return value / scale if scale > 0 else value

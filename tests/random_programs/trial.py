"""One random program, its value and derivatives by every way there is, compared.

    definition in 50 digits            value at x, x + h u, x - h u
    derived programs in 50 digits      J u, J^T v, (J^T v)_dot; J^T v at x +- h u
    emitted NumPy and C                value, J u, J^T v, (J^T v)_dot

<v, J u> = <J^T v, u> holds to 40 digits, differences with h = 1e-15 to 20.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from codegen.plan.names_apart import apart
from codegen.plan.pipeline import lowered
from codegen.plan.plan import LayerPlan
from derive.calculus.derivation.hvp import hvp
from derive.calculus.derivation.jvp import jvp
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.tensor import Kind
from derive.calculus.program.program import Program
from derive.calculus.stable.stabilise import stabilise
from derive.check.arithmetic import Array, arithmetic
from derive.check.evaluate import Evaluation
from derive.check.oracles import DIGITS, inner, norm
from derive.check.sampling import _drawn as draw_inputs
from tests.random_programs.specification import Specification

Arrays = dict[str, Array]
STEP = 1e-15
DOT_BOUND = 1e-40
SLOPE_BOUND = 1e-20
EMITTED_BOUND = {"float64": 1e-9, "float32": 2e-2}
MARGIN = 1e-4
LARGEST = 1e4
DRAWS = 30


class Unsuitable(Exception):
    """Every draw of the inputs lies near a kink or leads to large numbers."""


@dataclass(frozen=True)
class Derived:
    """A program, its derivatives as they are derived, and as they are emitted."""

    name: str
    specification: Specification

    @cached_property
    def definition(self) -> Program:
        return self.specification.program(self.name)

    @cached_property
    def programs(self) -> dict[str, Program]:
        """forward, vjp, jvp and hvp = the jvp of the vjp, by the real inputs."""
        primal = stabilise(self.definition)
        first = {"forward": primal, "vjp": vjp(primal), "jvp": jvp(primal)}
        return {**first, "hvp": hvp(primal)} if self.specification.second else first

    @cached_property
    def plan(self) -> LayerPlan:
        low = apart({verb: lowered(program) for verb, program in self.programs.items()})
        forward, pullback, pushforward = (low.pop(verb) for verb in ("forward", "vjp", "jvp"))
        return LayerPlan(self.name, forward, pullback, pushforward, low)

    @cached_property
    def point(self) -> Arrays:
        """Inputs, cotangents v and directions u, away from kinks."""
        program, sizes = self.definition, self.specification.sizes
        for attempt in range(DRAWS):
            generator = np.random.default_rng([attempt, 11])
            given = draw_inputs(program, sizes, generator)
            margins: list[float] = []
            run = Evaluation.start(program, given, sizes, margins=margins)
            run.run(program.statements)
            real = [a for name, a in run.arrays.items() if a.dtype.kind == "f"]
            if min(margins, default=1.0) > MARGIN and all(_moderate(a) for a in real):
                break
        else:
            raise Unsuitable(str(self.specification))
        for tensor in program.inputs:
            if tensor.kind in (Kind.REAL, Kind.STATE):
                given[f"{tensor.name}_dot"] = np.asarray(generator.normal(size=given[tensor.name].shape))
        for name in program.outputs:
            given[f"{name}_bar"] = np.asarray(generator.normal(size=run.arrays[name].shape))
        return {name: _as_held(array, self.specification.dtype) for name, array in given.items()}

    def inputs(self, program: Program) -> Arrays:
        return {tensor.name: self.point[tensor.name] for tensor in program.inputs}

    @cached_property
    def exact(self) -> dict[str, Arrays]:
        """What each derived program gives in 50 digits."""
        return {verb: self.evaluated(program) for verb, program in self.programs.items()}

    def evaluated(self, program: Program, shift: float = 0) -> Arrays:
        """A program's outputs in 50 digits at x + shift u."""
        cast = arithmetic(DIGITS).cast
        given: dict[str, Any] = {}
        for name, array in self.inputs(program).items():
            moves = shift and f"{name}_dot" in self.point
            given[name] = cast(array) + cast(shift)[()] * cast(self.point[f"{name}_dot"]) if moves else array
        run = Evaluation.start(program, given, self.specification.sizes, number=DIGITS)
        run.run(program.statements)
        return {name: run.arrays[name] for name in program.outputs}

    def slopes(self, program: Program) -> Arrays:
        """(f(x + h u) - f(x - h u))/2h of each output, in 50 digits."""
        ahead, behind = self.evaluated(program, STEP), self.evaluated(program, -STEP)
        double = arithmetic(DIGITS).cast(2 * STEP)[()]
        return {name: (ahead[name] - behind[name]) / double for name in ahead}


def complaints(derived: Derived) -> list[str]:
    """Where the derived programs contradict the definition or each other, in 50 digits."""
    definition, exact = derived.definition, derived.exact
    real = [name for name in definition.outputs if definition.tensor(name).kind is Kind.REAL]
    value, slope = derived.evaluated(definition), derived.slopes(definition)
    found = [
        _compared("value", {n: exact["forward"][n] for n in real}, {n: value[n] for n in real}, SLOPE_BOUND),
        _compared("jvp", exact["jvp"], {f"{name}_dot": slope[name] for name in real}, SLOPE_BOUND),
        _dots(derived, real),
    ]
    if "hvp" in exact:
        moved = derived.slopes(derived.programs["vjp"])
        right = {f"{name}_dot": slope for name, slope in moved.items()}
        found.append(_compared("hvp", exact["hvp"], right, SLOPE_BOUND))
    return [complaint for complaint in found if complaint]


def _dots(derived: Derived, real: list[str]) -> str:
    exact, cast = derived.exact, arithmetic(DIGITS).cast
    left = sum(inner(exact["jvp"][f"{n}_dot"], cast(derived.point[f"{n}_bar"])) for n in real)
    right = sum(
        inner(array, cast(derived.point[name.removesuffix("_bar") + "_dot"]))
        for name, array in exact["vjp"].items()
    )
    error = abs(float(left - right)) / (1 + abs(float(left)))
    return "" if error <= DOT_BOUND else f"dot product: {error:.1e}"


def emitted_complaints(derived: Derived, target: str, outputs: Mapping[str, Arrays]) -> list[str]:
    """Where emitted source contradicts 50 digits: verb -> what it gave."""
    bound = EMITTED_BOUND[derived.specification.dtype]
    found = [_compared(f"{target} {verb}", outputs[verb], derived.exact[verb], bound) for verb in outputs]
    return [complaint for complaint in found if complaint]


def _compared(what: str, found: Mapping[str, Array], right: Mapping[str, Array], bound: float) -> str:
    for name, expected in right.items():
        if name not in found or np.shape(found[name]) != np.shape(expected):
            return f"{what}: {name} is missing or of another shape"
        error = norm(np.asarray(found[name]).astype(object) - expected) / (1 + norm(expected))
        if not error <= bound:
            return f"{what}: {name} is wrong by {error:.1e}"
    return ""


def _moderate(array: Array) -> bool:
    return bool(np.isfinite(array).all() and np.abs(array).max(initial=0) < LARGEST)


def _as_held(array: Array, dtype: str) -> Array:
    """The array rounded as the emitted program holds it, in float64."""
    return array.astype(dtype).astype(np.float64) if array.dtype.kind == "f" else array

"""The mutants of a derived program that an oracle does not catch.

The oracle is independent of the derivation: slopes of the forward program along random directions, from
central differences in 50 digits. A mutant is evaluated from its changed statement on, and there
only what depends on it. What leaves a tensor, reads what is not written, or is nan is caught.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from derive.calculus.program.activity import reads
from derive.calculus.program.program import Program, Statement, equations_of
from derive.check.arithmetic import Array
from derive.check.evaluate import Evaluation, elements
from derive.check.mutations import Mutant
from derive.check.oracles import Point, exact_slope, inner, length, norm, relative
from derive.errors import DeriveError

CAUGHT = 1e-9
"""A relative error that no correct program reaches in float64 and every wrong one exceeds."""


def survivors(program: Program, mutants: Iterable[Mutant], points: Sequence[Point]) -> tuple[Mutant, ...]:
    """The mutants of a pullback or pushforward whose outputs agree with the oracle at every point."""
    left = tuple(mutants)
    for point in points:
        trial = Trial.of(program, point)
        if trial.differs(trial.final):
            raise DeriveError(f"{program.name} itself fails the oracle; its mutants show nothing")
        left = tuple(mutant for mutant in left if not trial.catches(mutant))
    return left


@dataclass(frozen=True)
class Comparison:
    """sum of <output, weights> over the outputs = slope."""

    weights: Mapping[str, Array]
    slope: float


@dataclass(frozen=True)
class Trial:
    """A program evaluated at a point: the arrays before each statement and at the end."""

    program: Program
    start: Evaluation
    before: tuple[Mapping[str, Array], ...]
    final: Mapping[str, Array]
    comparisons: tuple[Comparison, ...]

    @classmethod
    def of(cls, program: Program, point: Point) -> Trial:
        """The evaluation of the unchanged program, each state kept."""
        start = point.started(program)
        run, before = start.at(start.arrays), []
        for position, statement in enumerate(program.statements):
            again = {name for later in program.statements[position:] for name in written(later)}
            before.append({n: a.copy() if n in again else a for n, a in run.arrays.items()})
            run.run((statement,))
        return cls(program, start, tuple(before), run.arrays, _comparisons(program, point))

    def catches(self, mutant: Mutant) -> bool:
        """Whether the mutant's outputs differ from the oracle's, or it cannot be evaluated."""
        try:
            return self.differs(self.mutated(mutant))
        except DeriveError:
            return True

    def differs(self, arrays: Mapping[str, Array]) -> bool:
        """Whether any output is missing, or not what the oracle says."""
        if not all(name in arrays for name in self.program.outputs):
            return True
        return any(self._error(comparison, arrays) > CAUGHT for comparison in self.comparisons)

    def _error(self, comparison: Comparison, arrays: Mapping[str, Array]) -> float:
        reader = self.start.reader
        values = {
            name: np.where(elements(reader, self.program.tensor(name)), arrays[name], 0)
            for name in comparison.weights
        }
        found = sum(inner(values[name], weights) for name, weights in comparison.weights.items())
        scale = norm(*values.values()) * length(*comparison.weights.values())
        return relative(found - comparison.slope, max(scale, abs(comparison.slope)))

    def mutated(self, mutant: Mutant) -> Mapping[str, Array]:
        """The arrays at the end, evaluated anew only where they depend on the change."""
        changed = written(self.program.statements[mutant.position])
        run = self.start.at(self.before[mutant.position])
        if mutant.statement is not None:
            changed |= written(mutant.statement)
            _run_apart(run, mutant.statement)
        for statement in self.program.statements[mutant.position + 1 :]:
            if (_read(statement) | written(statement)) & changed:
                changed |= written(statement)
                _run_apart(run, statement)
            else:
                run.arrays.update({name: self.final[name] for name in written(statement)})
        return run.arrays


def _run_apart(run: Evaluation, statement: Statement) -> None:
    """Run a statement on copies of what it writes."""
    run.arrays.update({name: run.arrays[name].copy() for name in written(statement) if name in run.arrays})
    run.run((statement,))


def written(statement: Statement) -> set[str]:
    """The names that a statement defines."""
    return {equation.name for equation in equations_of(statement)}


def _read(statement: Statement) -> set[str]:
    return {name for equation in equations_of(statement) for name in reads(equation)}


def _comparisons(program: Program, point: Point) -> tuple[Comparison, ...]:
    """Each X_bar along its direction; all Y_dot together along the cotangents."""
    backward = [name.removesuffix("_bar") for name in program.outputs if name.endswith("_bar")]
    if backward:
        return tuple(
            Comparison({name + "_bar": point.directions[name]}, float(exact_slope(point, (name,))))
            for name in backward
        )
    moved = [t.name.removesuffix("_dot") for t in program.inputs if t.name.endswith("_dot")]
    weights = {name + "_dot": point.cotangents[name] for name in point.cotangents}
    return (Comparison(weights, float(exact_slope(point, moved))),)

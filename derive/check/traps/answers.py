"""The right answers in many digits: differences of the formula as it is written.

    gradient    (f(x + h e) - f(x - h e)) / 2h
    product     (gradient(x + h u) - gradient(x - h u)) / 2h

in so many digits, h = 10^-STEP, that twice as many give the same doubles; at most 5000, in which
1 - exp(-1e4) is not 1. Nothing here trusts a derivation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.calculus.expressions.tensor import Kind
from derive.check.arithmetic import Array, arithmetic
from derive.check.evaluate import evaluate
from derive.check.traps.trap import Case, Trap

DIGITS = (700, 1400, 5000)
STEP = 150
DIRECTION = (1.0, -0.5, 0.75, -1.25, 2.0)


Arrays = Mapping[str, Array]


@dataclass(frozen=True)
class Answer:
    """Value by output, gradient and Hessian-vector product by input: as doubles, or as many digits."""

    value: Arrays
    gradient: Arrays
    product: Arrays


def inputs_of(trap: Trap, case: Case) -> dict[str, Array]:
    """The inputs: reals that a float32 holds, unless the case is for doubles alone."""
    found: dict[str, Array] = {}
    for tensor in trap.program.inputs:
        given = np.asarray(case.inputs[tensor.name])
        if tensor.kind in (Kind.INTEGER, Kind.MASK):
            found[tensor.name] = given.astype(np.int64)
        else:
            reals = given.astype(np.float64)
            found[tensor.name] = reals if case.double else reals.astype(np.float32).astype(np.float64)
    return found


def directions_of(trap: Trap, inputs: Arrays) -> dict[str, Array]:
    """The direction of the Hessian-vector product: 1 for an elementwise formula, else unequal numbers."""
    found, start = {}, 0
    for name in trap.varied:
        count = inputs[name].size
        numbers = [1.0 if trap.elementwise else DIRECTION[(start + k) % len(DIRECTION)] for k in range(count)]
        found[name] = np.asarray(numbers).reshape(inputs[name].shape)
        start += count
    return found


def stated(trap: Trap, case: Case) -> Answer:
    """What the case itself says."""
    assert case.gradient is not None
    assert case.product is not None
    return Answer(
        {trap.program.outputs[0]: np.asarray(case.value, float)},
        {name: np.asarray(case.gradient[name], float) for name in trap.varied},
        {name: np.asarray(case.product[name], float) for name in trap.varied},
    )


def computed(trap: Trap, case: Case) -> Answer:
    """What the formula says, rounded to doubles."""
    found = in_digits(trap, case, DIGITS[0])
    for digits in DIGITS[1:]:
        before, found = found, in_digits(trap, case, digits)
        if _alike(before, found):
            return found
    return found


def _alike(before: Answer, after: Answer) -> bool:
    """Whether all is finite and the same to a rounding, or nothing."""
    pairs = [
        (array, part[name])
        for known, part in (
            (before.value, after.value),
            (before.gradient, after.gradient),
            (before.product, after.product),
        )
        for name, array in known.items()
    ]
    return all(np.allclose(a, b, rtol=1e-15, atol=1e-320) and np.isfinite(b).all() for a, b in pairs)


def in_digits(trap: Trap, case: Case, digits: int) -> Answer:
    """What the formula says in so many digits, rounded to doubles."""
    formula = _Formula(trap, digits)
    inputs = {name: formula.exact(array) for name, array in inputs_of(trap, case).items()}
    directions = {name: formula.exact(array) for name, array in directions_of(trap, inputs).items()}
    gradient, product = {}, {}
    for name in trap.varied:
        ahead, behind = (
            formula.gradient({**inputs, **_moved(inputs, directions, sign * formula.step)}, name)
            for sign in (1, -1)
        )
        gradient[name] = _rounded(formula.gradient(inputs, name))
        product[name] = _rounded((ahead - behind) / (2 * formula.step))
    value = {name: _rounded(array) for name, array in formula.outputs(inputs).items()}
    return Answer(value, gradient, product)


def _moved(inputs: Arrays, directions: Arrays, step: Any) -> dict[str, Array]:
    return {name: np.asarray(inputs[name] + step * u) for name, u in directions.items()}


def _rounded(array: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(array).astype(np.float64)


@dataclass(frozen=True)
class _Formula:
    """A trap's formula in so many digits."""

    trap: Trap
    digits: int

    @property
    def step(self) -> Any:
        return arithmetic(self.digits).cast(10.0)[()] ** -STEP

    def exact(self, array: Array) -> Array:
        return array if array.dtype.kind == "i" else arithmetic(self.digits).cast(array)

    def outputs(self, inputs: Arrays) -> dict[str, Array]:
        arrays = evaluate(self.trap.program, inputs, self.trap.sizes, number=self.digits)
        return {name: arrays[name] for name in self.trap.program.outputs}

    def total(self, inputs: Arrays) -> Any:
        """The sum of the outputs; of an elementwise formula, each output."""
        (output,) = self.outputs(inputs).values()
        return output if self.trap.elementwise else output.sum()

    def gradient(self, inputs: Arrays, name: str) -> Array:
        """The slope by each element of an input; by all at once where the formula is elementwise."""
        array, step = np.asarray(inputs[name]), self.step
        if self.trap.elementwise:
            return self.slope(inputs, name, np.full(array.shape, step, object))
        found = np.empty(array.shape, object)
        for place in np.ndindex(array.shape):
            shift = np.full(array.shape, 0 * step, object)
            shift[place] = step
            found[place] = self.slope(inputs, name, shift)
        return found

    def slope(self, inputs: Arrays, name: str, shift: Array) -> Any:
        """(f(x + shift) - f(x - shift)) / 2h."""
        ahead, behind = (self.total({**inputs, name: np.asarray(inputs[name] + s * shift)}) for s in (1, -1))
        return np.asarray((ahead - behind) / (2 * self.step))[()]

"""`verify` passes what keeps the interface and catches each way of breaking it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from derive.calculus.derivation.jvp import jvp
from derive.calculus.derivation.vjp import vjp
from derive.calculus.program.network import Network
from derive.check.arithmetic import Array
from derive.check.evaluate import evaluate
from derive.check.verify import verify
from derive.errors import DeriveError
from derive.networks.registry import network

NETWORK = network("softmax_regression")
LOSS = replace(NETWORK.program, outputs=(NETWORK.loss,))
PROGRAMS = (LOSS, vjp(LOSS, NETWORK.trained), jvp(LOSS, NETWORK.trained))
FIRST = NETWORK.trained[0]


class Reference:
    """A network run by the reference interpreter, with one fault or none."""

    def __init__(self, definition: Network, dtype: str, sizes: Mapping[str, int], fault: str) -> None:
        self.definition, self.dtype, self.fault = definition, dtype, fault
        self.program, self.pullback, self.pushforward = PROGRAMS
        self.parameters = {
            p.name: np.zeros([sizes[axis.name] for axis in definition.tensor(p.name).axes], dtype)
            for p in definition.parameters
        }
        self.batch: dict[str, Array] = {}

    def init(self, seed: int = 0) -> None:
        generator = np.random.default_rng(seed + (self.fault == "init"))
        for array in self.parameters.values():
            array[...] = generator.normal(size=array.shape) / 3

    def bind(self, *batch: Array) -> None:
        names = (*self.definition.data, *self.definition.labels)
        if self.fault != "labels" and batch[-1].max() > 99:
            raise DeriveError("a label is out of range")
        self.batch = dict(zip(names, batch, strict=True))
        if self.fault == "labels":
            self.batch[names[-1]] = np.minimum(batch[-1], 0)

    def _run(self, program: Any, **more: Array) -> dict[str, Array]:
        return evaluate(program, {**self.parameters, **self.batch, **more}, number=self.dtype)

    def forward(self, *data: Array) -> Array:
        return self._run(self.program)[self.definition.output] + (self.fault == "output")

    def loss(self, *batch: Array) -> float:
        return float(self._run(self.program)[self.definition.loss]) * (1 + (self.fault == "loss") / 1000)

    def gradients(self, *batch: Array) -> tuple[float, dict[str, Array]]:
        found = self._run(self.pullback, **{self.definition.loss + "_bar": np.ones(())})
        bars = {name: found[name + "_bar"] for name in self.definition.trained}
        if self.fault == "vjp":
            bars[FIRST] = bars[FIRST] * (1 + 1e-5)
        return self.loss(), bars

    def jvp(self, tangents: Mapping[str, Array], *batch: Array) -> tuple[float, float]:
        found = self._run(self.pushforward, **{name + "_dot": u for name, u in tangents.items()})
        slope = float(found[self.definition.loss + "_dot"]) * (1 + (self.fault == "jvp") / 1e6)
        return self.loss(), slope

    def step(self, kind: str, *batch: Array, **scalars: float) -> float:
        if batch:
            self.bind(*batch)
        loss, bars = self.gradients()
        rate = scalars["lr"] * (1 + (self.fault == "training"))
        for name, bar in bars.items():
            self.parameters[name] -= rate * bar
        return loss


def failed(fault: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the checks that fail where the second backend has a fault."""
    monkeypatch.setattr("derive.check.verify.STEPS", 3)

    def load(backend: str, dtype: str, sizes: Mapping[str, int]) -> Reference:
        return Reference(NETWORK, dtype, sizes, fault if backend == "second" else "")

    found = list(verify(NETWORK, load, ("first", "second")))
    assert len(found) == 16
    return [check.name for check in found if not check.passed]


def test_what_keeps_the_interface_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert failed("", monkeypatch) == []


@pytest.mark.parametrize(
    ("fault", "caught"),
    [
        ("loss", {"second loss"}),
        ("output", {"second output"}),
        ("vjp", {"second vjp", "second jvp", "second differences", "second against first"}),
        ("jvp", {"second jvp"}),
        ("labels", {"second labels"}),
        ("init", {"second init"}),
        ("training", {"second training"}),
    ],
)
def test_a_fault_is_caught_by_the_check_of_its_name(
    fault: str, caught: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert caught <= set(failed(fault, monkeypatch))

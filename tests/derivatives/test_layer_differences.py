"""Every layer with every derivative, as NumPy and C are emitted for it, against differences in float64.

jvp            (f(x + h u) - f(x - h u))/2h
vjp            <v, J u> with that J u
hvp            the same differences of vjp
gauss_newton   <u', G u> = <J u', J u>
per_example    summed over the examples, the vjp
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from codegen.numpy.layer import render_numpy_layer
from codegen.plan.derivatives import ON_REQUEST
from codegen.plan.plan import LayerPlan, plan_layer
from derive.calculus.expressions.tensor import Kind
from derive.calculus.program.program import Program
from derive.check.arithmetic import Array
from derive.check.oracles import Point
from derive.errors import DeriveError
from derive.layers.registry import LAYERS, layer
from tests.codegen.emitted_c import COMPILERS, EmittedLayer, is_integer
from tests.codegen.emitted_numpy import imported

BOUND = 1e-7
SHARES = {"soft_cross_entropy": ("P",), "kl_divergence": ("P",)}
"""Inputs of which the layers say that they are distributions."""
Arrays = dict[str, Array]


def planned(program: Program) -> tuple[LayerPlan, tuple[str, ...]]:
    """The plan with all that the layer has; some have no gradient of an example's own."""
    try:
        return plan_layer(program, tuple(ON_REQUEST)), tuple(ON_REQUEST)
    except DeriveError:
        fewer = tuple(name for name in ON_REQUEST if name != "per_example")
        return plan_layer(program, fewer), fewer


class Emitted:
    """A layer at a point: each emitted function by name, of inputs that may be moved."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.plan, self.derivatives = planned(program)
        self.folder = folder
        self.point = Point.drawn(replace(program, facts=()), 3)
        self.real = [t.name for t in program.inputs if t.kind is Kind.REAL]
        given = {f"{n}_bar": v for n, v in self.point.cotangents.items()}
        given |= {f"{n}_dot": self.point.directions[n] for n in self.real}
        self.given: Arrays = {**self.point.inputs, **given}
        self.real_outputs = [program.tensor(n).kind is Kind.REAL for n in program.outputs]
        for tensor in program.inputs:
            if tensor.name in SHARES.get(program.name, ()):
                self.given[tensor.name] = shares(self.given[tensor.name])
                self.given[f"{tensor.name}_dot"] = centred(self.given[f"{tensor.name}_dot"])

    def call(self, key: str, shift: float = 0, other: Arrays | None = None) -> tuple[Array, ...]:
        own = {"forward": self.plan.forward, "vjp": self.plan.vjp, "jvp": self.plan.jvp, **self.plan.more}
        at = {**self.given, **(other or {})}
        moved = {n: at[n] + shift * self.given[f"{n}_dot"] for n in self.real}
        found = self.computed(key, own[key], {**at, **moved})
        if key == "forward":
            found = tuple(one for one, real in zip(found, self.real_outputs, strict=True) if real)
        return tuple(map(np.asarray, found))

    def computed(self, key: str, program: Program, given: Arrays) -> tuple[Array, ...]:
        """What an emitted function gives."""
        raise NotImplementedError


class InNumpy(Emitted):
    """By the layer's module."""

    @cached_property
    def module(self) -> ModuleType:
        return imported(render_numpy_layer(self.plan.name, self.plan), self.folder, self.plan.name)

    def computed(self, key: str, program: Program, given: Arrays) -> tuple[Array, ...]:
        function = getattr(self.module, key)
        taken = inspect.signature(function).parameters.values()
        sizes = {p.name: self.point.sizes[p.name] for p in taken if p.kind is p.KEYWORD_ONLY}
        found = function(*(given[t.name] for t in program.inputs), **sizes)
        return found if isinstance(found, tuple) else (found,)


class InC(Emitted):
    """By the layer's library, its temporaries full of NaN."""

    @cached_property
    def library(self) -> EmittedLayer:
        return EmittedLayer(self.plan, self.point.sizes, self.folder)

    def computed(self, key: str, program: Program, given: Arrays) -> tuple[Array, ...]:
        held = {t.name: given[t.name].astype(np.int32 if is_integer(t) else float) for t in program.inputs}
        return tuple(self.library.call(key, program, held).values())


TARGETS = [
    pytest.param(InNumpy, id="numpy"),
    pytest.param(
        InC, id="c", marks=(pytest.mark.compiler, pytest.mark.skipif(not COMPILERS, reason="no C compiler"))
    ),
]


def shares(array: Array) -> Array:
    """Positive rows that sum to 1."""
    return np.asarray(np.exp(array) / np.exp(array).sum(-1, keepdims=True))


def centred(array: Array) -> Array:
    """A direction along which they still do."""
    return np.asarray(array - array.mean(-1, keepdims=True))


def slopes(of: Callable[[float], tuple[Array, ...]]) -> list[Array]:
    """Central differences, extrapolated once."""

    def central(step: float) -> list[Array]:
        return [(a - b) / (2 * step) for a, b in zip(of(step), of(-step), strict=True)]

    return [(4 * near - far) / 3 for near, far in zip(central(5e-4), central(1e-3), strict=True)]


def apart(found: tuple[Array, ...], right: list[Array], scale: float = 0) -> float:
    off = np.sqrt(sum(float(((a - b) ** 2).sum()) for a, b in zip(found, right, strict=True)))
    return float(off / max(scale, 1e-3, np.sqrt(sum(float((b**2).sum()) for b in right))))


def inner(one: tuple[Array, ...], other: tuple[Array, ...]) -> float:
    return float(sum((a * b).sum() for a, b in zip(one, other, strict=True)))


@pytest.mark.parametrize("emitted", TARGETS)
@pytest.mark.parametrize("name", LAYERS)
def test_differences(name: str, emitted: type[Emitted], tmp_path: Path) -> None:
    run = emitted(layer(name), tmp_path)
    pushed = run.call("jvp")
    assert apart(pushed, slopes(lambda shift: run.call("forward", shift))) <= BOUND
    bars, dots = (tuple(v for n, v in run.given.items() if n.endswith(end)) for end in ("_bar", "_dot"))
    pulled = run.call("vjp")
    assert inner(bars, pushed) == pytest.approx(inner(pulled, dots), rel=1e-10, abs=1e-10)
    assert apart(run.call("hvp"), slopes(lambda shift: run.call("vjp", shift))) <= BOUND
    turned = {
        f"{n}_dot": run.given[f"{n}_dot"][..., ::-1] if run.given[n].ndim else -np.ones(()) for n in run.real
    }
    whole = run.call("gauss_newton")
    product = inner(run.call("jvp", other=turned), pushed)
    assert inner(tuple(turned.values()), whole) == pytest.approx(product, rel=1e-10, abs=1e-10)
    if "per_example" in run.derivatives and all(v.ndim for v in bars):
        own = run.call("per_example")
        sums = [a.sum(0) if a.ndim > b.ndim else a for a, b in zip(own, pulled, strict=True)]
        assert apart(tuple(sums), list(pulled)) <= 1e-10

"""<v, J u> = <J^T v, u> of every witness and layer in float64, at a thousand random shapes.

The pushforward and the pullback are derived separately. All basis directions are tried up to 64 inputs, 100
random ones beyond; of second derivatives, <u, H w> = <w, H u>.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from derive.calculus.derivation.hvp import hvp
from derive.calculus.derivation.jvp import jvp
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.tensor import refs
from derive.calculus.program.program import Program
from derive.calculus.stable.stabilise import stabilise
from derive.check.oracles import DOT_BOUND, Arrays, Point, dot_product, inner, length, norm, relative, varied
from derive.check.sampling import _fits, size_names
from derive.layers.registry import LAYERS, layer
from tests.witnesses.definitions import UNDETERMINED, WITNESSES

NAMES = (*WITNESSES, *(f"layer {name}" for name in LAYERS))
STEPPED = ("lstm", "layer lstm", "layer gru", "layers_recurrence", "vector_layers_recurrence")
SHAPES, SHAPES_OF_STEPPED = 13, 4
LENGTHS = 6
BASIS, RANDOM = 64, 100
ATTEMPTS = 200
COSTLY = (
    *STEPPED,
    "elman",
    "layer elman",
    "attention",
    "attention_by_hand",
    "layer attention",
    "activations",
)
FIRST_ORDER = ("vector_layers_recurrence",)  # what stands for its sigma has one derivative


@cache
def program(name: str) -> Program:
    return stabilise(layer(name.removeprefix("layer "))) if name.startswith("layer ") else WITNESSES[name]()


@cache
def derived(name: str) -> tuple[Program, Program]:
    """The pullback and the pushforward."""
    return vjp(program(name)), jvp(program(name))


def shape(name: str, seed: int) -> dict[str, int]:
    """Sizes from 1 to 6, also equal ones, under which no axis is empty."""
    generator = np.random.default_rng([seed, 5])
    letters = size_names(program(name))
    tensors = program(name).tensors.values()
    for attempt in range(ATTEMPTS):
        lengths = 1 + generator.integers(0, LENGTHS + attempt // 20, len(letters))
        sizes = dict(zip(letters, map(int, lengths), strict=True))
        if all(_fits(axis.size, sizes) for tensor in tensors for axis in tensor.axes):
            return sizes
    raise AssertionError(f"{name}: no sizes")


def declared(name: str) -> frozenset[str]:
    """The inputs of which a fact is declared: a row of P sums to 1, and no derivative by P is asked for."""
    facts = program(name).facts
    given = {tensor.name for tensor in program(name).inputs}
    return frozenset(ref.name for fact in facts for ref in refs(fact.left) if ref.name in given)


def point(name: str, seed: int) -> Point:
    at = Point.drawn(program(name), seed, shape(name, seed), UNDETERMINED.get(name))
    rows = {one: np.exp(at.inputs[one]) for one in declared(name)}
    held = {one: row / row.sum(axis=-1, keepdims=True) for one, row in rows.items()}
    still = {one: np.zeros(row.shape) for one, row in rows.items()}
    return replace(at, inputs={**at.inputs, **held}, directions={**at.directions, **still})


def shapes(name: str) -> int:
    return SHAPES_OF_STEPPED if name in STEPPED else SHAPES


def test_a_thousand_shapes_are_tried() -> None:
    assert sum(map(shapes, NAMES)) >= 1000


@pytest.mark.parametrize("name", NAMES)
def test_the_dot_product_test_holds_at_random_shapes(name: str) -> None:
    for seed in range(shapes(name)):
        at = point(name, seed)
        check = dot_product(at, *derived(name))
        assert check.passed or constant(at, name), f"{dict(at.sizes)}: {check}"


def constant(at: Point, name: str) -> bool:
    """Whether J = 0 but for rounding, as of the softmax of one number: there is nothing to be relative to."""
    pullback, pushforward = (at.evaluated(one) for one in derived(name))
    moved = [pushforward[f"{out}_dot"] for out in at.cotangents]
    pulled = [pullback[f"{one}_bar"] for one in varied(derived(name)[0]) if one not in declared(name)]
    bound = DOT_BOUND * length(*at.cotangents.values()) * (1 + length(*at.directions.values()))
    return max(norm(*moved), norm(*pulled)) <= bound


def directions(at: Point, names: tuple[str, ...]) -> list[Arrays]:
    """Every basis direction of the inputs, or as many random ones as there is time for."""
    zero = {name: np.where(np.isnan(u), np.nan, 0.0) for name, u in at.directions.items()}
    places = [
        (name, i) for name in names for i in np.ndindex(zero[name].shape) if not np.isnan(zero[name][i])
    ]
    found: list[Arrays] = []
    if len(places) > BASIS:
        generator = np.random.default_rng(len(places))
        return [{name: u + generator.normal(size=u.shape) for name, u in zero.items()} for _ in range(RANDOM)]
    for name, place in places:
        changed = zero[name].copy()
        changed[place] = 1
        found.append({**zero, name: changed})
    return found


def every_direction(name: str) -> None:
    pullback, pushforward = derived(name)
    at = point(name, 1)
    back = at.evaluated(pullback)
    names = tuple(one for one in varied(pullback) if one not in declared(name))
    tried = directions(at, names)
    size = sum(np.count_nonzero(~np.isnan(at.directions[one])) for one in names)
    assert len(tried) == (size if size <= BASIS else RANDOM)
    scale = norm(*(back[f"{one}_bar"] for one in names))
    for direction in tried:
        ahead = replace(at, directions=direction).evaluated(pushforward)
        left = sum(inner(ahead[f"{out}_dot"], v) for out, v in at.cotangents.items())
        right = sum(inner(back[f"{one}_bar"], direction[one]) for one in names)
        moved = norm(*(ahead[f"{out}_dot"] for out in at.cotangents))
        bound = length(*at.cotangents.values()) * moved + scale * length(*direction.values())
        assert relative(left - right, bound) <= DOT_BOUND, f"{name} at {dict(at.sizes)}"


def second_order(name: str) -> None:
    curved = hvp(program(name))
    for seed in (2, 3):
        at = point(name, seed)
        listed = (out.removesuffix("_bar_dot") for out in curved.outputs)
        names = tuple(one for one in listed if one not in declared(name))
        generator = np.random.default_rng([seed, 6])
        drawn = {one: at.directions[one] + generator.normal(size=at.directions[one].shape) for one in names}
        other = {**at.directions, **drawn}
        first, second = at.evaluated(curved), replace(at, directions=other).evaluated(curved)
        left = sum(inner(first[f"{one}_bar_dot"], other[one]) for one in names)
        right = sum(inner(second[f"{one}_bar_dot"], at.directions[one]) for one in names)
        scale = norm(*(first[f"{one}_bar_dot"] for one in names)) * length(*(other[one] for one in names))
        assert relative(left - right, max(scale, 1e-3)) <= DOT_BOUND, f"{name} at {dict(at.sizes)}"


@pytest.mark.parametrize("name", [name for name in NAMES if name not in COSTLY])
def test_every_basis_direction_agrees(name: str) -> None:
    every_direction(name)


@pytest.mark.long
@pytest.mark.parametrize("name", COSTLY)
def test_every_basis_direction_of_what_costs_time_agrees(name: str) -> None:
    every_direction(name)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in NAMES if name not in FIRST_ORDER])
def test_second_derivatives_are_symmetric(name: str) -> None:
    second_order(name)


@pytest.mark.parametrize(
    "name", ["softmax", "layernorm", "two_layer", "conv1d_s2_d2_p1", "layer cross_entropy"]
)
def test_second_derivatives_of_some_are_symmetric(name: str) -> None:
    second_order(name)

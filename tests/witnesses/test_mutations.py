"""Every one-place mutant of a derived pullback or pushforward is caught, or is proved to change nothing.

The points have odd and even sizes, windows that overlap and that leave the input, and more than one
output: a guard that is never needed at a point cannot be missed there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from derive.calculus.derivation.jvp import jvp
from derive.calculus.derivation.vjp import vjp
from derive.calculus.program.program import Program
from derive.calculus.stable.stabilise import stabilise
from derive.check.equivalence import proved_equivalent
from derive.check.mutations import mutants
from derive.check.oracles import Point
from derive.check.survivors import survivors
from derive.layers.registry import layer
from derive.networks.classifiers import two_layer
from derive.networks.registry import network
from tests.witnesses.definitions import WITNESSES

Sizes = dict[str, int]

# Row 0 of a causal softmax has one element, so P[0,0] = 1 and Z_bar[0,0] = (g - 1 g) 1 = 0 for
# whatever g = P_bar[0,0]: a guard that excludes t = 0 besides changes nothing.
ROW_0 = ("P_bar: in -s + t >= 0: factor s dropped", "Z_bar: in -s + t >= 0: factor s dropped")


@dataclass(frozen=True)
class Case:
    """A program, the sizes of its points, how many mutants there are at least, and proofs by hand."""

    build: Callable[[], Program]
    sizes: tuple[Sizes, ...]
    least: int
    by_hand: tuple[str, ...] = field(default=())
    derivation: Callable[[Program], Program] = vjp
    tied: bool = False

    @property
    def mark(self) -> str:
        return "_bar" if self.derivation is vjp else "_dot"


def windows(*sizes: tuple[int, int, int, int]) -> tuple[Sizes, ...]:
    """Sizes H, W, U, V of images and kernels; the first point has more than one of everything else."""
    rest = [{"m": 2, "c": 2, "o": 3}, *({"m": 1, "c": 1, "o": 1} for _ in sizes[1:])]
    return tuple({**dict(zip("HWUV", s, strict=True)), **r} for s, r in zip(sizes, rest, strict=True))


def images(*sizes: tuple[int, int]) -> tuple[Sizes, ...]:
    return tuple({"m": 2, "c": 3, "H": height, "W": width} for height, width in sizes)


def alone(name: str) -> Callable[[], Program]:
    """A layer as it is derived: stable first."""
    return lambda: stabilise(layer(name))


def of(name: str) -> Callable[[], Program]:
    return lambda: network(name).program


TABLES = ({"m": 3, "k": 5}, {"m": 5, "k": 3}, {"m": 4, "k": 2})
ROWS = ({"m": 3, "n": 4}, {"m": 5, "n": 3})
POOLED = images((5, 6), (6, 5), (7, 2), (3, 7))
CASES = {
    "two_layer": Case(
        lambda: two_layer().program, ({"m": 3, "n": 2, "d": 5, "k": 4}, {"m": 4, "n": 5, "d": 3, "k": 2}), 150
    ),
    "layernorm": Case(WITNESSES["layernorm"], ({"m": 3, "n": 4}, {"m": 5, "n": 3}), 150),
    "attention": Case(
        WITNESSES["attention"], ({"T": 4, "D": 3, "d": 2}, {"T": 3, "D": 2, "d": 5}), 200, ROW_0
    ),
    "conv1d_s2_d2_p1": Case(
        WITNESSES["conv1d_s2_d2_p1"], ({"n": 8, "U": 2}, {"n": 9, "U": 3}, {"n": 13, "U": 5}), 150
    ),
    "conv1d_s3_d2_p0": Case(
        WITNESSES["conv1d_s3_d2_p0"], ({"n": 11, "U": 2}, {"n": 14, "U": 3}, {"n": 19, "U": 5}), 100
    ),
    "conv_s2_d2_p1": Case(
        WITNESSES["conv_s2_d2_p1"], windows((6, 7, 2, 3), (13, 6, 5, 2), (5, 13, 2, 5)), 500
    ),
    "max_pool": Case(alone("max_pool"), POOLED, 250, tied=True),
    "max_pool forwards": Case(alone("max_pool"), POOLED, 300, derivation=jvp, tied=True),
    "average_pool": Case(alone("average_pool"), POOLED, 150),
    "softmax forwards": Case(alone("softmax"), TABLES, 60, derivation=jvp),
    "log_softmax": Case(alone("log_softmax"), TABLES, 50),
    "cross_entropy": Case(alone("cross_entropy"), TABLES, 50),
    "huber": Case(alone("huber"), (*TABLES, {"m": 7, "k": 9}), 100),
    "gaussian_nll": Case(alone("gaussian_nll"), TABLES, 150),
    "rmsnorm": Case(alone("rmsnorm"), ROWS, 100),
    "layernorm forwards": Case(alone("layernorm"), ROWS, 120, derivation=jvp),
    "batchnorm": Case(alone("batchnorm"), ROWS, 150),
    "l2norm forwards": Case(alone("l2norm"), ROWS, 50, derivation=jvp),
    "cosine_similarity": Case(alone("cosine_similarity"), ROWS, 150),
    "swiglu forwards": Case(
        alone("swiglu"), ({"m": 3, "n": 5, "d": 4}, {"m": 2, "n": 3, "d": 5}), 200, derivation=jvp
    ),
    "bilinear": Case(alone("bilinear"), ({"m": 2, "n": 5, "d": 4, "k": 3},), 150),
    "embedding": Case(alone("embedding"), ({"T": 6, "d": 3, "v": 5}, {"T": 4, "d": 5, "v": 3}), 20),
    "conv1d forwards": Case(
        WITNESSES["conv1d_s2_d2_p1"], ({"n": 8, "U": 2}, {"n": 9, "U": 3}), 80, derivation=jvp
    ),
    "two_layer forwards": Case(
        of("two_layer"),
        ({"m": 3, "n": 2, "d": 5, "k": 4}, {"m": 4, "n": 5, "d": 3, "k": 2}),
        150,
        derivation=jvp,
    ),
    "three_layer": Case(of("three_layer"), ({"d1": 3, "d2": 6, "k": 5, "m": 2, "n": 4},) * 2, 300),
    "residual": Case(
        of("residual"), ({"m": 2, "n": 3, "d": 5, "k": 4}, {"m": 5, "n": 2, "d": 3, "k": 4}) * 2, 600
    ),
}
STEPS = ({"T": 3, "m": 2, "n": 4, "d": 3},)
SLOW = {
    "elman": Case(WITNESSES["elman"], STEPS, 400),
    "elman forwards": Case(WITNESSES["elman"], STEPS, 300, derivation=jvp),
    "gru": Case(alone("gru"), STEPS, 2000),
    "lstm forwards": Case(alone("lstm"), STEPS, 1000, derivation=jvp),
}


def with_ties(point: Point) -> Point:
    """In some windows of 2 by 2 of X two elements are the largest, so that the slopes are those of a mean."""
    image = point.inputs["X"].copy()
    generator = np.random.default_rng(image.size)
    for h in range(0, image.shape[2] - 1, 2):
        for w in range(0, image.shape[3] - 1, 2):
            window = image[:, :, h : h + 2, w : w + 2].reshape(*image.shape[:2], 4)
            order = np.argsort(window, axis=-1)
            largest = np.take_along_axis(window, order[..., 3:], -1)
            second = np.take_along_axis(window, order[..., 2:3], -1)
            chosen = np.where(generator.random(largest.shape) < 0.5, largest, second)
            np.put_along_axis(window, order[..., 2:3], chosen, -1)
            image[:, :, h : h + 2, w : w + 2] = window.reshape(*image.shape[:2], 2, 2)
    return replace(point, inputs={**point.inputs, "X": image})


def missed(case: Case) -> tuple[list[str], int]:
    """The mutants that no oracle catches and no proof explains, and how many there are in all."""
    program = case.build()
    derived = case.derivation(program)
    points = [Point.drawn(program, seed, sizes) for seed, sizes in enumerate(case.sizes)]
    if case.tied:
        points += [with_ties(point) for point in points]
    listed = tuple(mutants(derived, case.mark))
    left = [m for m in survivors(derived, listed, points) if not proved_equivalent(derived, m)]
    found = [str(mutant) for mutant in left if str(mutant) not in case.by_hand]
    assert len(left) - len(found) == len(case.by_hand), "a proof by hand is of no mutant"
    return found, len(listed)


@pytest.mark.parametrize("name", CASES)
def test_every_mutant_is_caught_or_proved_to_change_nothing(name: str) -> None:
    found, count = missed(CASES[name])
    assert count >= CASES[name].least
    assert not found, f"{len(found)} of {count} mutants are not caught: {found}"


@pytest.mark.long
@pytest.mark.parametrize("name", SLOW)
def test_every_mutant_of_a_recurrence_is_caught(name: str) -> None:
    found, count = missed(SLOW[name])
    assert count >= SLOW[name].least
    assert not found, f"{len(found)} of {count} mutants are not caught: {found}"


def test_a_maximum_is_shared_where_it_ties() -> None:
    case = CASES["max_pool"]
    program = case.build()
    pullback = vjp(program)
    point = with_ties(Point.drawn(program, 0, case.sizes[0]))
    ties = point.evaluated(pullback)["Y_ties"]
    assert {1.0, 2.0} == set(np.unique(ties))
    shared = [m for m in mutants(pullback) if "Y_ties" in str(m) and "factor" in str(m)]
    assert shared
    assert not survivors(pullback, shared, [point])

"""Every one-place mutant of a derived pullback is caught by an oracle, or is proved to change nothing.

The points have odd and even sizes, windows that overlap and that leave the input, and more than one
output: a guard that is never needed at a point cannot be missed there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from derive.calculus.program import Program
from derive.calculus.vjp import vjp
from derive.check.equivalence import proved_equivalent
from derive.check.mutations import mutants
from derive.check.oracles import Point
from derive.check.survivors import survivors
from derive.networks.classifiers import two_layer
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


def windows(*sizes: tuple[int, int, int, int]) -> tuple[Sizes, ...]:
    """Sizes H, W, U, V of images and kernels; the first point has more than one of everything else."""
    rest = [{"m": 2, "c": 2, "o": 3}, *({"m": 1, "c": 1, "o": 1} for _ in sizes[1:])]
    return tuple({**dict(zip("HWUV", s, strict=True)), **r} for s, r in zip(sizes, rest, strict=True))


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
}


@pytest.mark.parametrize("name", CASES)
def test_every_mutant_is_caught_or_proved_to_change_nothing(name: str) -> None:
    case = CASES[name]
    program = case.build()
    pullback = vjp(program)
    points = [Point.drawn(program, seed, sizes) for seed, sizes in enumerate(case.sizes)]
    listed = tuple(mutants(pullback))
    assert len(listed) >= case.least
    left = [m for m in survivors(pullback, listed, points) if not proved_equivalent(pullback, m)]
    missed = [str(mutant) for mutant in left if str(mutant) not in case.by_hand]
    assert len(left) - len(missed) == len(case.by_hand), "a proof by hand is of no mutant"
    assert not missed, f"{len(missed)} of {len(listed)} mutants of\n{pullback}\nare not caught: {missed}"

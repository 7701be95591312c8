"""Every witness at random unequal sizes: four oracles, none of which trusts the derivation."""

from __future__ import annotations

import pytest

from derive.calculus.derivation.jvp import jvp
from derive.calculus.derivation.vjp import vjp
from derive.check.oracles import Point, checks
from tests.witnesses.definitions import UNDETERMINED, WITNESSES

SEEDS = (0, 1, 2)
SHORT = ({"T": 2, "m": 3, "n": 4, "d": 1}, {"T": 3, "m": 2, "n": 1, "d": 4}, {"T": 2, "m": 1, "n": 4, "d": 3})
SIZES = {"lstm": SHORT, "elman": SHORT}  # fifty digits of every step cost time


@pytest.mark.parametrize("name", WITNESSES)
def test_derivatives_agree_with_every_oracle(name: str) -> None:
    program = WITNESSES[name]()
    pullback, pushforward = vjp(program), jvp(program)
    for seed in SEEDS:
        sizes = SIZES[name][seed] if name in SIZES else None
        point = Point.drawn(program, seed, sizes, functions=UNDETERMINED.get(name))
        failed = [str(check) for check in checks(point, pullback, pushforward) if not check.passed]
        assert not failed, f"{name} at {dict(point.sizes)}: {failed}\n{pullback}"


@pytest.mark.parametrize("name", ["conv_s2_d2_p1", "attention", "lstm", "layers_recurrence"])
def test_the_sizes_of_a_draw_are_unequal_and_differ_between_draws(name: str) -> None:
    draws = [Point.drawn(WITNESSES[name](), seed, functions=UNDETERMINED.get(name)).sizes for seed in SEEDS]
    assert all(len(set(sizes.values())) == len(sizes) for sizes in draws)
    assert len({tuple(sizes.items()) for sizes in draws}) > 1

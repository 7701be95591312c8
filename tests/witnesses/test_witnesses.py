"""Every witness at random unequal sizes: four oracles, none of which trusts the derivation."""

from __future__ import annotations

import pytest

from derive.calculus.jvp import jvp
from derive.calculus.vjp import vjp
from derive.check.oracles import Point, checks
from tests.witnesses.definitions import UNDETERMINED, WITNESSES

SEEDS = (0, 1, 2)


@pytest.mark.parametrize("name", WITNESSES)
def test_derivatives_agree_with_every_oracle(name: str) -> None:
    program = WITNESSES[name]()
    pullback, pushforward = vjp(program), jvp(program)
    for seed in SEEDS:
        point = Point.drawn(program, seed, functions=UNDETERMINED.get(name))
        failed = [str(check) for check in checks(point, pullback, pushforward) if not check.passed]
        assert not failed, f"{name} at {dict(point.sizes)}: {failed}\n{pullback}"


@pytest.mark.parametrize("name", ["conv_s2_d2_p1", "attention", "lstm", "layers_recurrence"])
def test_the_sizes_of_a_draw_are_unequal_and_differ_between_draws(name: str) -> None:
    draws = [Point.drawn(WITNESSES[name](), seed, functions=UNDETERMINED.get(name)).sizes for seed in SEEDS]
    assert all(len(set(sizes.values())) == len(sizes) for sizes in draws)
    assert len({tuple(sizes.items()) for sizes in draws}) > 1

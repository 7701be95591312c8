"""A definition Y = f^2 gives f^2 its name, but never f, whose sign it does not know."""

import pytest

from derive.calculus.definition.define import define
from derive.calculus.derivation.jvp import jvp
from derive.calculus.derivation.vjp import vjp
from derive.check.oracles import Point, checks

DEFINITIONS = (
    "odd(x[n]) -> Y\n Y[i] = (exp(x[i]/3) - 2)^2",
    "odd(x[n]) -> Y\n Z[i] = x[i]^3\n Y[i] = (Z[i] - 1)^2 sin(x[i])",
    "odd(x[n]) -> Y\n Z[i] = (x[i] - 1/2)^3\n Y[i] = Z[i] x[i]",
    "odd(x[n]) -> Y\n Z[i] = (sin(x[i]) - 1/2)^4\n Y[i] = sqrt(1 + Z[i])",
    "odd(x[n]) -> Y\n Z[i] = -sqrt(1 + x[i]^2)\n Y[i] = exp(Z[i])",
    "odd(x[n]) -> Y\n Z[i] = -3/sqrt(1 + x[i]^2)\n Y[i] = exp(Z[i])",
    "odd(x[n]) -> Y\n Z[i] = -sqrt(1 + x[i]^2)\n Y[i] = Z[i] (1 + x[i]^2)^(1/4)",
    "odd(x[n]) -> Y\n Y = -max_{i} -sqrt(1 + x[i]^2)",
)


@pytest.mark.parametrize("text", DEFINITIONS)
def test_no_root_is_taken_of_what_may_be_negative(text: str) -> None:
    program = define(text)
    pullback, pushforward = vjp(program), jvp(program)
    for seed in range(3):
        point = Point.drawn(program, seed, {"n": 7})
        failed = [str(check) for check in checks(point, pullback, pushforward) if not check.passed]
        assert not failed, f"{failed}\n{pullback}"


def test_roots_of_what_is_positive_keep_their_names() -> None:
    program = define("odd(x[n]) -> Y\n Z[i] = (1 + x[i]^2)^2\n Y[i] = Z[i]")
    assert "(x[i]**2 + 1)" not in str(vjp(program)).rsplit("x_bar", 1)[1]

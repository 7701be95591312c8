"""Terms that are nearly equal, what an exponential of one leaves, guards: what the passes make of them."""

import pytest

from codegen.plan.pipeline import lowered
from derive.calculus.definition.define import define
from derive.calculus.derivation.vjp import vjp
from derive.calculus.program.program import Program
from derive.calculus.stable.common import common_denominators
from derive.calculus.stable.stabilise import stabilise
from derive.calculus.stable.uncancelled import uncancelled
from derive.calculus.stable.unordered import unordered


def value(program: Program, name: str) -> str:
    """What an equation is after a pass."""
    (found,) = (str(e.value) for e in program.equations() if e.name == name)
    return found


@pytest.mark.parametrize(
    ("formula", "combined"),
    [
        ("1/(1 + abs(x[i])) - abs(x[i])/(1 + abs(x[i]))^2", "(Abs(x[i]) + 1)**(-2)"),
        ("1/sqrt(1 + x[i]^2) - x[i]^2/sqrt(1 + x[i]^2)^3", "(x[i]**2 + 1)**(-3/2)"),
        ("1/(1 + x[i]^2) - 2 x[i]^2/(1 + x[i]^2)^2", None),
        ("1/(1 + x[i]^2) - x[i]/sqrt(1 + x[i]^2)", None),
    ],
)
def test_numerators_that_cancel_are_over_their_common_denominator(formula: str, combined: str | None) -> None:
    program = define(f"f(x[n]) -> Y\n    Y[i] = {formula}")
    expected = combined or value(program, "Y")
    assert value(common_denominators(program), "Y") == expected


def test_a_number_that_a_name_adds_is_not_taken_off_again() -> None:
    program = define("f(x[n]) -> Y\n    U[i] = 1 - exp(-exp(x[i]))\n    Y[i] = x[i] (1 - U[i])")
    assert value(uncancelled(program), "Y") == "exp(-exp(x[i]))*x[i]"
    other = define("f(x[n]) -> Y\n    U[i] = 1 - exp(-exp(x[i]))\n    Y[i] = x[i] (2 - U[i])")
    assert uncancelled(other) == other


def test_the_guard_of_two_exponentials_reads_their_own_elements() -> None:
    """At the loops of the equation, whatever their order in the tensors."""
    program = define("f(A[n,n], b[n]) -> Y\n    Y[i,j] = log(exp(A[j,i]) + exp(b[j]))")
    lines = [line for line in str(unordered(vjp(stabilise(program), ("A", "b")))).split("\n") if "Y" in line]
    guarded = [line for line in lines if "finite" in line]
    assert [line.split("[")[0].strip() for line in guarded] == ["Y", "A_bar", "b_bar"]
    assert all("b[j] is finite | A[j,i] is finite" in line for line in guarded), guarded


def test_a_sigmoid_of_a_difference_is_left() -> None:
    """What is no slope of such a logarithm is not guarded."""
    program = define("f(a[n], b[n]) -> Y\n    Y[i] = 1/(1 + exp(b[i] - a[i]))")
    assert unordered(program) == program
    assert "isfinite" not in str(lowered(program))

"""A blow-up is bounded, by counts: a product stays one, or the error names the term."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sympy import Add, sin

from derive.calculus.definition.define import define
from derive.calculus.definition.formula import scalar_formula
from derive.calculus.derivation.hvp import hvp
from derive.calculus.derivation.parts import with_parts
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.limits import weight
from derive.calculus.expressions.tensor import Index, Ref
from derive.calculus.program.program import Program
from derive.calculus.simplification.budget import LONG, NODES, BlowUp, Budget, multiplies_out
from derive.check.curvature import curvature_checks
from derive.check.oracles import Point

WIDE = "*".join(f"({k} + {f}(x))" for k, f in enumerate(("exp", "sin"), 2)) + "*x^2"


def odd(formula: str) -> Program:
    return define(f"odd(x[n]) -> y\n y[i] = {formula.replace('(x)', '(x[i])').replace('x^', 'x[i]^')}")


def long_product(factors: int) -> Program:
    return odd("*".join(f"({k} + sin({k}*x[i]))" for k in range(1, factors + 1)))


def test_a_product_of_many_sums_is_not_multiplied_out() -> None:
    place = Ref("x", Index("i"))
    few, many = (scalar_formula("*".join(f"({k} + x)" for k in range(1, n)))(place) for n in (8, 12))
    assert multiplies_out(few)
    assert not multiplies_out(many)
    program = odd(WIDE)
    point = Point.drawn(program, 0, {"n": 3})
    failed = [str(c) for c in curvature_checks(point, vjp(program), hvp(program)) if not c.passed]
    assert not failed


def test_an_equation_beyond_reading_is_refused_by_name() -> None:
    program = odd("x[i]")
    (equation,) = program.equations()
    long = replace(equation, value=Add(*(sin(k * Ref("x", Index("i"))) for k in range(1, NODES // 3))))
    with pytest.raises(BlowUp, match=rf"odd: y\[i\] = .*sin.* nodes, more than {NODES}; give parts"):
        Budget.of(program).enter(long)


@pytest.mark.long
def test_a_derivative_beyond_reading_is_refused_by_name() -> None:
    with pytest.raises(BlowUp, match=rf"odd.*: x_bar\[i\] = .* nodes, more than {NODES}; give parts"):
        vjp(long_product(40))


def test_a_simplification_without_end_is_refused_by_name() -> None:
    program = long_product(4)
    budget = Budget.of(program)
    (equation,) = program.equations()
    budget.enter(equation)
    budget.left = 1
    budget.visit()
    with pytest.raises(BlowUp, match=r"odd: the simplification of y\[i\], whose longest term is .+, takes"):
        budget.visit()


def test_what_stands_in_many_places_is_visited_once() -> None:
    """mish of mish: its second derivative multiplied out is 200 products of the same few factors."""
    program = define(
        "odd(x[n]) -> z\n y[i] = x[i] tanh(log(1 + exp(x[i])))\n z[i] = y[i] tanh(log(1 + exp(y[i])))"
    )
    assert hvp(program).outputs == ("x_bar_dot",)


def test_a_long_equation_is_differentiated_in_parts() -> None:
    value = scalar_formula("max(x, sin(3*x))^2*max(x^2, cos(2*x))^3*max(x^3, sin(x))^2*max(x, cos(x))")(
        Ref("x", Index("i"))
    )
    program = odd("x[i]")
    (equation,) = program.equations()
    long = program.with_statements((replace(equation, value=value),))
    parted = with_parts(long)
    assert weight(value) > LONG > max(weight(e.value) for e in parted.equations())
    assert with_parts(program) is program
    point = Point.drawn(long, 0, {"n": 3})
    failed = [str(c) for c in curvature_checks(point, vjp(long), hvp(long)) if not c.passed]
    assert not failed


def test_the_allowance_is_a_count_and_no_clock() -> None:
    program = odd(WIDE)
    spent = {Budget.of(program).left for _ in range(3)}
    assert len(spent) == 1
    assert str(hvp(program)) == str(hvp(program))

"""The passes over steps of recurrences: each computes the same; what they do to the transformer."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from codegen.passes.into_steps import into_steps, near
from codegen.passes.inverses import inverses
from codegen.passes.one_step import one_step
from codegen.passes.together import together
from codegen.passes.verify import verify
from codegen.plan.plan import plan_layer
from derive.calculus.definition.define import define
from derive.calculus.program.carried import carried
from derive.calculus.program.program import Program, Recurrence
from derive.check.evaluate import evaluate
from derive.layers.registry import layer
from derive.layers.transformer import transformer
from tests.codegen.emitted_c import drawn
from tests.codegen.test_recompute import close

SIZES = {"L": 3, "m": 2, "T": 3, "d": 4, "h": 2, "e": 2, "f": 3, "n": 4, "D": 3}
PASSES = (into_steps, near, together, carried, inverses)
LAYERS = ("transformer", "lstm", "gru", "elman", "gelu", "silu")


@cache
def pullback(name: str) -> Program:
    return plan_layer(transformer() if name == "transformer" else layer(name)).vjp


def inputs(program: Program) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {tensor.name: drawn(tensor, SIZES, 2, rng) for tensor in program.inputs}


def steps(program: Program) -> list[str]:
    """The names that recurrences define, in order."""
    return [
        equation.name
        for statement in program.statements
        if isinstance(statement, Recurrence)
        for equation in statement.equations
    ]


@pytest.mark.parametrize("name", LAYERS)
def test_every_pass_computes_the_same(name: str) -> None:
    program = pullback(name)
    expected = evaluate(program, inputs(program), SIZES)
    for one in (*PASSES, one_step):
        program = verify(one(program), one.__name__)
        found = evaluate(program, inputs(program), SIZES)
        for output in program.outputs:
            close(found[output], expected[output])


def test_gradients_of_weights_are_computed_in_their_step() -> None:
    assert "Wp_bar" not in steps(pullback("transformer"))
    program = into_steps(pullback("transformer"))
    assert {"Wa_bar", "Wo_bar", "Wf_bar", "Wp_bar", "ba_bar", "bp_bar", "g1_bar"} <= set(steps(program))
    assert "X_bar" not in steps(program)


def test_what_a_step_hands_on_alone_keeps_its_steps() -> None:
    program = one_step(carried(near(into_steps(pullback("transformer")))))
    axes = {tensor.name: len(tensor.axes) for tensor in program.locals}
    assert (axes["Z_bar"], axes["B_bar"], axes["F_bar"], axes["A_bar"]) == (4, 3, 3, 5)


def test_an_equation_that_reads_another_step_stays_outside() -> None:
    program = define("""
shifted(X[T,d]) -> Y
    H[0,j<d] = 0
    for t < T:
        H[t+1,j] = tanh(H[t,j] + X[t,j])
    Y[t<T,j] = H[T - t,j]
""")
    assert "Y" not in steps(into_steps(program))
    own = replace(program, statements=program.statements)
    assert into_steps(own) is own


def test_a_divisor_that_may_be_small_is_not_inverted() -> None:
    kept = define("kept(A[n], B[n]) -> F, G\n    F[i] = A[i]/(1 + B[i])\n    G[i] = A[i]^2/(1 + B[i])^2")
    assert inverses(kept) is kept
    once = define("""
once(A[n], B[n]) -> F, G
    E[i] = exp(-abs(B[i]))
    F[i] = A[i]/(1 + E[i])
    G[i] = A[i]^2/(1 + E[i])^2
""")
    assert [equation.name for equation in inverses(once).equations()] == ["E", "E_inverse", "F", "G"]


def test_a_square_that_is_multiplied_out_is_divided_by_as_a_square() -> None:
    program = define("""
squared(A[n], B[n]) -> F
    E[i] = exp(-abs(B[i]))
    F[i] = A[i]/(1 + E[i]) + A[i]/(E[i]*(E[i] + 2) + 1)
""")
    found = {equation.name: str(equation.value) for equation in inverses(program).equations()}
    assert set(found) == {"E", "E_inverse", "F"}
    assert "E_inverse[i]**2" in found["F"]


@pytest.mark.parametrize("broken", ["swapped", "late"])
def test_steps_out_of_order_are_caught(broken: str) -> None:
    program = near(into_steps(pullback("elman")))
    expected = evaluate(program, inputs(program), SIZES)
    found = evaluate(BROKEN[broken](program), inputs(program), SIZES)
    assert any(not np.allclose(found[output], expected[output]) for output in program.outputs)


def swapped(program: Program) -> Program:
    """Every reversed step the other way about."""
    return replace(
        program,
        statements=tuple(
            replace(one, reverse=False) if isinstance(one, Recurrence) and one.reverse else one
            for one in program.statements
        ),
    )


def late(program: Program) -> Program:
    """The last equation of each reversed step is first."""
    return replace(
        program,
        statements=tuple(
            replace(one, equations=(one.equations[-1], *one.equations[:-1]))
            if isinstance(one, Recurrence) and one.reverse
            else one
            for one in program.statements
        ),
    )


BROKEN = {"swapped": swapped, "late": late}

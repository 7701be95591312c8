"""Each pass on a small program, its meaning kept; and a broken twin of each that is caught."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from codegen.accumulation import ACCUMULATED, accumulation
from codegen.passes.cse import cse
from codegen.passes.dce import dce
from codegen.passes.hoist import hoist
from codegen.passes.order import order
from codegen.passes.split import split
from codegen.passes.verify import BrokenProgram, complaints, verify
from codegen.plan.pipeline import PASSES, lowered
from derive.calculus.definition.define import define
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.nodes import Nonnegative, Reduction, Sum, Where
from derive.calculus.expressions.tensor import Index, Ref, Size
from derive.calculus.program.program import Equation, Program, Statement
from derive.check.evaluate import evaluate
from tests.witnesses.definitions import WITNESSES

NAIVE = define("""
naive(Z[m,k]) -> S, D
    U[i] = sum_{r} exp(Z[i,r])
    S[i,j] = exp(Z[i,j])/sum_{q} exp(Z[i,q])
    D[i,j] = Z[i,j] - max_{q} Z[i,q]/(1 + sum_{r} Z[i,r]^2)
""")
EXAMPLES = (
    "used_twice",
    "layernorm",
    "softmax",
    "attention",
    "causal_log_sum_exp",
    "batchnorm",
    "lstm",
    "max_pool",
)


def names(program: Program) -> list[str]:
    return [equation.name for equation in program.equations()]


def test_hoisted_reductions_have_their_own_loops_and_names() -> None:
    program = hoist(NAIVE)
    assert names(program) == ["U", "S_sum", "S", "D_max", "D_sum", "D"] or names(program) == [
        "U", "S_sum", "S", "D_sum", "D_max", "D",
    ]  # fmt: skip
    hoisted = next(equation for equation in program.equations() if equation.name == "S_sum")
    assert [str(index) for index in hoisted.loops] == ["i"]
    assert not hoisted.given


@pytest.mark.parametrize("name", EXAMPLES)
def test_after_hoisting_every_equation_is_one_nest(name: str) -> None:
    for equation in hoist(vjp(WITNESSES[name]())).equations():
        assert accumulation(equation.value) is not None, equation


def test_a_function_in_a_sum_is_called_once_for_its_own_indices() -> None:
    text = "called(Z[m,d], W[n,d]) -> H\n    H[i,p] = sum_{j} tanh(Z[i,j]) W[p,j]"
    program = lowered(define(text))
    assert names(program) == ["H_tanh", "H"]
    assert [str(index) for index in program.defining("H_tanh")[0].loops] == ["i", "j"]
    once = define("once(Z[m,d]) -> H\n    H[i] = sum_{j} tanh(Z[i,j])")
    assert names(lowered(once)) == ["H"]


def test_what_is_computed_already_is_read() -> None:
    program = lowered(NAIVE)
    assert "S_sum" not in names(program)
    (s,) = program.defining("S")
    assert "U" in {ref.name for ref in s.value.atoms(Ref)}
    assert not s.value.has(Reduction)


def test_whoever_reads_a_copy_reads_the_first() -> None:
    program = define("""
twice(X[m,n]) -> Y
    A[i] = sum_{q} X[i,q]
    B[a] = sum_{r} X[a,r]
    Y[i] = A[i] B[i]
""")
    assert str(cse(program).defining("Y")[0].value) == "A[i]**2"


def test_different_things_stay_different() -> None:
    program = define("""
apart(X[n,n]) -> Y
    A[i] = sum_{q} X[i,q]
    B[i] = sum_{q} X[q,i]
    C[i] = max_{q} X[i,q]
    Y[i] = A[i] + 2 B[i] + 3 C[i]
""")
    assert names(cse(program)) == ["A", "B", "C", "Y"]


def test_the_dead_go_and_the_living_stay() -> None:
    program = replace(WITNESSES["lstm"](), outputs=("Y",))
    dead = Equation(Ref("Q", Index("i")), program.statements[0].ranges[:1], Ref("H0", Index("i"), 0))  # type: ignore[union-attr]
    longer = replace(program, statements=(*program.statements, dead))
    assert dce(longer).statements == program.statements


def test_a_result_follows_what_it_needs() -> None:
    found = names(order(vjp(WITNESSES["two_layer"]())))
    assert found.index("W2_bar") < found.index("A1_bar") < found.index("W1_bar")


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_pass_changes_a_value(name: str, rng: np.random.Generator) -> None:
    program = vjp(WITNESSES[name]())
    sizes = {"m": 3, "k": 4, "n": 5, "D": 3, "d": 2, "T": 3, "c": 2, "H": 5, "W": 6}
    inputs = _inputs(program, sizes, rng)
    expected = evaluate(program, inputs, sizes)
    for one in PASSES:
        program = verify(one(program), one.__name__)
        found = evaluate(program, inputs, sizes)
        for output in program.outputs:
            assert np.allclose(found[output], expected[output], rtol=1e-12, atol=1e-12, equal_nan=False)


def _inputs(program: Program, sizes: dict[str, int], rng: np.random.Generator) -> dict[str, np.ndarray]:
    from codegen.extents import evaluated

    shapes = {t.name: tuple(evaluated(size, sizes) for size in t.shape) for t in program.inputs}
    return {name: np.abs(rng.normal(size=shape)) for name, shape in shapes.items()}


def loopless(statement: Statement) -> Statement:
    assert isinstance(statement, Equation)
    return replace(statement, ranges=())


def test_what_is_hoisted_out_of_a_guard_is_read_behind_it(rng: np.random.Generator) -> None:
    program = define("before(X[m,n]) -> Y\n    Y[i,j] = X[i,j]")
    (equation,) = program.equations()
    i, q, n = Index("i"), Index("q"), Size("n")
    earlier = Where(Nonnegative(i - 1), Sum(Ref("X", i - 1, q), (q, n)), 0)
    program = program.with_statements((replace(equation, value=equation.value + earlier),))
    inputs = {"X": rng.normal(size=(3, 4))}
    assert names(hoist(program)) == ["Y_sum", "Y"]
    found = evaluate(hoist(program), inputs)["Y"]
    assert np.allclose(found, evaluate(program, inputs)["Y"], rtol=1e-14)


BROKEN: dict[str, Callable[[Program], Program]] = {
    "drops a definition": lambda p: p.with_statements(p.statements[1:]),
    "uses before definition": lambda p: p.with_statements(tuple(reversed(p.statements))),
    "defines twice": lambda p: p.with_statements((*p.statements, p.statements[0])),
    "forgets a declaration": lambda p: replace(p, locals=p.locals[1:]),
    "loses a loop": lambda p: p.with_statements((loopless(p.statements[0]), *p.statements[1:])),
    "loses an output": lambda p: replace(p, outputs=("nothing",)),
    "assigns an input": lambda p: replace(p, inputs=(*p.inputs, p.locals[0])),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_program_is_caught(what: str) -> None:
    program = WITNESSES["layernorm"]()
    assert not list(complaints(program))
    with pytest.raises(BrokenProgram, match="after the twin"):
        verify(BROKEN[what](program), "the twin")


@pytest.mark.parametrize("name", [name for name in WITNESSES if "recurrence" not in name])
def test_every_witness_passes_the_pipeline(name: str) -> None:
    assert not list(complaints(lowered(vjp(WITNESSES[name]()))))


@pytest.mark.parametrize(
    ("text", "kind", "terms", "finish"),
    [
        ("b[i] + sum_{q} X[i,q] X[i,q]", "sum", 1, "accumulated"),
        ("-b[i] sum_{q} X[i,q]", "sum", 1, "-accumulated*b[i]"),
        ("(sum_{q} X[i,q] - sum_{q} X[q,i])/n", "sum", 2, "accumulated/n"),
        ("exp(b[i] + sum_{q} X[i,q])", "sum", 1, "exp(accumulated)"),
        ("sum_{q} X[i,q]/sqrt(n)", "sum", 1, "accumulated/sqrt(n)"),
        ("max_{q} X[i,q]", "max", 1, "accumulated"),
        ("exp(b[i])", "", 0, "accumulated"),
        ("where(b[i] > 0, sum_{q} X[i,q], 0)", "sum", 1, "where(b[i] > 0, accumulated, 0)"),
    ],
)
def test_the_form_of_a_nest(text: str, kind: str, terms: int, finish: str) -> None:
    program = define(f"form(X[n,n], b[n]) -> Y\n    Y[i] = {text}")
    found = accumulation(program.defining("Y")[0].value)
    assert found is not None
    assert (found.kind, len(found.terms), str(found.finish)) == (kind, terms, finish)


def test_two_reductions_under_a_function_are_not_one_nest() -> None:
    program = define("form(X[n,n]) -> Y\n    Y[i] = exp(sum_{q} X[i,q]) + max_{q} X[i,q]")
    assert accumulation(program.defining("Y")[0].value) is None
    assert ACCUMULATED.is_real


PARTED = define("""
parted(Q[t,n], K[t,n]) -> A, B
    A[c<3,i,j] = where(c == 0, Q[i,j], 0) + where(c == 2, K[i,j]^2, 0)
    B[c<3,i,j] = where(c == 0, Q[i,j], 0) + K[i,j]
""")


def test_an_axis_that_chooses_among_terms_is_filled_place_by_place(rng: np.random.Generator) -> None:
    program = verify(split(PARTED), "split")
    assert [str(e.target) for e in program.equations()] == ["A[0,i,j]", "A[1,i,j]", "A[2,i,j]", "B[c,i,j]"]
    inputs = {"Q": rng.normal(size=(4, 5)), "K": rng.normal(size=(4, 5))}
    found, expected = (evaluate(each, inputs) for each in (program, PARTED))
    for name in program.outputs:
        np.testing.assert_array_equal(found[name], expected[name])

"""A branch between 1 and a decay as the larger of both, and values of two equations under one name."""

from sympy import Abs, Integer, exp

from codegen.passes.exponents import exponents
from codegen.passes.shared import shared
from derive.calculus.expressions.nodes import Nonnegative, Positive, Where
from derive.calculus.expressions.tensor import Axis, Index, Ref, Size, Tensor
from derive.calculus.program.program import Equation, Program, Recurrence

N, T = Size("n"), Size("T")
i, t = map(Index, "it")
A, E = Ref("A", i), Ref("E", i)
ROW = (Axis("i", N),)


def program(*equations: tuple[str, object]) -> Program:
    made = tuple(Equation(Ref(name, i), ((i, N),), value) for name, value in equations)
    locals_ = tuple(Tensor(equation.name, ROW) for equation in made)
    return Program("P", (Tensor("A", ROW), Tensor("B", ROW)), made, (made[-1].name,), locals_)


def last(made: Program) -> object:
    return list(made.equations())[-1].value


def test_one_or_a_decay_is_the_larger_of_both() -> None:
    made = program(("E", exp(-Abs(A))), ("C", Where(Nonnegative(A), 1, E)))
    one = Where(Nonnegative(A), Integer(1), Integer(0))
    assert last(exponents(made)) == Where(Positive(E - one), E, one)


def test_a_decay_of_something_else_stays_a_branch() -> None:
    for decay, condition in ((exp(-2 * Abs(A)), A), (exp(-Abs(Ref("B", i))), A), (exp(Abs(A)), A)):
        made = program(("E", decay), ("C", Where(Nonnegative(condition), 1, E)))
        assert last(exponents(made)) == last(made)


def test_what_two_equations_divide_has_a_name() -> None:
    value = E - E / (1 + E)
    made = shared(program(("E", exp(A)), ("G", A * value), ("F", Ref("B", i) * value)))
    names = [equation.name for equation in made.equations()]
    assert names == ["E", "Q", "G", "F"]
    assert made.defining("Q")[0].value == value
    assert last(made) == Ref("B", i) * Ref("Q", i)
    assert made.tensor("Q").shape == (N,)


def test_in_a_recurrence_the_name_has_the_step_first() -> None:
    X, H = Ref("X", t, i), Ref("H", t, i)
    value = X - X / (1 + X)
    axes = (Axis("t", T), Axis("i", N))
    equation = Equation(H, ((i, N),), X * value)
    after = Equation(Ref("S", t, i), ((t, T), (i, N)), Ref("B", i) * value)
    locals_ = (Tensor("H", axes), Tensor("S", axes))
    made = shared(
        Program(
            "P",
            (Tensor("X", axes), Tensor("B", ROW)),
            (Recurrence(t, T, (equation,)), after),
            ("H", "S"),
            locals_,
        )
    )
    loop = made.statements[0]
    assert isinstance(loop, Recurrence)
    assert [str(one.target) for one in loop.equations] == ["Q[t,i]", "H[t,i]"]
    assert last(made) == Ref("B", i) * Ref("Q", t, i)

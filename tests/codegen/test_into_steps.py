"""What a step of a recurrence determines is computed in it, and nothing else is."""

from codegen.passes.into_steps import into_steps
from derive.calculus.expressions.nodes import Sum
from derive.calculus.expressions.tensor import Axis, Index, Ref, Size, Tensor
from derive.calculus.program.program import Equation, Program, Recurrence

N, T = Size("n"), Size("T")
i, j, t, u = map(Index, "ijtu")
STEPS = (Axis("t", T), Axis("i", N))


def program(*after: Equation) -> Program:
    """B[t,i] = 2 X[t,i] step by step, then what is given."""
    step = Equation(Ref("B", t, i), ((i, N),), 2 * Ref("X", t, i))
    names = {equation.name: equation for equation in after}
    locals_ = [Tensor(n, tuple(Axis(str(k), size) for k, size in e.ranges)) for n, e in names.items()]
    loop = Recurrence(t, T, (step,), reverse=True)
    return Program("P", (Tensor("X", STEPS),), (loop, *after), tuple(names), (Tensor("B", STEPS), *locals_))


def inside(made: Program) -> list[str]:
    loop = into_steps(made).statements[0]
    assert isinstance(loop, Recurrence)
    return [str(equation) for equation in loop.equations[1:]]


def test_what_reads_its_step_alone_is_computed_in_it() -> None:
    body = Sum(Ref("B", u, i) * Ref("X", u, i), (i, N))
    made = program(Equation(Ref("W", u), ((u, T),), body))
    assert inside(made) == ["W[t] = sum_{i<n}(B[t,i]*X[t,i])"]
    assert len(into_steps(made).statements) == 1


def test_what_reads_another_step_stays() -> None:
    body = Ref("B", t, i) * Ref("B", T - 1 - t, i)
    assert not inside(program(Equation(Ref("W", t, i), ((t, T), (i, N)), body)))
    total = Sum(Ref("B", t, i), (t, T))
    assert not inside(program(Equation(Ref("S", i), ((i, N),), total)))


def test_what_reads_a_later_statement_stays() -> None:
    first = Equation(Ref("S", i), ((i, N),), Sum(Ref("B", t, i), (t, T)))
    second = Equation(Ref("W", t, i), ((t, T), (i, N)), Ref("B", t, i) * Ref("S", i))
    assert not inside(program(first, second))


def test_what_reads_nothing_of_the_recurrence_stays() -> None:
    assert not inside(program(Equation(Ref("W", t, i), ((t, T), (i, N)), 3 * Ref("X", t, i))))


def carried(step: Equation, *after: Equation) -> list[str]:
    """The reversed recurrence from Z[T] on, and what is read of it."""
    start = Equation(Ref("Z", T, i), ((i, N),), Ref("X", 0, i))
    loop = Recurrence(t, T, (step,), reverse=True)
    locals_ = (Tensor("Z", (Axis("t", T + 1), Axis("i", N))), Tensor("W", (STEPS[0], STEPS[1])))
    made = into_steps(Program("P", (Tensor("X", STEPS),), (start, loop, *after), ("W",), locals_))
    found = next(one for one in made.statements if isinstance(one, Recurrence))
    return [str(equation.target) for equation in found.equations]


def test_what_an_earlier_step_or_the_boundary_computed_is_there_before_the_step() -> None:
    step = Equation(Ref("Z", t, i), ((i, N),), Ref("Z", t + 1, i) * Ref("X", t, i))
    read = Equation(Ref("W", t, i), ((t, T), (i, N)), 2 * Ref("Z", t + 1, i))
    assert carried(step, read) == ["W[t,i]", "Z[t,i]"]


def test_what_the_next_step_computes_is_not_there() -> None:
    step = Equation(Ref("Z", t + 1, i), ((i, N),), Ref("X", t, i))
    late = Equation(Ref("W", t, i), ((t, T), (i, N)), 2 * Ref("Z", t, i))
    assert carried(step, late) == ["Z[t + 1,i]"]


def test_a_boundary_that_comes_after_the_steps_is_not_there() -> None:
    step = Equation(Ref("Z", t, i), ((i, N),), Ref("X", t, i))
    end = Equation(Ref("Z", T, i), ((i, N),), Ref("X", 0, i))
    read = Equation(Ref("W", t, i), ((t, T), (i, N)), 2 * Ref("Z", t + 1, i))
    loop = Recurrence(t, T, (step,), reverse=True)
    locals_ = (Tensor("Z", (Axis("t", T + 1), Axis("i", N))), Tensor("W", STEPS))
    made = into_steps(Program("P", (Tensor("X", STEPS),), (loop, end, read), ("W",), locals_))
    assert len(made.statements) == 3

"""A dividend beside a factor with its divisor is read as the quotient that has a name."""

from codegen.passes.quotients import quotients
from derive.calculus.expressions.tensor import Axis, Index, Ref, Size, Tensor
from derive.calculus.program.program import Equation, Program

M, K = Size("m"), Size("k")
i, j, r = map(Index, "ijr")
WHOLE, ROW = (Axis("i", M), Axis("j", K)), (Axis("i", M),)


def program(*equations: tuple[Ref, object], outputs: tuple[str, ...] = ("R",)) -> Program:
    """P = E/T, then these; E, T, X are given."""
    first = (Ref("P", i, j), Ref("E", i, j) / Ref("T", i))
    made = tuple(
        Equation(target, tuple((k, M if k == i else K) for k in target.indices), value)
        for target, value in (first, *equations)
    )
    inputs = (Tensor("E", WHOLE), Tensor("T", ROW), Tensor("X", WHOLE))
    return Program("P", inputs, made, outputs, tuple(Tensor(one.name, WHOLE) for one in made))


def texts(made: Program) -> list[str]:
    return [str(equation.value) for equation in quotients(made).equations()]


def test_the_divisor_goes_into_the_quotient() -> None:
    bar = (Ref("D", i, r), (Ref("X", i, r) - 1) / Ref("T", i))
    made = program(bar, (Ref("R", i, j), Ref("E", i, j) * Ref("D", i, j)))
    assert texts(made) == ["E[i,j]/T[i]", "X[i,r] - 1", "D[i,j]*P[i,j]"]


def test_a_factor_that_others_read_keeps_its_divisor() -> None:
    bar = (Ref("D", i, j), Ref("X", i, j) / Ref("T", i))
    read = ((Ref("R", i, j), Ref("E", i, j) * Ref("D", i, j)), (Ref("S", i, j), 2 * Ref("D", i, j)))
    made = program(bar, *read, outputs=("R", "S"))
    assert quotients(made) is made


def test_another_divisor_is_none() -> None:
    bar = (Ref("D", i, j), Ref("X", i, j) / Ref("X", i, j) ** 2)
    made = program(bar, (Ref("R", i, j), Ref("E", i, j) * Ref("D", i, j)))
    assert quotients(made) is made
    column = (Ref("D", i, j), Ref("X", i, j) / Ref("T", j))
    made = program(column, (Ref("R", i, j), Ref("E", i, j) * Ref("D", i, j)))
    assert quotients(made) is made

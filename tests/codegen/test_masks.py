"""Guards that are left out where the value is 0 anyway, and those that stay."""

import pytest
from sympy import Expr, Integer, exp

from codegen.passes.masks import unmasked
from derive.calculus.expressions.nodes import Nonnegative, Sum, Where
from derive.calculus.expressions.tensor import Axis, Index, Ref, Size, Tensor
from derive.calculus.program.program import Equation, Program

T, N = Size("T"), Size("n")
t, s, u, j = map(Index, "tsuj")
SQUARE = (Axis("t", T), Axis("s", T))
CAUSAL = Nonnegative(t - s)


def program(*values: tuple[str, tuple[Index, ...], object]) -> Program:
    """E[t,s] = where(t >= s, X[t,s], 0), then what is given."""
    inputs = (Tensor("X", SQUARE), Tensor("V", (Axis("s", T), Axis("j", N))), Tensor("R", (Axis("t", T),)))
    first = Equation(Ref("E", t, s), ((t, T), (s, T)), Where(CAUSAL, Ref("X", t, s), 0))
    sizes = {j: N}
    rest = [
        Equation(Ref(name, *loops), tuple((i, sizes.get(i, T)) for i in loops), value)
        for name, loops, value in values
    ]
    locals_ = [Tensor(e.name, tuple(Axis(str(i), extent) for i, extent in e.ranges)) for e in (first, *rest)]
    return Program("P", inputs, (first, *rest), (rest[-1].name,), tuple(locals_))


def value(made: Program) -> object:
    return list(unmasked(made).equations())[-1].value


def test_a_product_with_what_is_masked_needs_no_mask() -> None:
    body = Ref("E", t, s) * Ref("V", s, j)
    masked = Sum(Where(CAUSAL, body, 0), (s, T))
    assert value(program(("O", (t, j), masked))) == Sum(body, (s, T))


def test_the_mask_is_the_same_under_other_letters() -> None:
    body = Ref("E", u, t) * Ref("V", u, j)
    masked = Sum(Where(Nonnegative(u - t), body, 0), (u, T))
    assert value(program(("O", (t, j), masked))) == Sum(body, (u, T))


def test_a_mask_that_is_another_stays() -> None:
    for condition in (Nonnegative(s - t), Nonnegative(t - s - 1)):
        masked = Where(condition, Ref("E", t, s) * Ref("X", t, s), 0)
        assert value(program(("O", (t, s), masked))) == masked


def test_a_sum_needs_no_mask_where_no_term_does() -> None:
    both = Ref("E", t, s) * Ref("X", t, s) + 2 * Ref("E", t, s)
    assert value(program(("O", (t, s), Where(CAUSAL, both, 0)))) == both
    one = Where(CAUSAL, Ref("E", t, s) + Ref("X", t, s), 0)
    assert value(program(("O", (t, s), one))) == one


def test_a_divisor_of_a_row_may_stand_without_the_mask_and_one_of_an_element_may_not() -> None:
    row = Ref("E", t, s) / Ref("R", t)
    assert value(program(("O", (t, s), Where(CAUSAL, row, 0)))) == row
    element = Where(CAUSAL, Ref("E", t, s) / Ref("X", t, s), 0)
    assert value(program(("O", (t, s), element))) == element


def test_what_is_only_read_beside_what_is_masked_needs_no_mask() -> None:
    whole = Sum(Ref("V", s, j) * Ref("V", t, j), (j, N))
    read = Ref("E", t, s) * (Ref("U", t, s) - Ref("R", t))
    made = program(("U", (t, s), Where(CAUSAL, whole, 0)), ("O", (t, s), read))
    assert unmasked(made).defining("U")[0].value == whole


@pytest.mark.parametrize(
    "read",
    [
        Ref("E", t, s) + Ref("U", t, s),
        Ref("E", s, t) * Ref("U", t, s),
        Ref("E", t, s) * Sum(Ref("U", t, s), (s, T)),
        Ref("U", t, s) ** 2,
        exp(Ref("E", t, s) * Ref("U", t, s)) * Ref("U", t, s),
    ],
)
def test_what_is_read_otherwise_keeps_its_mask(read: Expr) -> None:
    masked = Where(CAUSAL, Sum(Ref("V", s, j) * Ref("V", t, j), (j, N)), 0)
    made = program(("U", (t, s), masked), ("O", (t, s), read))
    assert unmasked(made).defining("U")[0].value == masked


def test_of_two_that_mask_each_other_one_keeps_its_mask() -> None:
    masked = Where(CAUSAL, Ref("X", t, s) * 2, 0)
    made = unmasked(program(("U", (t, s), masked), ("O", (t, s), Ref("E", t, s) * Ref("U", t, s))))
    kept = [isinstance(made.defining(name)[0].value, Where) for name in ("E", "U")]
    assert sum(kept) == 1


def test_what_several_equations_fill_has_no_known_support() -> None:
    masked = Where(CAUSAL, Ref("E", t, s) * Integer(3), 0)
    made = program(("E", (t, s), Ref("X", t, s)), ("O", (t, s), masked))
    assert value(made) == masked

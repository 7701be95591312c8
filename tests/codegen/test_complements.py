"""What is left of a value by a part of it, as one quotient."""

from typing import Any

import pytest

from codegen.passes.complements import complements
from derive.calculus.program import Equation, Program
from derive.calculus.tensor import Axis, Index, Ref, Size, Tensor

i = Index("i")
ROW = (Axis("i", Size("n")),)
C, E = Ref("C", i), Ref("E", i)


def value(given: Any) -> Any:
    equation = Equation(Ref("G", i), ((i, Size("n")),), given)
    inputs = Tensor("C", ROW), Tensor("E", ROW)
    made = Program("P", inputs, (equation,), ("G",), (Tensor("G", ROW),))
    return next(complements(made).equations()).value


def test_a_difference_is_a_quotient() -> None:
    assert value(C - C * E / (1 + E)) == C / (1 + E)
    assert value(E * (1 - E / (1 + E)) + 2) == E / (1 + E) + 2


@pytest.mark.parametrize("given", [C - C * E / (2 + E), C - E / (1 + E), C + C * E / (1 + E), C - E])
def test_another_difference_stays(given: Any) -> None:
    assert value(given) == given

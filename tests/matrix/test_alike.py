"""What is found under placeholders is what is found under the names themselves."""

import pytest
from sympy.core.basic import Basic

from derive.calculus.arrays.base import MatrixFormError
from derive.calculus.arrays.matrix import Forms, matrix_form
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.alike import placeholders
from derive.calculus.expressions.tensor import Index, Ref, Size
from derive.calculus.program.program import Equation, Program
from derive.networks.classifiers import perceptron
from tests.witnesses.definitions import WITNESSES

i, p, m, n = Index("i"), Index("p"), Size("m"), Size("n")


@pytest.mark.parametrize("name", [name for name in WITNESSES if "pool" not in name and "conv" not in name])
def test_forms_of_a_witness(name: str) -> None:
    _require_equal_forms(vjp(WITNESSES[name]()))


def test_a_deep_network_has_few_forms() -> None:
    network = perceptron((7, 6, 5, 4, 3, 2), bias=True, name="deep")
    found = _require_equal_forms(vjp(network.program, network.trained))
    deeper = perceptron((9, 8, 7, 6, 5, 4, 3, 2), bias=True, name="deep")
    assert len(_require_equal_forms(vjp(deeper.program, deeper.trained))) == len(found)


def _require_equal_forms(program: Program) -> Forms:
    forms: Forms = {}
    for equation in program.equations():
        assert matrix_form(equation, program, forms=forms) == matrix_form(equation, program)
    assert forms
    return forms


@pytest.mark.parametrize("names", [("X", "W1"), ("Z2", "Z2_bar"), ("b", "B", "a"), ("Z9", "Z10")])
def test_placeholders_keep_the_order_of_names(names: tuple[str, ...]) -> None:
    renaming = placeholders([Ref(name, i, m) for name in names])
    kept = sorted(renaming, key=str)
    assert sorted(renaming.values(), key=str) == [renaming[name] for name in kept]
    assert [str(placeholder)[0] for placeholder in renaming.values()] == [str(name)[0] for name in renaming]


def test_names_without_one_order_have_no_placeholders() -> None:
    """Z2 is before Z21, but Z21[i] before Z2[i]."""
    found: dict[Basic, Basic] = placeholders([Ref("Z2", i), Ref("Z21", i)])
    assert found == {}


def test_refusals_have_the_names_themselves() -> None:
    program = WITNESSES["linear"]()
    tensor = program.inputs[0]
    equation = Equation(Ref("Y", i, p), ((i, m), (p, n)), tensor[i, p] ** tensor[i, p])
    with pytest.raises(MatrixFormError, match=tensor.name) as caught:
        matrix_form(equation, program, forms={})
    assert "~" not in str(caught.value)

"""Operations by arithmetic, names, the mapping of parameters, the two numbers of an array."""

import numpy as np
import pytest

from bench.cases import CASES, NETWORKS, chosen
from bench.data import contraction, gpt, layer, perceptron, training
from bench.ours.names import GPT, ours
from bench.summary import summary


@pytest.mark.parametrize(
    ("name", "million"),
    [("mlp2", 31.96), ("gpt_s", 2718), ("nn_64_64_64", 0.524288), ("lenet", 144.89)],
)
def test_operations_by_arithmetic(name: str, million: float) -> None:
    assert CASES[name].flops / 1e6 == pytest.approx(million, rel=1e-3)


def test_names_groups_and_networks() -> None:
    assert [case.name for case in chosen(["tiny", "mlp2", "tiny16"])] == ["tiny1", "tiny16", "mlp2"]
    assert chosen([]) == list(NETWORKS)
    assert {case.group for case in chosen(["layers", "contractions"])} == {"layers", "contractions"}
    assert all(case.name.startswith("odd") for case in chosen(["odd"]))
    with pytest.raises(KeyError, match="mlp9"):
        chosen(["mlp9"])


def test_data_is_filled_and_the_same_each_time() -> None:
    case = CASES["mlp3"]
    first, second = training(case), training(case)  # type: ignore[arg-type]
    for name, value in first.parameters.items():
        assert np.array_equal(value, second.parameters[name])
    assert all(batch.any() and batch.dtype == np.float32 for batch in first.inputs)
    assert list(perceptron(CASES["mlp2"]).parameters) == ["W1", "W2"]  # type: ignore[arg-type]


def test_operands_lie_as_the_form_says() -> None:
    a, b = contraction(CASES["tn_784_100_100"])  # type: ignore[arg-type]
    assert (a.shape, b.shape) == ((100, 784), (100, 100))
    a, b = contraction(CASES["nt_100_784_100"])  # type: ignore[arg-type]
    assert (a.shape, b.shape) == ((100, 100), (784, 100))


def test_a_pullback_has_a_cotangent() -> None:
    assert list(layer(CASES["softmax"])) == ["X"]  # type: ignore[arg-type]
    assert list(layer(CASES["layernorm_vjp"])) == ["X", "g", "b", "Y_bar"]  # type: ignore[arg-type]


def test_every_parameter_of_the_gpt_has_a_name_of_ours() -> None:
    theirs = gpt(CASES["gpt_s"]).parameters  # type: ignore[arg-type]
    renamed = ours("gpt", theirs)
    assert sum(value.size for value in renamed.values()) == sum(value.size for value in theirs.values())
    assert len(set(GPT.values())) == len(GPT)
    assert np.array_equal(renamed["Wa"][2], theirs["2.qkv_w"])
    assert ours("lenet", theirs) == dict(theirs)


def test_two_numbers_see_signs_and_places() -> None:
    array = np.array([1.0, 2.0, 3.0])
    assert summary([array]) != summary([-array])
    assert summary([array]) != summary([array[::-1]])
    assert summary([array[:1], array[1:]]) == summary([array])

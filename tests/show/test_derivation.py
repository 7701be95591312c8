"""The derivation that is shown: the chain, the factors as if scalars, the form whose sizes match."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from derive.calculus.arrays.algebra import array, difference, matmul, number, quotient, transpose
from derive.calculus.arrays.forms import OneHot
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.tensor import Size
from derive.commands.show import show
from derive.layers.registry import layer
from derive.networks.registry import NETWORKS, network
from derive.show.derivation import NOTES, derivation, show_program

m, n, d, k = (Size(letter) for letter in "mndk")


def test_softmax_regression_ends_in_g2() -> None:
    net = network("softmax_regression")
    program = replace(net.program, outputs=(net.loss,))
    found = derivation(program, vjp(program, wrt=net.trained), net.loss, "Theta")
    error = difference(array("S", m, k), OneHot(array("y", m, integer=True), k))
    assert found.result == quotient(matmul(transpose(array("X", m, n)), error), number(m))
    ((logits, weights),) = found.paths
    assert logits[:2] == ("L", "H")
    assert logits[2] == quotient(error, number(m))
    assert weights == ("H", "Theta", array("X", m, n))


def test_the_middle_step_is_shown() -> None:
    net = network("two_layer_tanh")
    text = show_program(net.program, ("W1",), net.loss, trained=net.trained)
    chain, scalars, fitting, sizes = text.split("by W1\n")[1].split("\n")
    assert "dL/dH · dH/dZ2 · dZ2/dA1 · dA1/dW1" in chain
    assert "(S - I_y)/m · W2 · (1 - tanh(A1)^2) · X" in scalars
    assert "Xᵀ ((((S - I_y) W2ᵀ) ∘ (1 - Z2^2))/m)   (n, d)" in fitting
    assert all(note in line for note, line in zip(NOTES, (chain, scalars, fitting), strict=True))
    assert "W2 (d, k)" in sizes


def test_every_path_is_shown() -> None:
    net = network("residual")
    text = show_program(net.program, ("W1",), net.loss, trained=net.trained)
    assert text.count(NOTES[0]) == 2  # through the skip, and through U twice


def test_a_layer_is_shown_as_a_pullback() -> None:
    text = show_program(layer("layernorm"), ("g",))
    assert "g_bar = (Xhat ∘ Y_bar)ᵀ 1   (n)" in text


def test_the_command() -> None:
    result = CliRunner().invoke(show, ["two_layer", "--wrt", "W2", "--latex"])
    assert result.exit_code == 0
    assert r"\begin{align*}" in result.output
    assert r"Z_{2}^{\top}" in result.output


@pytest.mark.parametrize("arguments", [["nothing"], ["two_layer", "--wrt", "W9"]])
def test_unknown_names_are_refused(arguments: list[str]) -> None:
    result = CliRunner().invoke(show, arguments)
    assert result.exit_code != 0
    assert "nothing" in str(result.exception) or "W9" in str(result.exception)


def test_a_recurrence_is_shown_step_by_step() -> None:
    net = network("gpt")
    text = show_program(net.program, ("Wf",), net.loss, trained=net.trained)
    assert "M[l]      = max_T where((i ≥ j), R_l, -∞)" in text
    before, inside = text.split("by Wf\n")[1].split("    for l = L - 1 .. 0:\n")
    assert "Z_bar[L] = r ∘ (Xhat_bar - (Xhat ∘ (Σ_d (Xhat ∘ Xhat_bar)/d)) - (Σ_d Xhat_bar/d))" in before
    assert "        Z_bar[l] = r1_l ∘ (Xhat1_bar_l - " in inside
    assert inside.splitlines()[-1] == "    Wf_bar = einsum(ijkl,ijkm→iml; F_bar, N2)   (L, d, f)"


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_shown(name: str) -> None:
    for words in ([name], [name, "--latex"]):
        result = CliRunner().invoke(show, words)
        assert result.exit_code == 0, result.output
        assert f"by {network(name).trained[0]}" in result.output

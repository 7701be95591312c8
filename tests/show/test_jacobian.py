"""Jacobians by their structure: what is said of each is what the dense one shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from derive.calculus.definition.define import define
from derive.calculus.derivation.jacobian import Jacobian, jacobian
from derive.calculus.derivation.jvp import jvp
from derive.calculus.derivation.structure import Shape, Structure, structure
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.tensor import Kind
from derive.calculus.program.program import Program
from derive.check.evaluate import evaluate
from derive.check.jacobians import complaints, dense_jacobian
from derive.check.sampling import random_inputs, random_sizes
from derive.commands.show import show
from derive.errors import DeriveError
from derive.layers.registry import layer
from derive.show.jacobian import matrix, words
from derive.show.notation import LATEX, TEXT
from tests.witnesses.definitions import WITNESSES

BLOCKS = "block diagonal, a block for each "
SAME = "Kronecker product with an identity, the same block for every "
SHOWN = {
    ("softmax", "Z"): (BLOCKS + "i: diagonal plus rank 1", "diag(S[i,:]) - S[i,:] S[i,:]ᵀ"),
    ("linear", "X"): (SAME + "i: dense", "I_m ⊗ Wᵀ"),
    ("linear", "W"): (SAME + "j: dense", "X ⊗ I_d"),
    ("linear", "b"): (SAME + "j: rank 1", ""),
    ("tanh", "X"): ("diagonal", "diag(1 - Y[i,j]^2)"),
    ("relu", "X"): ("diagonal", "diag([Y[i,j] > 0])"),
    ("conv2d", "X"): (SAME + "e: Toeplitz", ""),
    ("conv2d", "K"): (SAME + "o: Hankel", ""),
    ("embedding", "E"): (SAME + "i1: selection", "[x[t1] = i] ⊗ I_d"),
    ("max_pool", "X"): (BLOCKS + "e, c: selection", ""),
    ("cumulative_sum", "x"): ("lower triangular", ""),
    ("attention", "V"): (SAME + "j: lower triangular", "[where(t1 ≥ s, P[t1,s], 0)] ⊗ I_d"),
    ("transpose", "X"): ("permutation of axes, identity", ""),
    ("batchnorm", "X"): (
        BLOCKS + "j: diagonal plus rank 2",
        "diag(g[j] r[j]) - g[j] r[j]/m 1 1ᵀ - (Xhat[:,j] g[j] r[j]/m) Xhat[:,j]ᵀ",
    ),
    ("squared_error", "H"): ("one row: the gradient", ""),
    ("residual_block", "X"): (BLOCKS + "i: identity plus dense", ""),
}
WITHOUT_STEPS = [
    name
    for name in WITNESSES
    if "by_hand" not in name and name not in ("lstm", "gru", "elman", "layers_recurrence")
    if name not in ("vector_layers_recurrence", "activations", "two_layer")
]


def found(name: str, by: str) -> tuple[Program, Jacobian]:
    program = replace(layer(name), facts=())
    return program, jacobian(program, program.outputs[0], by)


@pytest.mark.parametrize(("name", "by"), SHOWN)
def test_the_structure_is_named(name: str, by: str) -> None:
    _, one = found(name, by)
    kind = structure(one)
    assert (words(one, kind), matrix(one, kind, TEXT)) == SHOWN[name, by]


@pytest.mark.parametrize("name", WITHOUT_STEPS)
def test_what_is_said_is_so(name: str) -> None:
    program = replace(WITNESSES[name](), facts=())
    for tensor in program.inputs:
        if tensor.kind is Kind.REAL:
            one = jacobian(program, program.outputs[0], tensor.name)
            assert complaints(program, one, structure(one), seed=1) == [], tensor.name


def claimed(one: Jacobian, **changes: object) -> Structure:
    return replace(structure(one), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["batchnorm", "max_pool", "cumulative_sum", "elman", "independent"])
def test_all_unit_vectors_at_once_are_one_after_the_other(name: str) -> None:
    independent = define("independent(X[m,n], b[k]) -> Y\n Y[i,j] = X[i,j] + 0*b[0]")
    program = independent if name == "independent" else layer(name)
    by, output = program.inputs[-1 if name == "independent" else 0], program.tensor(program.outputs[0])
    sizes = random_sizes(program, 0)
    inputs = random_inputs(program, sizes, 0)
    dense = dense_jacobian(program, output, by, sizes, inputs)
    pushforward = jvp(program, (by.name,))
    for place in np.ndindex(inputs[by.name].shape):
        unit = np.zeros(inputs[by.name].shape)
        unit[place] = 1
        given = {**inputs, f"{by.name}_dot": unit}
        pushed = evaluate(pushforward, {t.name: given[t.name] for t in pushforward.inputs}, sizes)
        column = pushed[f"{output.name}_dot"]
        np.testing.assert_array_equal(
            dense[(..., *place)], np.broadcast_to(column, dense.shape[: column.ndim])
        )


def test_a_wrong_entry_is_seen() -> None:
    program, one = found("softmax", "Z")
    terms = tuple(replace(term, value=-term.value) for term in one.terms)
    assert "entries" in complaints(program, replace(one, terms=terms), structure(one))


@pytest.mark.parametrize(
    ("name", "by", "shape"),
    [
        ("softmax", "Z", Shape.DIAGONAL),
        ("softmax", "Z", Shape.RANK_ONE),
        ("softmax", "Z", Shape.SELECTION),
        ("cumulative_sum", "x", Shape.UPPER),
        ("layernorm", "X", Shape.LOWER),
    ],
)
def test_a_wrong_claim_is_seen(name: str, by: str, shape: Shape) -> None:
    program, one = found(name, by)
    assert complaints(program, one, claimed(one, shapes=(shape,))) != []


def test_blocks_that_differ_are_not_called_alike() -> None:
    program, one = found("softmax", "Z")
    assert "blocks alike" in complaints(program, one, claimed(one, alike=True))
    program, one = found("cumulative_sum", "x")
    assert "blocks" in complaints(program, one, claimed(one, blocks=((0, 0),)))


def test_an_unknown_composition_needs_no_name() -> None:
    program = define("odd(x[n], A[n,n]) -> y\n    y[i] = x[i]^3 + sum_{p} A[i,p] x[p] sin(x[i])")
    one = jacobian(program, "y", "x")
    assert complaints(program, one, structure(one)) == []
    assert structure(one).words() == "diagonal plus dense"


def test_a_recurrence_has_one_of_another_kind() -> None:
    with pytest.raises(DeriveError, match=r"lstm has a recurrence: .* recurrent_jacobian gives it"):
        found("lstm", "X")


def test_a_cotangent_has_no_jacobian_of_its_own() -> None:
    program = vjp(layer("linear"))
    with pytest.raises(DeriveError, match=r"Y_bar has the name of a cotangent, .* rename it"):
        jacobian(program, "X_bar", "W")


def test_the_command_shows_text_and_latex() -> None:
    plain = CliRunner().invoke(show, ["softmax", "--jacobian"])
    assert "dS[i,j1]/dZ[i,q] = [j1 = q] S[i,q] - S[i,j1] S[i,q]" in plain.output
    latex = CliRunner().invoke(show, ["linear", "--jacobian", "--wrt", "X", "--latex"])
    assert "I_m \\otimes W^{\\top}" in latex.output
    _, one = found("softmax", "Z")
    right = "\\mathrm{diag}\\left(S_{i,:}\\right) - S_{i,:} S_{i,:}^{\\top}"
    assert matrix(one, structure(one), LATEX) == right

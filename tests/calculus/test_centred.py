"""Scores by their distances from the maximum: where a value moves with no score, and nowhere else."""

import pytest

from codegen.plan.pipeline import lowered
from derive.calculus.definition.define import define
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.tensor import names_read
from derive.calculus.program.program import Program
from derive.calculus.stable.stabilise import stabilise

SOFTMAX = "S[i,j] = exp(Z[i,j])/sum_{q} exp(Z[i,q])"
NAMED = "N[i] = log(sum_{q} exp(Z[i,q]))"


def forward(*lines: str) -> Program:
    head = "odd(Z[m,k], C[m,k], integer y[m]) -> L"
    return stabilise(define("\n".join([head, *(f"    {line}" for line in lines)])))


def reads(program: Program, name: str) -> frozenset[str]:
    (equation,) = lowered(program).defining(name)
    return names_read(equation.value)


@pytest.mark.parametrize("power", ["", "^2"])
def test_what_moves_with_no_score_reads_distances(power: str) -> None:
    loss = forward(SOFTMAX, f"L = sum_{{i,j}} S[i,j] log(S[i,j]){power}")
    found = reads(vjp(loss), "Z_bar")
    assert "D" in found
    assert not {"Z", "M"} & found


def test_what_has_a_name_is_seen_through() -> None:
    found = reads(forward(NAMED, "L = sum_{i,j} C[i,j] (Z[i,j] - N[i])"), "L")
    assert {"D", "T"} <= found
    assert not {"Z", "M", "N"} & found


@pytest.mark.parametrize(
    "loss",
    [
        "sum_{i,j} S[i,j] Z[i,j]",
        "sum_{i,j} (Z[i,j] - 2 N[i]) S[i,j]",
        "sum_{i,j} C[i,j] (Z[i,j] - N[i])^2 Z[i,j]",
    ],
)
def test_what_moves_stays(loss: str) -> None:
    """Each changes where all scores do: S sums to 1, so that the mean score moves by as much."""
    found = reads(forward(SOFTMAX, NAMED, f"L = {loss}"), "L")
    assert "Z" in found
    assert "D" not in found


def test_a_cross_entropy_stays_as_it_is() -> None:
    loss = forward(SOFTMAX, "L = -sum_{i} log(S[i,y[i]])")
    assert "D" not in lowered(loss).tensors
    assert "D" not in lowered(vjp(loss)).tensors

"""Jacobians of recurrences: every entry is the dense one's, and that of one turn has the structure shown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner

from derive.calculus.definition.define import define
from derive.calculus.derivation.recurrent_jacobian import RecurrentJacobian, recurrent_jacobian
from derive.calculus.derivation.structure import structure
from derive.calculus.expressions.tensor import Kind
from derive.calculus.program.program import Equation, Program, Recurrence
from derive.check.recurrent_jacobians import recurrent_complaints
from derive.commands.show import show
from derive.errors import DeriveError
from derive.layers.registry import layer
from derive.show.jacobian import words
from tests.witnesses.definitions import UNDETERMINED, WITNESSES

DEFINITIONS = {
    "momentum": """momentum(X[T,n], W0[n], A[n,n], mu, eta) -> Y
        V[0,i<n] = 0
        W[0,i<n] = W0[i]
        for t < T:
            G[t,i] = sum_{p} A[i,p] W[t,p] + W[t,i]^3 + X[t,i]
            V[t+1,i] = mu V[t,i] + G[t,i]
            W[t+1,i] = W[t,i] - eta V[t+1,i]
        Y[i] = W[T,i]""",
    "scalar": """decay(x[T], a) -> y
        s[0] = x[0]
        for t < T:
            s[t+1] = s[t]/(1 + exp(-a)) + x[t]
        y = s[T]""",
    "two turns back": """back(x[n], z[T], a) -> y
        s[0,i<n] = x[i]
        s[1,i<n] = x[i]^2
        for t < T:
            s[t+2,i] = a s[t+1,i] + z[t] sin(s[t,i]) + sum_{q} s[t,q]
        y[i] = s[T+1,i]""",
    "what a turn names is read outside": """named(x[T,n], w, b[n]) -> y
        z[t<T,j] = x[t,j] w + b[j]
        h[0,j<n] = 0
        for t < T:
            g[t,j] = tanh(h[t,j] w + z[t,j])
            h[t+1,j] = g[t,j] + exp(-g[t,j]^2) b[j]
        y[t<T,j] = g[t,j] h[t,j] + w""",
    "an output of the recurrence": """running(x[T], w) -> s
        s[0] = w
        for t < T:
            s[t+1] = max(s[t], x[t])""",
    "one that feeds another": """deep(x[n], W[n,n], z[T], v[T]) -> y
        h[0,j<n] = x[j]
        for t < T:
            h[t+1,j] = tanh(sum_{p} h[t,p] W[p,j]) z[t]
        k[0,j<n] = h[T,j] W[0,j]
        for u < T:
            k[u+1,j] = sin(k[u,j]) + h[u,j] v[u]
        y = sum_{j} k[T,j]^2""",
}
NETWORKS = ("layers_recurrence", "vector_layers_recurrence", "elman", "lstm")


def program_of(name: str) -> Program:
    if name in DEFINITIONS:
        return define(DEFINITIONS[name])
    return replace(WITNESSES[name]() if name in WITNESSES else layer(name), facts=())


def complaints(name: str, found: RecurrentJacobian, seed: int) -> list[str]:
    return recurrent_complaints(program_of(name), found, seed, UNDETERMINED.get(name))


@pytest.mark.parametrize("name", [*NETWORKS, "gru", *DEFINITIONS])
def test_what_is_said_is_so(name: str) -> None:
    program = program_of(name)
    for tensor in program.inputs:
        if tensor.kind is Kind.REAL:
            found = recurrent_jacobian(program, program.outputs[0], tensor.name)
            for seed in (1, 2):
                assert complaints(name, found, seed) == [], tensor.name


def broken(found: RecurrentJacobian, statement: Recurrence | Equation) -> RecurrentJacobian:
    """One with the values of a statement of its chain negated."""

    def negative(equation: Equation) -> Equation:
        return replace(equation, value=-equation.value)

    changed = (
        replace(statement, equations=tuple(map(negative, statement.equations)))
        if isinstance(statement, Recurrence)
        else negative(statement)
    )
    statements = tuple(changed if s is statement else s for s in found.program.statements)
    return replace(found, program=replace(found.program, statements=statements))


@pytest.mark.parametrize(("by", "place"), [("U", 1), ("H0", 0), ("H0", 1), ("X", 2)])
def test_a_wrong_sign_is_seen(by: str, place: int) -> None:
    found = recurrent_jacobian(program_of("elman"), "Y", by)
    assert complaints("elman", found, 1) == []
    assert complaints("elman", broken(found, found.chain[place]), 1) != []


def test_a_wrong_turn_is_seen() -> None:
    found = recurrent_jacobian(program_of("elman"), "Y", "U")
    first = found.links[0]
    terms = tuple(replace(term, value=-term.value) for term in first.plain.terms)
    links = (replace(first, plain=replace(first.plain, terms=terms)), *found.links[1:])
    assert complaints("elman", replace(found, links=links), 1) == [f"d{first.target}/dU: entries"]


def test_a_turn_has_a_structure() -> None:
    found = recurrent_jacobian(program_of("lstm"), "Y", "C0")
    kinds = {(str(e.target), e.source): words(e.found, structure(e.found)) for e in found.links}
    assert kinds["C[t + 1,a,j]", "C"] == "diagonal"
    assert kinds["C[t + 1,a,j]", "H"] == "block diagonal, a block for each t, a: dense"


def test_an_integer_has_no_jacobian() -> None:
    text = (
        "chosen(integer x[T], E[v]) -> y\n s[0] = 0\n for t < T:\n  s[t+1] = sin(s[t]) + E[x[t]]\n y = s[T]"
    )
    program = define(text)
    assert recurrent_complaints(program, recurrent_jacobian(program, "y", "E")) == []
    with pytest.raises(DeriveError, match="x of chosen is integer: only real tensors"):
        recurrent_jacobian(program, "y", "x")


def test_the_command_shows_a_recurrence() -> None:
    plain = CliRunner().invoke(show, ["elman", "--jacobian", "--wrt", "U"]).output
    assert (
        "dH[t+1,a,j]/dH[t,a,q] = (1 - H[t+1,a,j]^2) U[q,j]   block diagonal, a block for each t, a: dense"
        in plain
    )
    assert "for t < T   dH[t+1,a,j,i,i1] = (1 - H[t+1,a,j]^2)" in plain
    latex = CliRunner().invoke(show, ["elman", "--jacobian", "--wrt", "H0", "--latex"]).output
    assert "\\frac{\\partial H_{t+1,a,j}}{\\partial H_{t,a,q}}" in latex

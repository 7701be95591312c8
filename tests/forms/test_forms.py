"""Closed forms: derived as they stand, with the values of the textbook's, in no more operations."""

from __future__ import annotations

from dataclasses import replace

import pytest

from derive.calculus.definition.define import define
from derive.calculus.expressions.cost import operations
from derive.check.forms.form import Form, differing, wrong
from derive.check.forms.invented import INVENTED
from derive.check.forms.layers import LAYERS
from derive.check.forms.sequences import SEQUENCES
from derive.check.forms.tangents import NETWORKS, TANGENTS

FORMS = {
    **{f"{form.name} vjp": form for form in (*LAYERS, *SEQUENCES, *NETWORKS, *INVENTED)},
    **{f"{form.name} jvp": form for form in TANGENTS},
}
BY_NAME = pytest.mark.parametrize("name", FORMS)


@BY_NAME
def test_the_closed_form_is_derived_as_it_stands(name: str) -> None:
    assert list(differing(FORMS[name])) == []


@BY_NAME
def test_the_form_by_hand_has_the_derived_values(name: str) -> None:
    assert list(wrong(FORMS[name])) == []


@BY_NAME
def test_what_is_derived_takes_no_more_operations(name: str) -> None:
    derived, by_hand = FORMS[name].count
    assert 0 < derived <= by_hand or (derived == by_hand == 0), "\n".join(map(str, FORMS[name].derived))


def test_every_cotangent_is_compared() -> None:
    """A count that left out an output by hand would flatter the derivation of nothing."""
    for form in FORMS.values():
        names = {equation.name for equation in form.by_hand[0]}
        assert set(form.joint.outputs) <= names, form.name


def altered(name: str, old: str, new: str) -> Form:
    form = FORMS[name]
    assert any(old in line for line in form.textbook)
    return replace(form, textbook=tuple(line.replace(old, new) for line in form.textbook))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("softmax vjp", "S_bar[i,q] S[i,q]", "S_bar[i,q] S_bar[i,q]"),
        ("l2norm vjp", "U_bar[i,j] -", "U_bar[i,j] +"),
        ("LSTM vjp", "C_bar[t+1,a,j] G[t,a,j]", "C_bar[t+1,a,j] F[t,a,j]"),
        ("attention jvp", "P[t,r] Z_dot[t,r]", "P[t,r]"),
    ],
)
def test_a_wrong_form_is_seen(name: str, old: str, new: str) -> None:
    assert list(wrong(altered(name, old, new)))
    if FORMS[name].closed is None:
        assert list(differing(altered(name, old, new)))


def test_operations_are_counted_by_loops() -> None:
    """One exponential an element is 8, a row sum 1 an element, 1 - x one."""
    program = define(
        "counted(X[m,n]) -> Y\n    Y[i,j] = (1 - X[i,j]) exp(X[i,j]) + sum_{q} X[i,q]^2",
    )
    (equation,) = program.equations()
    assert operations(equation.value) == (1 + 8 + 1 + 1 + 2) * 16**2

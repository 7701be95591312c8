"""Sums of exponentials that are written out: shifted, with the derivatives of a softmax."""

from derive.calculus.definition.define import define
from derive.calculus.derivation.vjp import vjp
from derive.calculus.stable.stabilise import stabilise

HEAD = "f(a[n], b[n], c[n]) -> Y\n    "


def test_three_terms_are_shifted_by_a_frozen_maximum() -> None:
    stable = stabilise(define(HEAD + "Y[i] = log(exp(a[i]) + exp(b[i]) + exp(c[i]))"))
    (largest,) = stable.defining("M")
    assert largest.frozen
    assert str(stable.defining("Y")[0]).startswith("Y[i] = log(T[i]) + M[i]")
    for name in "abc":
        (pulled,) = vjp(stable).defining(f"{name}_bar")
        assert str(pulled).startswith(f"{name}_bar[i] = T_bar[i]*T_exp")


def test_a_sum_inside_a_sum_keeps_its_place() -> None:
    stable = stabilise(define("f(a[n], b[n]) -> L\n    L = sum_{i} log(2 + exp(a[i]) + exp(b[i]))"))
    assert stable.defining("M")[0].loops == stable.defining("T")[0].loops != ()


def test_powers_of_one_exponential_and_two_terms_have_forms_of_their_own() -> None:
    for value in ("log(1 + exp(a[i]) + exp(2 a[i])) + b[i] c[i]", "c[i] exp(a[i])/(exp(a[i]) + exp(b[i]))"):
        assert not stabilise(define(f"{HEAD}Y[i] = {value}")).defining("M")
    (y,) = stabilise(define(HEAD + "Y[i] = c[i] exp(a[i])/(exp(a[i]) + exp(b[i]))")).defining("Y")
    assert "1/(exp(-a[i] + b[i]) + 1)" in str(y) or "c[i]/(exp(-a[i] + b[i]) + 1)" in str(y)

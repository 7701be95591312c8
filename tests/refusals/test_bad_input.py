"""Each kind of bad input, from Python and from the shell: the thing, both sizes, and the remedy.

a formula that cannot be differentiated or stabilised      which term, in the letters it was typed in, and why
facts that contradict each other or the sizes              an index that runs out of its axis
a recurrence without a start                               a size that makes an empty output
a blow-up                                                  a name that is taken
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from codegen.emit import emit
from derive.calculus.definition.define import define
from derive.calculus.derivation.vjp import vjp
from derive.calculus.program.roles import NetworkRefused, require_network
from derive.errors import DeriveError
from derive.networks.assembly import Assembly, activation

FORMULAS = {
    "a power of what may be negative": (
        "x^x",
        ("raises x, which may be negative, to x, which varies", "write exp(a log(x))"),
    ),
    "the same, deeper": ("1 + sin(x)^(2*x)", ("raises sin(x), which may be negative, to 2*x",)),
    "a root of what is negative": (
        "sqrt(-exp(x))",
        ("takes the sqrt of -exp(x), which is negative everywhere",),
    ),
    "a logarithm of what is negative": (
        "log(-1 - x^2)",
        ("takes the log of -x^2 - 1, which is negative everywhere",),
    ),
    "a power of what is negative": ("(-exp(x))^(1/3)", ("takes the power 1/3 of -exp(x)", "take it out")),
    "a step": ("sign(x)", ("is flat",)),
    "a number without a value": ("log(0) + x", ("without a finite value", "take it out")),
    "an unknown function": ("gamma(x)", ("unknown function 'gamma'", "known: abs")),
    "a division by 0": ("x/0", ("divides by 0", "take the division out")),
}
DEFINITIONS = {
    "a root of what is negative": (
        "f(x[n]) -> y\n y[i] = where(x[i] > 1, 1, sqrt((1 - exp(-x[i]^2)) - 1))",
        ("the sqrt of -exp(-x[i]^2), which is negative everywhere",),
    ),
    "facts that contradict each other": (
        "f(P[m,k]) -> L\n fact sum_{j} P[i,j] = 1\n fact sum_{j} P[i,j] = 2\n L = sum_{i,j} P[i,j]",
        ("is 1 by one fact and 2 by another", "take one out"),
    ),
    "a fact and sizes": (
        "f(P[3,4]) -> L\n fact P[i,j] = P[j,i]\n L = sum_{i,j} P[i,j]",
        ("over 3 in P (3, 4) but over 4 in P (3, 4)", "make the two sizes equal"),
    ),
    "an index beyond its axis": (
        "f(x[n]) -> y\n y[i<n+1] = x[i]",
        ("runs over n + 1 but axis n of x[i] has size n", "make the two equal, or write where(i < n"),
    ),
    "a place beyond its axis": (
        "f(x[3]) -> y\n y = x[3]",
        ("never inside axis 3, whose size is 3", "read it between"),
    ),
    "a recurrence without a start": (
        "f(x[T,n]) -> y\n for t < T:\n  H[t+1,j] = H[t,j] + x[t,j]\n y[j] = H[T,j]",
        ("the recurrence of H in f has no start value", "define H[0,j] before the loop over t"),
    ),
    "an empty output": (
        "f(X[2,2], K[3,3]) -> Y\n Y[h<2-3+1,w<2-3+1] = sum_{u,v} X[h+u,w+v] K[u,v]",
        ("index h runs over 0", "nothing is left", "make the size at least 1"),
    ),
    "two sizes of one index": (
        "f(X[m,n], W[k,d]) -> Y\n Y[i,j] = sum_{p} X[i,p] W[p,j]",
        ("runs over k in W (k, d) but over n in X (m, n)", "make the two sizes equal"),
    ),
}
SHELL = {
    **{name: (("build", "two_layer", "--activation", text), said) for name, (text, said) in FORMULAS.items()},
    "a size of zero": (("build", "two_layer", "--size", "d=0"), ("d=0", "not a symbol and a size")),
    "a Jacobian by what there is not": (
        ("show", "lstm", "--jacobian", "--wrt", "Q"),
        ("has no input Q", "X, W, U"),
    ),
}


def all_in(said: tuple[str, ...], message: str) -> bool:
    return all(part in message for part in said)


@pytest.mark.parametrize("case", FORMULAS)
def test_a_formula(case: str, tmp_path: Path) -> None:
    text, said = FORMULAS[case]
    with pytest.raises(DeriveError) as caught:
        network_with(text, tmp_path)
    assert all_in(said, str(caught.value)), caught.value
    assert "A1" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def network_with(spelling: str, folder: Path) -> None:
    net = Assembly("odd", "h(X) = f(X W)", {"n": 3, "k": 2})
    data, weight = net.input("X", "m", "n"), net.weight("W", "n", "k")
    emit(net.classifier(activation(spelling)(data @ weight).named("H")), ("numpy",), folder)


@pytest.mark.parametrize("case", DEFINITIONS)
def test_a_definition(case: str) -> None:
    text, said = DEFINITIONS[case]
    with pytest.raises(DeriveError) as caught:
        vjp(define(text))
    assert all_in(said, str(caught.value)), caught.value
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("case", SHELL)
def test_the_shell(case: str, tmp_path: Path) -> None:
    words, said = SHELL[case]
    out = ("--out", str(tmp_path / "out")) if words[0] == "build" else ()
    command = [sys.executable, "-m", "derive", *words, *out]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 2, done.stderr
    assert all_in(said, done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["t", "lr", "mu", "beta1", "v", "p", "w", "residuals"])
@pytest.mark.parametrize("target", ["numpy", "c", "tuned"])
def test_data_that_is_called_as_an_argument(name: str, target: str, tmp_path: Path) -> None:
    net = Assembly("odd", "h(X) = X W", {"n": 3, "k": 2})
    data, weight = net.input(name, "m", "n"), net.weight("W", "n", "k")
    with pytest.raises(
        DeriveError, match=f"^{name} is both data of network 'odd' and an argument .*; rename the data"
    ):
        emit(net.classifier((data @ weight).named("H")), (target,), tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_output_or_a_loss_that_is_another_tensor() -> None:
    net = Assembly("odd", "h(X) = X W", {"n": 3, "k": 2})
    network = net.classifier((net.input("X", "m", "n") @ net.weight("W", "n", "k")).named("H"))
    with pytest.raises(NetworkRefused, match=r"^odd: the output W .* has no axis of the examples, m, before"):
        require_network(replace(network, output="W"))
    with pytest.raises(NetworkRefused, match=r"^odd: the loss H .* is no number; name the one"):
        require_network(replace(network, loss="H"))


def test_a_power_of_what_is_not_negative_is_an_exponential() -> None:
    program = define("f(x[n]) -> y\n y[i] = abs(x[i])^x[i]")
    assert str(program.statements[0]).startswith("y[i] = exp(log(Abs(x[i]))*x[i])")
    assert vjp(program).outputs == ("x_bar",)

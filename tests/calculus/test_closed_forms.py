"""The closed form that a person would write comes out, as structure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from derive.calculus.definition.define import define
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.canonical import canonical
from derive.calculus.expressions.normal import normal
from derive.calculus.expressions.substitution import substitute
from derive.calculus.program.program import Equation, Program
from derive.calculus.stable.stabilise import stabilise
from derive.layers.registry import layer
from derive.networks.registry import network

LAYERS = {
    "linear": (
        "X_bar[i,p] = sum_{j} Y_bar[i,j] W[p,j]",
        "W_bar[p,j] = sum_{i} X[i,p] Y_bar[i,j]",
        "b_bar[j] = sum_{i} Y_bar[i,j]",
    ),
    "softmax": ("Z_bar[i,j] = S[i,j] (S_bar[i,j] - sum_{q} S_bar[i,q] S[i,q])",),
    "sigmoid": ("X_bar[i,j] = Y_bar[i,j] Y[i,j] (1 - Y[i,j])",),
    "tanh": ("X_bar[i,j] = Y_bar[i,j] (1 - Y[i,j]^2)",),
    "cos": ("X_bar[i,j] = -Y_bar[i,j] sin(X[i,j])",),
    "relu": ("X_bar[i,j] = where(Y[i,j] > 0, Y_bar[i,j], 0)",),
    "cross_entropy": ("H_bar[i,j] = (S[i,j] + where(j == y[i], -1, 0)) L_bar/m",),
    "layernorm": (
        "Xhat_bar[i,j] = Y_bar[i,j] g[j]",
        (
            "X_bar[i,j] = r[i] (Xhat_bar[i,j] - mean_{q} Xhat_bar[i,q]"
            " - Xhat[i,j] mean_{q} Xhat[i,q] Xhat_bar[i,q])"
        ),
        "g_bar[j] = sum_{i} Y_bar[i,j] Xhat[i,j]",
        "b_bar[j] = sum_{i} Y_bar[i,j]",
    ),
    "batchnorm": (
        "X_bar[i,j] = r[j] g[j] (Y_bar[i,j] - mean_{q} Y_bar[q,j] - Xhat[i,j] mean_{q} Xhat[q,j] Y_bar[q,j])",
        "g_bar[j] = sum_{i} Y_bar[i,j] Xhat[i,j]",
        "b_bar[j] = sum_{i} Y_bar[i,j]",
    ),
    "attention": (
        "P_bar[t,s] = where(s <= t, sum_{j} A_bar[t,j] V[s,j], 0)",
        "Z_bar[t,s] = where(s <= t, P[t,s] (P_bar[t,s] - sum_{r<=t} P[t,r] P_bar[t,r]), 0)",
        "Q_bar[t,e] = sum_{s} Z_bar[t,s] K[s,e]/sqrt(D)",
        "K_bar[s,e] = sum_{t} Z_bar[t,s] Q[t,e]/sqrt(D)",
    ),
    "bilinear": ("A_bar[j,p,q] = sum_{i} Y_bar[i,j] X[i,p] Z[i,q]",),
    "embedding": (),
    "transpose": ("X_bar[i,j] = Y_bar[j,i]",),
}
NETWORKS = {
    "two_layer": (
        "H_bar[i,j] = (S[i,j] + where(j == y[i], -1, 0)) L_bar/m",
        "A1_bar[i,j] = where(Z2[i,j] > 0, sum_{q} H_bar[i,q] W2[j,q], 0)",
        "W1_bar[p,j] = sum_{i} X[i,p] A1_bar[i,j]",
        "W2_bar[p,j] = sum_{i} Z2[i,p] H_bar[i,j]",
    ),
    "residual": ("U_bar[p,j] = sum_{i} Z2[i,p] A2_bar[i,j] + sum_{i} Z3[i,p] A3_bar[i,j]",),
}


def written(line: str, joint: Program) -> Equation:
    """The equation of a line, over the tensors of a program."""
    name = line.split("[", maxsplit=1)[0]
    kinds = {"integer": "integer ", "state": "state "}
    declared = (
        f"{kinds.get(tensor.kind.value, '')}{tensor.name}"
        + (f"[{','.join(str(axis.size) for axis in tensor.axes)}]" if tensor.axes else "")
        for tensor in joint.tensors.values()
        if tensor.name != name
    )
    program = define(f"expected({', '.join(declared)}) -> {name}\n    {line}")
    equation = next(iter(program.equations()))
    return replace(equation, value=normal(equation.value, dict(equation.ranges)))


def agree(derived: Equation, expected: Equation) -> bool:
    renaming = dict(zip(expected.loops, derived.loops, strict=True))
    value = normal(derived.value, dict(derived.ranges))
    return bool(canonical(substitute(expected.value, renaming)) == canonical(value))


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in LAYERS.items() for line in lines])
def test_a_layer_has_the_closed_form(name: str, line: str) -> None:
    joint = vjp(stabilise(layer(name)))
    expected = written(line, joint)
    (derived,) = joint.defining(expected.name)
    assert agree(derived, expected), f"{derived}\n{expected}"


@pytest.mark.parametrize(
    ("name", "line"), [(name, line) for name, lines in NETWORKS.items() for line in lines]
)
def test_a_network_has_the_closed_form(name: str, line: str) -> None:
    net = network(name)
    joint = vjp(replace(net.program, outputs=(net.loss,)), net.trained)
    expected = written(line, joint)
    (derived,) = joint.defining(expected.name)
    assert agree(derived, expected), f"{derived}\n{expected}"


def test_a_wrong_form_is_seen() -> None:
    joint = vjp(stabilise(layer("softmax")))
    wrong = written("Z_bar[i,j] = S[i,j] (S_bar[i,j] - sum_{q} S_bar[i,q] S_bar[i,q])", joint)
    (derived,) = joint.defining("Z_bar")
    assert not agree(derived, wrong)


def test_the_embedding_is_a_scatter() -> None:
    (derived,) = vjp(layer("embedding")).defining("E_bar")
    assert derived.accumulates
    assert str(derived) == "E_bar[x[t],j] += Y_bar[t,j]    [t<T, j<d]"


def test_second_derivatives_stay_closed() -> None:
    from derive.calculus.derivation.jvp import jvp

    hessian = jvp(vjp(stabilise(layer("softmax"))), ("Z",))
    line = "S_dot[i,j] = S[i,j] (Z_dot[i,j] - sum_{q} S[i,q] Z_dot[i,q])"
    (derived,) = hessian.defining("S_dot")
    assert agree(derived, written(line, hessian))

"""Second derivatives in the form that a careful person would write, as structure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from derive.calculus.derivation.gauss_newton import gauss_newton
from derive.calculus.derivation.hvp import hvp
from derive.calculus.program.program import Program
from derive.calculus.stable.stabilise import stabilise
from derive.layers.registry import layer
from derive.networks.registry import network
from tests.calculus.test_closed_forms import agree, written

LAYERS = {
    "cross_entropy": ("H_bar_dot[i,q] = L_bar S[i,q] (H_dot[i,q] - sum_{p} S[i,p] H_dot[i,p])/m",),
    "squared_error": ("R_bar_dot[i,j] = L_bar (H_dot[i,j] - Y_dot[i,j])/m",),
    "softmax": (
        "S_dot[i,j] = S[i,j] (Z_dot[i,j] - sum_{q} S[i,q] Z_dot[i,q])",
        (
            "Z_bar_dot[i,q] = S_dot[i,q] (S_bar[i,q] - sum_{p} S[i,p] S_bar[i,p])"
            " - S[i,q] sum_{p} S_bar[i,p] S_dot[i,p]"
        ),
    ),
    "layernorm": (
        "r_dot[i] = -r[i]^2 mean_{q} C_dot[i,q] Xhat[i,q]",
        "g_bar_dot[j] = sum_{i} Xhat_dot[i,j] Y_bar[i,j]",
    ),
    "linear": (
        "X_bar_dot[i,p] = sum_{j} Y_bar[i,j] W_dot[p,j]",
        "W_bar_dot[p,j] = sum_{i} X_dot[i,p] Y_bar[i,j]",
    ),
    "attention": (
        "P_dot[t,s] = where(s <= t, P[t,s] (Z_dot[t,s] - sum_{r<=t} P[t,r] Z_dot[t,r]), 0)",
        "Q_bar_dot[t,e] = (sum_{s} K[s,e] Z_bar_dot[t,s] + sum_{s} K_dot[s,e] Z_bar[t,s])/sqrt(D)",
    ),
}
TWO_LAYER = (
    "H_dot[i,j] = sum_{p} W2[p,j] Z2_dot[i,p] + sum_{p} W2_dot[p,j] Z2[i,p]",
    "H_bar[i,j] = (S[i,j] + where(j == y[i], -1, 0))/m",
    "H_bar_dot[i,j] = S[i,j] (H_dot[i,j] - sum_{q} S[i,q] H_dot[i,q])/m",
    "W2_bar_dot[p,j] = sum_{i} H_bar[i,j] Z2_dot[i,p] + sum_{i} H_bar_dot[i,j] Z2[i,p]",
    (
        "A1_bar_dot[i,j] = where(Z2[i,j] > 0,"
        " sum_{q} H_bar[i,q] W2_dot[j,q] + sum_{q} H_bar_dot[i,q] W2[j,q], 0)"
    ),
    "W1_bar_dot[p,j] = sum_{i} X[i,p] A1_bar_dot[i,j]",
)
GAUSS_NEWTON = (
    "H_bar[i,j] = S[i,j] (H_dot[i,j] - sum_{q} S[i,q] H_dot[i,q])/m",
    "W2_bar[p,j] = sum_{i} H_bar[i,j] Z2[i,p]",
    "A1_bar[i,j] = where(Z2[i,j] > 0, sum_{q} H_bar[i,q] W2[j,q], 0)",
)


def defines(joint: Program, line: str) -> bool:
    expected = written(line, joint)
    (derived,) = joint.defining(expected.name)
    return agree(derived, expected)


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in LAYERS.items() for line in lines])
def test_a_layer_has_the_closed_form(name: str, line: str) -> None:
    assert defines(hvp(stabilise(layer(name))), line)


@pytest.mark.parametrize(
    ("line", "product"), [*((line, True) for line in TWO_LAYER), *((line, False) for line in GAUSS_NEWTON)]
)
def test_two_layers_have_the_closed_form(line: str, product: bool) -> None:
    net = network("two_layer")
    loss = replace(net.program, outputs=(net.loss,))
    derived = hvp(loss, net.trained, unit=True) if product else gauss_newton(loss, net.trained, net.output)
    assert defines(derived, line)


def test_a_wrong_form_is_seen() -> None:
    joint = hvp(stabilise(layer("cross_entropy")))
    assert not defines(joint, "H_bar_dot[i,q] = L_bar S[i,q] (H_dot[i,q] - sum_{p} H_dot[i,p])/m")

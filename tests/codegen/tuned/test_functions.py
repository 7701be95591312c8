"""Every function of the grammar, in the tuned C: what NumPy computes, in values and in slopes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codegen.emit import emit
from derive.calculus.definition.define import define
from derive.calculus.definition.syntax import FUNCTIONS
from derive.calculus.program.network import Law, Network, Parameter
from derive.runtime import load
from tests.codegen.networks import classifier

BACKENDS = ("numpy", "c", "tuned")
DOMAINS = {
    "acosh": "1 + A[i,j]^2",
    "atanh": "A[i,j]/(1 + A[i,j]^2)",
    "log": "1/2 + A[i,j]^2",
    "log1p": "A[i,j]^2",
    "sqrt": "1/2 + A[i,j]^2",
}
"""An argument where the function has a value; others take any."""
CALLS = {
    **{name: f"{name}({DOMAINS.get(name, 'A[i,j]')})" for name in FUNCTIONS},
    **{name: f"{name}(A[i,j], A[i,j]^2)" for name in ("max", "min")},
    "power": "(1/2 + A[i,j]^2)^(7/3)",
    "where": "where(A[i,j] > 0, A[i,j]^2, -A[i,j])",
}


def calling() -> Network:
    """H[i,k] = sum over the functions f of sum_{j} f(A[i,j]) V_f[j,k]; the loss is half the square error."""
    names = sorted(CALLS)
    weights = [f"V_{name}" for name in names]
    lines = [
        f"calls(X[m,n], W[n,d], {', '.join(f'{weight}[d,k]' for weight in weights)}, Y[m,k]) -> H, L",
        "    A[i,j] = sum_{p} X[i,p] W[p,j]",
        *(f"    Z_{name}[i,j] = {CALLS[name]}" for name in names),
        "    H[i,q] = " + " + ".join(f"sum_{{j}} Z_{name}[i,j] V_{name}[j,q]" for name in names),
        "    L = sum_{i,q} (H[i,q] - Y[i,q])^2/(2 m)",
    ]
    sizes, parameters = (
        {"n": 3, "d": 17, "k": 2},
        tuple(Parameter(name, Law.NORMAL) for name in ("W", *weights)),
    )
    network = classifier(define("\n".join(lines)), "every function", parameters, sizes)
    return replace(network, labels=("Y",), task="regression")


@pytest.mark.compiler
def test_functions_are_numpys(tmp_path: Path) -> None:
    emit(calling(), BACKENDS, tmp_path)
    rng = np.random.default_rng(3)
    X, Y = rng.standard_normal((5, 3)) / 4, rng.standard_normal((5, 2))
    (wanted, slopes), *others = (
        load("calls", backend, tmp_path, "float64").init(1).gradients(X, Y) for backend in BACKENDS
    )
    for found, gradients in others:
        assert found == pytest.approx(wanted, rel=1e-12)
        for parameter, slope in slopes.items():
            assert np.linalg.norm(slope) > 0, parameter
            assert np.linalg.norm(gradients[parameter] - slope) <= 1e-12 * np.linalg.norm(slope), parameter

"""A gated recurrence as a network: sums under a guard on its index, groups that no vectors compute."""

from pathlib import Path

import numpy as np
import pytest

from codegen.emit import emit
from derive.calculus.definition.define import define
from derive.calculus.expressions.tensor import Size
from derive.calculus.program.network import Law, Network
from derive.networks.assembly import Assembly
from derive.runtime import load
from tests.codegen.tuned.test_alike import BACKENDS, far

pytestmark = pytest.mark.compiler
GATED = """gated(X[m,T,n], W[3,n,d], U[3,d,d], b[3,d], c[d]) -> Y
    H[0,a<m,j<d] = 0
    for t < T:
        R[t,a,j] = 1/(1 + exp(-(sum_{p} X[a,t,p] W[0,p,j] + sum_{q} H[t,a,q] U[0,q,j] + b[0,j])))
        Z[t,a,j] = 1/(1 + exp(-(sum_{p} X[a,t,p] W[1,p,j] + sum_{q} H[t,a,q] U[1,q,j] + b[1,j])))
        V[t,a,j] = sum_{q} H[t,a,q] U[2,q,j] + c[j]
        N[t,a,j] = tanh(sum_{p} X[a,t,p] W[2,p,j] + b[2,j] + R[t,a,j] V[t,a,j])
        H[t+1,a,j] = (1 - Z[t,a,j]) N[t,a,j] + Z[t,a,j] H[t,a,j]
    Y[a,j] = H[T,a,j]"""


def gated() -> Network:
    """Logits of the last state of a gated recurrence."""
    net = Assembly("gated", "h(X) = GRU(X) Q + e", {"T": 5, "n": 6, "d": 19, "k": 4}, most=3)
    variance = 1 / Size("d")
    last = net.graph.apply(
        define(GATED),
        net.input("X", "m", "T", "n"),
        net.normal("W", (3, "n", "d"), variance),
        net.normal("U", (3, "d", "d"), variance),
        net.constant("b", (3, "d"), Law.ZEROS),
        net.constant("c", ("d",), Law.ZEROS),
    )
    logits = last @ net.normal("Q", ("d", "k"), variance) + net.bias("e", "k")
    return net.classifier(logits.named("A", "linear"))


def test_gradients_are_alike(tmp_path: Path, rng: np.random.Generator) -> None:
    emit(gated(), BACKENDS, tmp_path)
    networks = [load("gated", backend, tmp_path, "float64").init(3) for backend in BACKENDS]
    for m in (3, 1):
        X = rng.standard_normal((m, 5, 6))
        y = rng.integers(0, 4, m, dtype=np.int32)
        (loss, wanted), *others = [one.gradients(X, y) for one in networks]
        for found, gradients in others:
            assert abs(found - loss) <= 1e-12 * abs(loss)
            assert max(far(gradients[name], wanted[name]) for name in wanted) <= 1e-12

"""The LSTM of the race as we emit it: the examples first, products with the data before the recurrence."""

from __future__ import annotations

from functools import cache

from bench.cases import Recurrent
from derive.calculus.definition.define import define
from derive.calculus.expressions.tensor import Size
from derive.calculus.program.network import Law, Network
from derive.calculus.program.program import Program
from derive.networks.assembly import Assembly


@cache
def lstm_of_examples() -> Program:
    """Y = H_T of the LSTM over T steps: X (m, T, n), W (4, n, d), U (4, d, d), b (4, d), Y (m, d).

    Gates in the order input, forget, candidate, output; it starts from zeros. Hochreiter, Schmidhuber, 1997.
    """
    return define(
        """lstm(X[m,T,n], W[4,n,d], U[4,d,d], b[4,d]) -> Y
        B[t,a,g,j] = sum_{p} X[a,t,p] W[g,p,j] + b[g,j]
        H[0,a<m,j<d] = 0
        C[0,a<m,j<d] = 0
        for t < T:
            A[t,a,g,j] = B[t,a,g,j] + sum_{q} H[t,a,q] U[g,q,j]
            I[t,a,j] = 1/(1 + exp(-A[t,a,0,j]))
            F[t,a,j] = 1/(1 + exp(-A[t,a,1,j]))
            G[t,a,j] = tanh(A[t,a,2,j])
            O[t,a,j] = 1/(1 + exp(-A[t,a,3,j]))
            C[t+1,a,j] = F[t,a,j] C[t,a,j] + I[t,a,j] G[t,a,j]
            H[t+1,a,j] = O[t,a,j] tanh(C[t+1,a,j])
        Y[a,j] = H[T,a,j]"""
    )


def recurrent(case: Recurrent) -> Network:
    """Logits Y V + c of the last state; softmax cross entropy."""
    sizes = {"T": case.length, "n": case.width, "d": case.hidden, "k": case.classes}
    net = Assembly(case.name, "h(X) = LSTM(X) V + c", sizes, most=case.batch)
    variance = 1 / Size("d")
    array = net.graph.apply(
        lstm_of_examples(),
        net.input("X", "m", "T", "n"),
        net.normal("W", (4, "n", "d"), variance),
        net.normal("U", (4, "d", "d"), variance),
        net.constant("b", (4, "d"), Law.ZEROS),
    )
    logits = array @ net.normal("V", ("d", "k"), variance) + net.bias("c", "k")
    return net.classifier(logits.named("Z", "linear"))

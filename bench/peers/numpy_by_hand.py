"""NumPy as an expert writes it by hand: float32, in place, buffers kept where that is natural."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np

from bench.cases import Case, Contraction, Layer, Lenet, Perceptron, Transformer
from bench.data import Training, contraction
from bench.peers.numpy_gpt import gpt_step
from bench.peers.numpy_layers import layer_run
from bench.peers.numpy_lenet import lenet_step
from bench.peers.numpy_perceptron import Step, perceptron_step
from bench.peers.serving import Prepared, asked, serve
from bench.summary import summary


def prepared(case: Case) -> Prepared:
    """The case, ready to be run."""
    match case:
        case Perceptron():
            return training(*perceptron_step(case))
        case Lenet():
            return training(*lenet_step(case))
        case Transformer():
            return training(*gpt_step(case))
        case Contraction():
            return product(case)
        case Layer():
            return Prepared(layer_run(case), summary)
    raise TypeError(f"no program for {case}")


def training(data: Training, step: Step) -> Prepared:
    """The step, batch after batch."""
    batches = cycle(zip(data.inputs, data.labels, strict=True))
    return Prepared(lambda: step(*next(batches)), lambda loss: [float(loss)])


def product(case: Contraction) -> Prepared:
    """np.matmul into an array that is kept; a transposed operand is a view."""
    first, second = contraction(case)
    a = first.T if case.form[0] == "T" else first
    b = second.T if case.form[1] == "T" else second
    out = np.empty((case.m, case.n), np.float32)
    return Prepared(lambda: np.matmul(a, b, out=out), lambda c: summary((c,)))


def blas() -> dict[str, Any]:
    """The kernel that NumPy's BLAS chose, where threadpoolctl can say."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return {}
    found = (info.get("architecture", "") for info in threadpool_info() if info["user_api"] == "blas")
    return {"blas": ", ".join(found)}


if __name__ == "__main__":
    case, _ = asked(__doc__)
    serve(prepared(case), version=np.__version__, **blas())

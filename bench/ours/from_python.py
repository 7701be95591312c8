"""A bound step called from Python by the runtime: the emitted NumPy, or C with the call's own cost.

python -m bench.ours.from_python CASE --name NETWORK --path FOLDER --backend numpy
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import numpy as np

from bench.cases import ADAMW, CASES, RATE, Case, Lenet, Perceptron, Recurrent, Transformer
from bench.data import training
from bench.ours.names import ours
from bench.peers.serving import Prepared, serve
from derive.runtime import load
from derive.runtime.network import Network


def bound_step(case: Case, net: Network) -> Callable[[], float]:
    """The step on eight batches that are bound one after the other and visited in turn."""
    assert isinstance(case, Perceptron | Lenet | Transformer | Recurrent)
    given = training(case)
    for name, value in ours(case.network, given.parameters).items():
        net.parameters[name][...] = value.reshape(net.parameters[name].shape)
    for state in net.state.values():
        for array in state.values():
            array.fill(0)
    rows = [np.concatenate(part) for part in (given.inputs, given.labels)]
    tensors = net.description.data
    kinds = [np.dtype(np.int32) if t.dtype == "int32" else net.dtype for t in tensors]
    net.bind(*(array.astype(kind) for array, kind in zip(rows, kinds, strict=True)))
    scalars = ADAMW if isinstance(case, Transformer) else {"lr": RATE, "weight_decay": 0.0}
    run = net.stepper(case.step, **scalars)
    places = cycle([(start, start + case.batch) for start in range(0, len(rows[0]), case.batch)])
    return lambda: run(*next(places))


def main() -> None:
    """Load, bind, serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--name", required=True)
    parser.add_argument("--path", type=Path, required=True)
    parser.add_argument("--backend", default="numpy")
    options = parser.parse_args()
    net = load(options.name, backend=options.backend, path=options.path)
    step = bound_step(CASES[options.case], net)
    serve(Prepared(step, lambda loss: [loss]), version=np.__version__)


if __name__ == "__main__":
    main()

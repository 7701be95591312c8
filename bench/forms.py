"""The price of stable forms: a training step with them over the same step with fast ones, NumPy and C."""

from __future__ import annotations

from bench.interleaved import measure, one_thread

if __name__ == "__main__":
    one_thread()

import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.step import BATCHES, RATE, data
from codegen.emit import emit
from derive.networks.registry import variant
from derive.runtime import load

NETWORKS = ("two_layer_tanh", "two_layer_sigmoid", "two_layer_softplus")
BATCH = 100


def stepping(name: str, forms: str, backend: str, folder: str) -> Callable[[], None]:
    """The training step of a network emitted with these forms."""
    net = variant(name, f"{name}_{forms}", forms=forms)
    emit(net, ("numpy", "c"), Path(folder))
    loaded = load(net.name, backend=backend, path=folder)
    step = loaded.init(0).bind(*data(BATCH)).stepper("sgd", lr=RATE)

    def run() -> None:
        for start in range(0, BATCHES * BATCH, BATCH):
            step(start, start + BATCH)

    return run


def main() -> None:
    """Print the ratio of each network and backend."""
    with tempfile.TemporaryDirectory() as folder:
        for name in NETWORKS:
            for backend in ("numpy", "c"):
                rounds = measure(
                    {forms: stepping(name, forms, backend, folder) for forms in ("stable", "fast")}
                )
                middle, least, most = rounds.ratio("stable", "fast")
                print(f"{name:<20} {backend:<6} stable/fast {middle:5.3f}  ({least:.3f} to {most:.3f})")


if __name__ == "__main__":
    main()

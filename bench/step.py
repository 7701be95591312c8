"""The two-layer training step: emitted NumPy, NumPy by hand with and without checks, plain C."""

from __future__ import annotations

from bench.interleaved import Rounds, measure, one_thread

if __name__ == "__main__":
    one_thread()

from collections.abc import Callable

import numpy as np

from bench.by_hand import two_layer_step
from derive.runtime import load

RATE = 0.01
BATCHES = 8


def data(batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Eight batches of made images and labels, one after the other."""
    rng = np.random.default_rng(0)
    rows = BATCHES * batch
    return rng.random((rows, 784), dtype=np.float32), rng.integers(0, 10, rows).astype(np.int32)


def emitted(backend: str, batch: int) -> Callable[[], None]:
    """The emitted step, its arrays bound once, as the training loop binds them."""
    net = load("two_layer", backend=backend)
    step = net.init(0).bind(*data(batch)).stepper("sgd", lr=RATE)

    def run() -> None:
        for start in range(0, BATCHES * batch, batch):
            step(start, start + batch)

    return run


def by_hand(batch: int, checked: bool = False) -> Callable[[], None]:
    """The baseline, from the same parameters."""
    net = load("two_layer", backend="numpy").init(0)
    step = two_layer_step(net.parameters["W1"], net.parameters["W2"], batch, checked)
    images, labels = data(batch)

    def run() -> None:
        for start in range(0, BATCHES * batch, batch):
            step(images[start : start + batch], labels[start : start + batch], RATE)

    return run


def report(batch: int) -> None:
    """Print times and ratios at one batch size."""
    rounds: Rounds = measure(
        {
            "by hand": by_hand(batch),
            "by hand, checked": by_hand(batch, checked=True),
            "numpy": emitted("numpy", batch),
            "c": emitted("c", batch),
        },
        rounds=60,
        least=0.02,
    )
    for name in rounds.seconds:
        print(f"batch {batch:>3}  {name:<16} {1e6 * rounds.median(name) / BATCHES:9.1f} us a step")
    for above, below in (("numpy", "by hand"), ("numpy", "by hand, checked"), ("c", "numpy")):
        middle, least, most = rounds.ratio(above, below)
        print(f"batch {batch:>3}  {above} / {below}: {middle:.2f}  ({least:.2f} to {most:.2f})")


if __name__ == "__main__":
    for size in (100, 1):
        report(size)

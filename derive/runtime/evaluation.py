"""Loss and error of a network over a whole set, in pieces that the backend takes."""

from dataclasses import dataclass

import numpy as np

from .buffers import Array
from .network import Network

ROWS = 1000  # of a piece, where the backend has no limit of its own


@dataclass(frozen=True)
class Score:
    """Mean loss, if it was asked for, and the share of wrong labels, of a classifier."""

    loss: float | None
    error: float | None


def evaluate(network: Network, batch: tuple[Array, ...], *, with_loss: bool = True) -> Score:
    """Bind the set and run over it; a regression always has a loss, never an error."""
    network.bind(*batch)
    rows = len(batch[0])
    size = min(network.max_batch or ROWS, rows)
    pieces = [(start, min(start + size, rows)) for start in range(0, rows, size)]
    classifier = network.description.task == "classification"
    losses = [_loss(network, *piece) for piece in pieces] if with_loss or not classifier else None
    wrong = [_wrong(network, *piece) for piece in pieces] if classifier else None
    labels = network.labels
    return Score(
        None if losses is None else sum(losses) / rows,
        None if wrong is None or labels is None else sum(wrong) / labels.size,
    )


def _loss(network: Network, start: int, stop: int) -> float:
    return network.select(start, stop).loss() * network.weight(stop - start)


def _wrong(network: Network, start: int, stop: int) -> int:
    labels = network.labels
    assert labels is not None
    return int(np.count_nonzero(network.select(start, stop).predict() != labels[start:stop]))

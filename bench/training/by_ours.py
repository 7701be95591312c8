"""The emitted network trained by the recipe, as `python -m derive train` does, with the loss of every step.

python -m derive build gpt --size v=84 --target numpy,c,tuned --out runs/emitted
python -m bench.training.by_ours runs/emitted runs/ours
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.training.recipe import RECIPE, Found
from derive.runtime import training
from derive.runtime.data import fit, read_data
from derive.runtime.loading import load
from derive.runtime.progress import Lines


class Losses(Lines):
    """Keeps the loss of every step: the mean so far, times the examples so far, is their sum."""

    every = 1

    def __init__(self, batch: int, examples: int) -> None:
        self.batch, self.examples = batch, examples
        self.sum = 0.0
        self.seen: list[float] = []

    def step(self, epoch: int, batch: int, loss: float) -> None:  # noqa: ARG002
        """The loss of this batch."""
        done = min((batch + 1) * self.batch, self.examples)
        rows = done - batch * self.batch
        self.seen.append((loss * done - self.sum) / rows)
        self.sum = loss * done
        if batch % 500 == 0:
            print(f"step {batch}: {self.seen[-1]:.4f}", flush=True)


def main() -> None:
    """Write <out>/start.npz, the initial parameters, then train and write <out>/found.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="Folder of the emitted networks.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--limit", type=int, help="Windows of train and of test.")
    options = parser.parse_args()
    recipe = replace(RECIPE, limit=options.limit)
    network = load(recipe.network, recipe.backend, options.path, max_batch=recipe.batch).init(recipe.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    start: dict[str, Any] = dict(network.parameters)
    np.savez(options.out / "start.npz", **start)
    data = fit(read_data(recipe.data), network.description, network.dtype)
    examples = len(training.limited(data, recipe.limit)[0][0])
    losses = Losses(recipe.batch, examples)
    log = training.train(recipe, path=options.path, out=options.out, reporter=losses)
    Found("emitted C, tuned", losses.seen, log[-1]["test_loss"]).write(options.out / "found.json")


if __name__ == "__main__":
    main()

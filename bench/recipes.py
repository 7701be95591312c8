"""The stated recipes on MNIST: medians of 5 seeds of train and test error."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SEEDS = range(5)
RECIPES: dict[str, tuple[str, ...]] = {
    "two_layer": (
        *("--epochs", "10", "--lr", "0.2", "--batch", "100", "--optimizer", "momentum", "--mu", "0.7"),
        *("--schedule", "cosine"),
    ),
    "three_layer": (
        *("--epochs", "10", "--lr", "0.1", "--batch", "100", "--optimizer", "momentum", "--mu", "0.9"),
        *("--weight-decay", "0.0001", "--schedule", "cosine"),
    ),
}


def epochs(network: str, seed: int, out: str) -> list[dict[str, float]]:
    """The log of one run, an entry an epoch."""
    command = ["-m", "derive", "train", network, "--data", "mnist", *RECIPES[network]]
    subprocess.run(
        [sys.executable, *command, "--seed", str(seed), "--out", out], check=True, capture_output=True
    )
    lines = (Path(out) / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [entry for entry in map(json.loads, lines) if "epoch" in entry]


def main() -> None:
    """Print the medians after the first and the last epoch."""
    for network in RECIPES:
        with tempfile.TemporaryDirectory() as out:
            logs = [epochs(network, seed, f"{out}/{seed}") for seed in SEEDS]
        for position, title in ((0, "first"), (-1, "last")):
            for key in ("train_error", "test_error"):
                values = sorted(100 * log[position][key] for log in logs)
                shown = ", ".join(f"{value:.2f}" for value in values)
                print(f"{network:<12} {title} epoch  {key:<12} {statistics.median(values):5.2f} %  ({shown})")


if __name__ == "__main__":
    main()

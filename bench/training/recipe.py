"""The recipe that both sides follow, and the form in which each writes down what it found.

An epoch over Shakespeare by windows of T characters, in the order of derive.runtime.shuffle; the learning
rate of derive.runtime.schedule; AdamW on every parameter.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from derive.runtime.settings import Settings

LAST = 200  # steps at the end whose mean is the training loss
RECIPE = Settings(
    network="gpt",
    data="shakespeare",
    backend="tuned",
    epochs=1,
    lr=1e-3,
    batch=8,
    optimizer="adamw",
    beta2=0.95,
    weight_decay=0.1,
    schedule="cosine",
    warmup=100,
)


@dataclass(frozen=True)
class Found:
    """The loss of every step, and the mean loss on the text held out."""

    title: str
    losses: Sequence[float]
    validation: float

    def write(self, path: Path) -> None:
        """As JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")


def read(path: Path) -> Found:
    """What `write` wrote."""
    return Found(**json.loads(path.read_text(encoding="utf-8")))

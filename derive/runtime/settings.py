"""What a training run is asked to do, and which of it a resumed run may change."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from math import isfinite
from pathlib import Path
from typing import Any

from .errors import CheckpointError, RuntimeInputError

# These decide which examples a step sees and what its state means; the others may differ after a resume.
FIXED = ("network", "data", "dtype", "batch", "optimizer", "seed", "limit", "sizes")


@dataclass(frozen=True)
class Settings:
    """A run. Two runs of equal settings on one machine end in the same bits."""

    network: str
    data: str
    backend: str = "auto"
    dtype: str = "float32"
    epochs: int = 10
    lr: float = 0.1
    batch: int = 100
    optimizer: str = "sgd"
    mu: float = 0.9
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    schedule: str = "constant"
    warmup: int = 0
    weight_decay: float = 0.0
    seed: int = 0
    limit: int | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    alphabet: str = ""  # of a text, as it was found

    def __post_init__(self) -> None:
        for name in ("lr", "mu", "beta1", "beta2", "eps", "weight_decay"):
            if not (isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise RuntimeInputError(
                    f"{name} is {getattr(self, name)}; give a number that is finite and >= 0"
                )
        for name in ("beta1", "beta2"):
            if getattr(self, name) >= 1:
                raise RuntimeInputError(f"{name} is {getattr(self, name)}; give a number below 1")
        for name in ("epochs", "batch", "limit"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise RuntimeInputError(f"{name} is {value}; give at least 1")

    def scalars(self, wanted: tuple[str, ...]) -> dict[str, float]:
        """The scalars of the optimizer's step by name."""
        return {name: getattr(self, name) for name in wanted}

    def recorded(self) -> dict[str, Any]:
        """The settings for log and checkpoint; of an absolute path the last part only."""
        data = Path(self.data).name if Path(self.data).is_absolute() else self.data
        return {**asdict(self), "data": data, "sizes": dict(self.sizes)}


def from_record(text: str) -> Settings:
    """Read what `json.dumps(settings.recorded())` wrote. Raise ValueError or TypeError for anything else."""
    known = {f.name for f in fields(Settings)}
    return Settings(**{name: value for name, value in json.loads(text).items() if name in known})


def continued(former: Settings, changes: Mapping[str, Any]) -> Settings:
    """The former run's settings with `changes`. Raise CheckpointError for one that has to stay."""
    settings = replace(former, **changes)
    for name in FIXED:
        then, now = getattr(former, name), getattr(settings, name)
        if name == "data":
            then, now = Path(then).name, Path(now).name
        if then != now:
            option = name.replace("_", "-")
            raise CheckpointError(
                f"the checkpoint was made with --{option} {then} and can't be continued with --{option} "
                f"{now}; leave --{option} out, or start anew without --resume"
            )
    return settings

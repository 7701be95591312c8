"""`<name>.json`, the description of an emitted network, as frozen dataclasses (docs/interface.md)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from shlex import quote
from typing import Any

from .errors import DescriptionError


@dataclass(frozen=True)
class Tensor:
    """A named array; `shape` of data and output leaves out the batch axis, `axes` does not."""

    name: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """Elements, of one example where there is a batch axis."""
        return prod(self.shape)


@dataclass(frozen=True)
class Parameter(Tensor):
    """A tensor that the network owns; one that is not `trained` is drawn once and kept."""

    trained: bool = True


@dataclass(frozen=True)
class DataTensor(Tensor):
    """A tensor of the batch: `role` is input, label (int32, 0..classes-1) or target (real)."""

    dtype: str = "real"
    role: str = "input"
    classes: int | None = None


@dataclass(frozen=True)
class Step:
    """An optimizer's step: the names of its states, its scalars in C's order, the one that counts steps."""

    kind: str
    states: tuple[str, ...]
    scalars: tuple[str, ...]
    number: str | None = None


@dataclass(frozen=True)
class Equation:
    """A forward equation, for messages: the layer it came from and its formula as text."""

    name: str
    layer: str
    formula: str


@dataclass(frozen=True)
class Description:
    """All that the runtime knows of a network."""

    name: str
    title: str
    task: str
    reduction: str
    sizes: Mapping[str, int]
    batch_axis: str
    max_batch: int
    parameters: tuple[Parameter, ...]
    data: tuple[DataTensor, ...]
    output: Tensor
    steps: Mapping[str, Step]
    equations: tuple[Equation, ...] = ()
    targets: tuple[str, ...] = ("numpy", "c")
    build: tuple[str, ...] = ()
    resized: Mapping[str, int] = field(default_factory=dict)
    derivatives: tuple[str, ...] = ("vjp", "jvp")

    @property
    def trained(self) -> tuple[Parameter, ...]:
        """The parameters that have gradients."""
        return tuple(p for p in self.parameters if p.trained)

    @property
    def inputs(self) -> tuple[DataTensor, ...]:
        """The batch without labels and targets."""
        return tuple(d for d in self.data if d.role == "input")

    @property
    def answers(self) -> tuple[DataTensor, ...]:
        """The labels and targets of the batch."""
        return tuple(d for d in self.data if d.role != "input")

    def step(self, kind: str) -> Step:
        """The step called `kind`, with or without its ending `_step`."""
        for name in (kind, f"{kind}_step"):
            if name in self.steps:
                return self.steps[name]
        known = ", ".join(self.steps)
        raise DescriptionError(
            f"network {self.name!r} has no step {kind!r}; it has {known}; rebuild it with another "
            f"optimizer or choose one of these"
        )

    def require_derivative(self, name: str) -> None:
        """DescriptionError, saying how to build it, where the network was emitted without a derivative."""
        if name in self.derivatives:
            return
        words, asked = list(self.build or (self.name,)), [*self.derivatives[2:], name]
        if "--with" in words:
            place = words.index("--with")
            del words[place : place + 2]
        command = " ".join(map(quote, ["python", "-m", "derive", "build", *words, "--with", ",".join(asked)]))
        raise DescriptionError(
            f"network {self.name!r} was emitted without {name}; it has {', '.join(self.derivatives)}; "
            f"run `{command}`"
        )

    def equation(self, name: str) -> Equation | None:
        """The forward equation that defines `name`, if the description lists it."""
        return next((e for e in self.equations if e.name == name), None)


def read_description(folder: Path, name: str) -> Description:
    """Read `<folder>/<name>.json`. Raise DescriptionError where it is missing or of another form."""
    path = folder / f"{name}.json"
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return _description(fields)
    except FileNotFoundError:
        raise DescriptionError(
            f"no network {name!r} in {folder.parent}: {path} is missing; run `python -m derive build "
            f"{name}` there, or name the folder of the emitted networks with path="
        ) from None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DescriptionError(
            f"{path} is not the description of a network ({type(error).__name__}: {error}); "
            f"rebuild it with `python -m derive build {name}`"
        ) from None


def _description(fields: Mapping[str, Any]) -> Description:
    return Description(
        name=fields["name"],
        title=fields["title"],
        task=fields["task"],
        reduction=fields["reduction"],
        sizes={symbol: int(size) for symbol, size in fields["sizes"].items()},
        batch_axis=fields["batch"]["axis"],
        max_batch=int(fields["batch"]["max"]),
        parameters=tuple(
            Parameter(*_tensor(row), trained=bool(row["trained"])) for row in fields["parameters"]
        ),
        data=tuple(_data_tensor(row) for row in fields["data"]),
        output=Tensor(*_tensor(fields["output"])),
        steps={kind: _step(kind, row) for kind, row in fields["steps"].items()},
        equations=tuple(
            Equation(row["name"], row["layer"], row["formula"]) for row in fields.get("equations", ())
        ),
        targets=tuple(fields["targets"]),
        build=tuple(fields.get("build", ())),
        derivatives=tuple(fields.get("derivatives", ("vjp", "jvp"))),
    )


def _tensor(row: Mapping[str, Any]) -> tuple[str, tuple[str, ...], tuple[int, ...]]:
    return row["name"], tuple(row["axes"]), tuple(int(size) for size in row["shape"])


def _step(kind: str, row: Mapping[str, Any]) -> Step:
    state = row["state"]
    states = (state,) if isinstance(state, str) else tuple(state or ())
    return Step(kind, states, tuple(row["scalars"]), row.get("number"))


def _data_tensor(row: Mapping[str, Any]) -> DataTensor:
    return DataTensor(*_tensor(row), dtype=row["dtype"], role=row["role"], classes=row.get("classes"))

"""A network run by its emitted NumPy module."""

import importlib.abc
import importlib.machinery
import importlib.util
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Self

import numpy as np

from .buffers import Array, named_views, pack
from .description import Description
from .errors import ArrayError, DescriptionError, NonFiniteError
from .network import Network, Run


class SourceFile(importlib.abc.InspectLoader):
    """Loads one file as a module, always from its source, and leaves no byte code beside it.

    Byte code is dated to the second, so a network rebuilt twice in one second would be the former one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def get_source(self, fullname: str) -> str:  # noqa: ARG002
        return self.path.read_text(encoding="utf-8")

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_source(fullname), str(self.path))


def load_module(folder: Path, name: str) -> ModuleType:
    """The module `<folder>/<name>.py`, known to nobody else: sys.path and sys.modules stay as they are."""
    path = folder / f"{name}.py"
    if not path.is_file():
        raise DescriptionError(
            f"network {name!r} has no NumPy module: {path} is missing; run `python -m derive build "
            f'{name} --target numpy`, or load it with backend="c"'
        )
    spec = importlib.machinery.ModuleSpec(f"generated.{name}.{name}", SourceFile(path), origin=str(path))
    module = importlib.util.module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(module)
    return module


class NumpyNetwork(Network):
    """`Network` by NumPy; any batch size."""

    backend = "numpy"

    def __init__(self, description: Description, dtype: np.dtype[Any], folder: Path) -> None:
        super().__init__(description, dtype)
        self.module = load_module(folder, description.name)
        self._p = self.module.Params(**self.parameters)
        self._states = {name: self.module.Gradients(**views) for name, views in self.state.items()}
        made = getattr(self.module, "Workspace", None)
        self._memory = {} if made is None else {"w": made()}
        self._residuals: Any = None
        self._residuals_of: tuple[int, tuple[int, int]] | None = None

    def _connect(self) -> None:
        self._residuals = None

    def init(self, seed: int = 0) -> Self:
        drawn = self.module.init(seed, self.dtype.type, **self.description.resized)
        for tensor in self.description.parameters:
            value = getattr(drawn, tensor.name)
            if value.shape != tensor.shape:
                raise DescriptionError(
                    f"network {self.name!r}: init draws {tensor.name} of shape {value.shape} but the "
                    f"description says {tensor.shape}; rebuild it"
                )
            self.parameters[tensor.name][...] = value
        self.reset_state()
        return self

    def _batch(self, start: int, stop: int) -> list[Array]:
        return [array[start:stop] for array in self._bound]

    def _inputs(self) -> list[Array]:
        start, stop = self._selected
        pairs = zip(
            self.description.data if self._complete else self.description.inputs, self._bound, strict=True
        )
        return [array[start:stop] for tensor, array in pairs if tensor.role == "input"]

    @property
    def _complete(self) -> bool:
        return len(self._bound) == len(self.description.data)

    def forward(self, *data: Array) -> Array:
        self._prepare(data, answers=False)
        output: Array = self.module.forward(self._p, *self._inputs())[0]
        return output

    def loss(self, *batch: Array) -> float:
        self._prepare(batch, answers=True)
        L, self._residuals = self.module.loss(self._p, *self._batch(*self._selected))
        self._residuals_of = (self._binding, self._selected)
        return float(L)

    def vjp(self, L_bar: float = 1.0) -> dict[str, Array]:
        if self._residuals_of != (self._binding, self._selected):
            raise ArrayError(
                f"network {self.name!r}: vjp pulls back through the last loss, but there was none for the "
                f"selected rows; call loss() first"
            )
        bars = self.module.vjp(
            self._residuals, self.dtype.type(L_bar), self._p, *self._batch(*self._selected)
        )
        return self._arrays(bars)

    def jvp(self, tangents: Mapping[str, Array], *batch: Array) -> tuple[float, float]:
        self._prepare(batch, answers=True)
        trained = self.description.trained
        p_dot = self.module.Gradients(**named_views(trained, pack(trained, tangents, self.dtype, "tangent")))
        L, L_dot = self.module.jvp(self._p, p_dot, *self._batch(*self._selected))
        return float(L), float(L_dot)

    def product(self, derivative: str, tangents: Mapping[str, Array], *batch: Array) -> dict[str, Array]:
        self.description.require_derivative(derivative)
        self._prepare(batch, answers=True)
        trained = self.description.trained
        p_dot = self.module.Gradients(**named_views(trained, pack(trained, tangents, self.dtype, "tangent")))
        function = getattr(self.module, derivative)
        return self._arrays(function(self._p, p_dot, *self._batch(*self._selected)))

    def per_example(self, *batch: Array) -> dict[str, Array]:
        self.description.require_derivative("per_example")
        self._prepare(batch, answers=True)
        return self._arrays(self.module.per_example(self._p, *self._batch(*self._selected)))

    def _arrays(self, bars: Any) -> dict[str, Array]:
        """Gradients in arrays of the caller's own."""
        return {p.name: np.array(getattr(bars, p.name)) for p in self.description.trained}

    def predict(self, *data: Array) -> Array:
        self._prepare(data, answers=False)
        predicted: Array = self.module.predict(self._p, *self._inputs())
        return predicted

    def stepper(self, kind: str, **scalars: float) -> Run:
        step = self.description.step(kind)
        values = self._scalars(kind, scalars)
        owned = (self._p, *(self._states[state] for state in step.states))
        function = partial(getattr(self.module, step.kind), *owned, **self._memory)

        def run(start: int, stop: int, lr: float | None = None) -> float:
            self._check_rows(start, stop)
            if lr is not None:
                values["lr"] = lr
            if step.number:
                values[step.number] = self.taken + 1.0
            try:
                L = float(function(*[array[start:stop] for array in self._bound], **values))
            except FloatingPointError as error:
                raise NonFiniteError(str(error)) from None
            self.taken += step.number is not None
            return L

        return run

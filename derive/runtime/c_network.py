"""A network run by its emitted C, through ctypes.

The batch struct, the pointers and the scalars of a step are made once, so that a step costs about a
microsecond of Python.
"""

import ctypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from weakref import WeakValueDictionary

import numpy as np

from .binding import check_labels
from .buffers import Array, aligned, named_views, pack
from .c_calls import Calls
from .description import Description
from .errors import ArrayError, DescriptionError, NonFiniteError
from .network import Network, Run

OK, BATCH, LABEL, NONFINITE = 0, 1, 2, 3


class CNetwork(Network):
    """`Network` by a compiled library; batches of 1..max_batch rows."""

    def __init__(
        self,
        description: Description,
        dtype: np.dtype[Any],
        library: Path,
        backend: str = "c",
        threads: int = 1,
    ) -> None:
        super().__init__(description, dtype)
        self.backend = backend
        self.library = ctypes.CDLL(str(library))
        if threads > 1:
            self.library.omp_set_num_threads(ctypes.c_int(threads))
        self._real = ctypes.c_double if dtype == np.float64 else ctypes.c_float
        self._max_batch = self._size("max_batch", ctypes.c_int)
        self._check_layout()
        self._workspace = aligned(self._size("workspace_bytes"), np.dtype(np.uint8))
        self._row = batch_struct(description)()
        self._loss = self._real(0)
        self._p = ctypes.c_void_p(self.flat.ctypes.data)
        self._b = ctypes.byref(self._row)
        self._w = ctypes.c_void_p(self._workspace.ctypes.data)
        self._L = ctypes.byref(self._loss)
        self._fields: tuple[tuple[str, int, int], ...] = ()
        self._calls: WeakValueDictionary[int, Calls] = WeakValueDictionary()
        self._residuals_of: tuple[int, tuple[int, int]] | None = None

    @property
    def max_batch(self) -> int:
        return self._max_batch

    def _function(self, suffix: str, result: Any = ctypes.c_int) -> Any:
        try:
            function = self.library[f"{self.name}_{suffix}"]
        except AttributeError:
            raise DescriptionError(
                f"the compiled network {self.name!r} has no function {self.name}_{suffix}; rebuild "
                f"it with `python -m derive build {self.name} --target c`"
            ) from None
        function.restype = result
        return function

    def _size(self, suffix: str, result: Any = ctypes.c_size_t) -> int:
        return int(self._function(suffix, result)())

    def _check_layout(self) -> None:
        wanted = {
            "real_bytes": self.dtype.itemsize,
            "params_bytes": self.flat.nbytes,
            "gradients_bytes": sum(p.count for p in self.description.trained) * self.dtype.itemsize,
        }
        for suffix, size in wanted.items():
            found = self._size(suffix)
            if found != size:
                raise DescriptionError(
                    f"network {self.name!r}: {suffix} is {found} in the compiled C but {size} by the "
                    f"description; rebuild it with `python -m derive build {self.name}`"
                )

    def init(self, seed: int = 0) -> Self:
        self._function("init", None)(self._p, ctypes.c_uint64(seed))
        self.reset_state()
        return self

    def _connect(self) -> None:
        tensors = (
            self.description.data
            if len(self._bound) == len(self.description.data)
            else self.description.inputs
        )
        for tensor in self.description.answers:
            setattr(self._row, tensor.name, None)
        for calls in self._calls.values():
            calls.clear()
        self._fields = tuple(
            (t.name, a.ctypes.data, a.strides[0]) for t, a in zip(tensors, self._bound, strict=True)
        )

    def _point(self, row: ctypes.Structure, start: int, stop: int) -> None:
        row.m = stop - start
        for name, address, stride in self._fields:
            setattr(row, name, address + start * stride)

    def _call(self, suffix: str, *arguments: Any) -> None:
        self._point(self._row, *self._selected)
        code = self._function(suffix)(*arguments)
        if code != OK:
            self._refuse(code, *self._selected)

    def _refuse(self, code: int, start: int, stop: int) -> None:
        if code == NONFINITE:
            raise NonFiniteError(
                f"network {self.name!r}: loss or gradient is not finite; the parameters are as before"
            )
        if code == BATCH:
            raise ArrayError(
                f"network {self.name!r}: a call takes 1..{self.max_batch} rows but {stop - start} are "
                f"selected; select fewer, or load the network with max_batch={stop - start}"
            )
        if code == LABEL:
            for tensor, array in zip(self.description.data, self._bound, strict=False):
                if tensor.classes is not None:
                    check_labels(self.description, tensor, array[start:stop])
        raise ArrayError(
            f"network {self.name!r}: the compiled C refused the batch with error {code}; rebuild it"
        )

    def forward(self, *data: Array) -> Array:
        self._prepare(data, answers=False)
        H = np.empty((self._selected[1] - self._selected[0], *self.description.output.shape), self.dtype)
        self._call("forward", self._p, self._b, self._w, ctypes.c_void_p(H.ctypes.data))
        return H

    def loss(self, *batch: Array) -> float:
        self._prepare(batch, answers=True)
        self._residuals_of = None
        self._call("loss", self._p, self._b, self._w, self._L)
        self._residuals_of = (self._binding, self._selected)
        return float(self._loss.value)

    def vjp(self, L_bar: float = 1.0) -> dict[str, Array]:
        if self._residuals_of != (self._binding, self._selected):
            raise ArrayError(
                f"network {self.name!r}: vjp pulls back through the last loss, but there was none for the "
                f"selected rows; call loss() first"
            )
        flat = self._new_gradients()
        self._call("vjp", self._p, self._b, self._w, self._real(L_bar), ctypes.c_void_p(flat.ctypes.data))
        return named_views(self.description.trained, flat)

    def jvp(self, tangents: Mapping[str, Array], *batch: Array) -> tuple[float, float]:
        self._prepare(batch, answers=True)
        self._residuals_of = None
        p_dot = pack(self.description.trained, tangents, self.dtype, "tangent")
        L_dot = self._real(0)
        self._call(
            "jvp", self._p, ctypes.c_void_p(p_dot.ctypes.data), self._b, self._w, self._L, ctypes.byref(L_dot)
        )
        return float(self._loss.value), float(L_dot.value)

    def product(self, derivative: str, tangents: Mapping[str, Array], *batch: Array) -> dict[str, Array]:
        self.description.require_derivative(derivative)
        self._prepare(batch, answers=True)
        self._residuals_of = None
        p_dot = pack(self.description.trained, tangents, self.dtype, "tangent")
        flat = self._new_gradients()
        given, filled = (ctypes.c_void_p(array.ctypes.data) for array in (p_dot, flat))
        self._call(derivative, self._p, given, self._b, self._w, filled)
        return named_views(self.description.trained, flat)

    def per_example(self, *batch: Array) -> dict[str, Array]:
        self.description.require_derivative("per_example")
        self._prepare(batch, answers=True)
        self._residuals_of = None
        trained, m = self.description.trained, self._selected[1] - self._selected[0]
        rows = aligned(m * sum(p.count for p in trained), self.dtype).reshape(m, -1)
        self._call("per_example", self._p, self._b, self._w, ctypes.c_void_p(rows.ctypes.data))
        stops = np.cumsum([p.count for p in trained])
        return {
            p.name: rows[:, stop - p.count : stop].reshape(m, *p.shape)
            for p, stop in zip(trained, stops, strict=True)
        }

    def predict(self, *data: Array) -> Array:
        self._prepare(data, answers=False)
        self._residuals_of = None
        m = self._selected[1] - self._selected[0]
        regression = self.description.task == "regression"
        shape = (
            (m, *self.description.output.shape) if regression else (m, *self.description.output.shape[:-1])
        )
        predicted = np.empty(shape, self.dtype if regression else np.int32)
        self._call("predict", self._p, self._b, self._w, ctypes.c_void_p(predicted.ctypes.data))
        return predicted

    def stepper(self, kind: str, **scalars: float) -> Run:
        step = self.description.step(kind)
        values = self._scalars(kind, scalars)
        count = self._real(values[step.number]) if step.number else None
        # what from_param makes is passed as it is; an object with a value is read anew at each call
        pointer, number = ctypes.c_void_p.from_param, self._real.from_param
        state = [pointer(self._flat_states[name].ctypes.data) for name in step.states]
        numbers = {name: count if name == step.number else number(value) for name, value in values.items()}
        first, last = (pointer(self._p.value), *state), pointer(self._w.value)
        function, loss, rate = self._function(step.kind), self._loss, values.get("lr")

        def point(row: ctypes.Structure, start: int, stop: int) -> None:
            self._check_rows(start, stop)
            self._point(row, start, stop)

        def around(batch: object) -> tuple[Any, ...]:
            return (*first, batch, last, *numbers.values(), self._L)

        calls = Calls(type(self._row), point, around)
        self._calls[id(calls)] = calls

        def run(start: int, stop: int, lr: float | None = None) -> float:
            # written out: another call would cost as much as the rest
            nonlocal rate
            if lr is not None and lr != rate:
                numbers["lr"], rate = number(lr), lr
                calls.clear()
            arguments = calls[start, stop]
            self._residuals_of = None
            if count is not None:
                count.value = self.taken + 1
            code = function(*arguments)
            if code:
                self._refuse(code, start, stop)
            if count is not None:
                self.taken += 1
            L: float = loss.value
            return L

        return run


def batch_struct(description: Description) -> type[ctypes.Structure]:
    """`<name>_batch`: the number of rows, then a pointer for each tensor of the batch, in order."""
    fields = [("m", ctypes.c_int), *((tensor.name, ctypes.c_void_p) for tensor in description.data)]
    return type(f"{description.name}_batch", (ctypes.Structure,), {"_fields_": fields})

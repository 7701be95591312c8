"""A network's C in double, called by name: what the tests of networks share."""

import ctypes
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from codegen.c.module import render_c
from codegen.plan.plan import Plan, plan_network
from tests.codegen.emitted_c import UNDEFINED, Array, drawn, library, pointer, shape_of, write
from tests.codegen.networks import NETWORKS

EXAMPLES = 5
real = ctypes.c_double


@cache
def planned(name: str) -> Plan:
    return plan_network(NETWORKS[name]())


class EmittedNetwork:
    """Parameters, batch and workspace of one compiled network."""

    def __init__(
        self, plan: Plan, folder: Path, *flags: str, examples: int = EXAMPLES, compiler: str = ""
    ) -> None:
        self.plan, self.name = plan, plan.network.name
        header, source = render_c(plan)
        write(folder, {f"{self.name}.h": header, f"{self.name}.c": source})
        self.source = folder / f"{self.name}.c"
        double = f"-D{self.name.upper()}_DOUBLE"
        self.library = library(self.source, "-O1", *(flags or UNDEFINED), double, compiler=compiler)
        self.sizes = {**plan.network.sizes, plan.network.batch: examples}
        self.params = np.full(self.size("params"), np.nan)
        self.workspace = np.full(self.size("workspace"), np.nan)
        self.L = real(np.nan)

    def size(self, what: str) -> int:
        """How many numbers a struct holds."""
        return int(self.function(f"{what}_bytes", ctypes.c_size_t)()) // 8

    def function(self, suffix: str, result: Any = ctypes.c_int) -> Callable[..., Any]:
        function = self.library[f"{self.name}_{suffix}"]
        function.restype = result
        return function

    def init(self, seed: int = 0) -> "EmittedNetwork":
        self.function("init", None)(pointer(self.params), ctypes.c_uint64(seed))
        return self

    def draw(self, rng: np.random.Generator) -> dict[str, Array]:
        """Parameters and a batch, as arrays by name."""
        arrays = {o.tensor.name: drawn(o.tensor, self.sizes, 0, rng) for o in self.plan.parameters}
        self.params[:] = np.concatenate([array.ravel() for array in arrays.values()])
        for supplied in self.plan.batch:
            bound = self.plan.size(supplied.classes) if supplied.classes is not None else 0
            arrays[supplied.tensor.name] = drawn(supplied.tensor, self.sizes, bound, rng)
        return arrays

    def batch(self, arrays: Mapping[str, Array], examples: int | None = None) -> Any:
        """The batch struct; a tensor that is not given is NULL."""
        names = [supplied.tensor.name for supplied in self.plan.batch]
        fields = [("m", ctypes.c_int), *((name, ctypes.c_void_p) for name in names)]
        struct = type("Batch", (ctypes.Structure,), {"_fields_": fields})
        kept = {name: np.array(arrays[name], order="C") for name in names if name in arrays}
        count = self.sizes[self.plan.network.batch] if examples is None else examples
        batch: Any = struct(m=count, **{name: array.ctypes.data for name, array in kept.items()})
        batch.kept = kept
        return batch

    def call(self, key: str, batch: Any, *arguments: Any, before: tuple[Any, ...] = ()) -> int:
        """One function on the parameters, the batch and the workspace; the code that it returns."""
        pointers = (pointer(self.params), *before, ctypes.byref(batch), pointer(self.workspace))
        return int(self.function(key)(*pointers, *arguments))

    def gradients(self) -> Array:
        return np.full(self.size("gradients"), np.nan)

    def trained(self, flat: Array) -> dict[str, Array]:
        """The arrays of a gradients struct by name."""
        found, start = {}, 0
        for tensor in self.plan.trained:
            shape = shape_of(tensor, self.sizes)
            count = int(np.prod(shape))
            found[tensor.name] = flat[start : start + count].reshape(shape)
            start += count
        assert start == flat.size
        return found

"""Every trap's value, gradient and Hessian-vector product, emitted: NumPy modules, one C library a family."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from codegen.c.layer import render_c_layer
from codegen.extents import size_names
from codegen.numpy.layer import render_numpy_layer
from codegen.plan.pipeline import lowered
from codegen.plan.plan import LayerPlan
from derive.calculus.derivation.hvp import hvp
from derive.calculus.derivation.vjp import vjp
from derive.calculus.program.program import Program
from derive.calculus.stable.stabilise import stabilise
from derive.check.sizes import infer_sizes
from derive.check.traps.answers import directions_of, inputs_of
from derive.check.traps.trap import Case, Trap
from tests.codegen.emitted_c import COMPILERS, Array, is_integer, pointer, run, shape_of, write
from tests.codegen.emitted_numpy import imported

Outputs = Mapping[str, Array]


@cache
def planned(trap: Trap) -> LayerPlan:
    """Value, gradient, and the Hessian-vector product in the place of the pushforward."""
    stable = stabilise(trap.program)
    joint = vjp(stable, trap.varied)
    product = hvp(stable, trap.varied)
    return LayerPlan(trap.name, lowered(stable), lowered(joint), lowered(product))


@dataclass(frozen=True)
class Point:
    """Inputs of the three functions: what the case gives, the cotangent 1, the direction."""

    arrays: Mapping[str, Array]
    sizes: Mapping[str, int]
    wanted: int
    """How many points an elementwise case has; shorter ones repeat their last point."""

    @classmethod
    def of(cls, trap: Trap, case: Case, length: int) -> Point:
        inputs = inputs_of(trap, case)
        wanted = next(iter(inputs.values())).shape[0] if trap.elementwise else 0
        if trap.elementwise:
            inputs = {name: np.pad(a, (0, length - wanted), mode="edge") for name, a in inputs.items()}
        sizes = infer_sizes(trap.program, {name: a.shape for name, a in inputs.items()}, trap.sizes)
        output = trap.program.tensor(trap.program.outputs[0])
        arrays = {**inputs, f"{output.name}_bar": np.ones(shape_of(output, sizes))}
        for name, direction in directions_of(trap, inputs).items():
            arrays[f"{name}_dot"] = direction
        return cls(arrays, sizes, wanted)

    def cut(self, outputs: Outputs) -> Outputs:
        """The points that the case asked for."""
        return {name: a[: self.wanted] for name, a in outputs.items()} if self.wanted else outputs


def points(trap: Trap) -> list[Point]:
    """One for each case, all of one shape."""
    longest = max(np.asarray(next(iter(case.inputs.values()))).size for case in trap.cases)
    return [Point.of(trap, case, longest) for case in trap.cases]


class NumpyTrap:
    """A trap's emitted NumPy."""

    def __init__(self, trap: Trap, folder: Path) -> None:
        self.plan = planned(trap)
        self.module: ModuleType = imported(render_numpy_layer(trap.name, self.plan), folder, trap.name)

    def call(self, key: str, point: Point, dtype: type) -> Outputs:
        program: Program = getattr(self.plan, key)
        function = getattr(self.module, key)
        arguments = [_cast(point.arrays[tensor.name], dtype) for tensor in program.inputs]
        code = function.__code__
        spoken = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        with np.errstate(all="ignore"):
            found = function(*arguments, **{letter: point.sizes[letter] for letter in spoken})
        listed = found if len(program.outputs) > 1 else (found,)
        return point.cut(dict(zip(program.outputs, map(np.asarray, listed), strict=True)))


class CFamily:
    """The C of several traps in one library."""

    def __init__(self, traps: tuple[Trap, ...], folder: Path, dtype: type) -> None:
        self.dtype = dtype
        sources = []
        for trap in traps:
            sizes = points(trap)[0].sizes
            letters = size_names(planned(trap).forward)
            write(folder, render_c_layer(planned(trap), {letter: sizes[letter] for letter in letters}))
            sources.append(folder / f"{trap.name}.c")
        doubles = [f"-D{trap.name.upper()}_DOUBLE" for trap in traps] if dtype is np.float64 else []
        built = folder / f"family_{np.dtype(dtype).name}.so"
        run(COMPILERS[0], "-std=c99", "-O1", "-w", "-fPIC", "-shared", *doubles, *sources, "-o", built, "-lm")
        self.library = ctypes.CDLL(str(built))

    def call(self, trap: Trap, key: str, point: Point) -> Outputs:
        program: Program = getattr(planned(trap), key)
        kept = [_cast(point.arrays[t.name], self.dtype) for t in program.inputs]
        arguments = [self._passed(a, bool(t.axes)) for a, t in zip(kept, program.inputs, strict=True)]
        outputs: dict[str, Array] = {}
        for name in program.outputs:
            tensor = program.tensor(name)
            dtype = np.int32 if is_integer(tensor) else self.dtype
            outputs[name] = np.full(shape_of(tensor, point.sizes), -7, dtype)
        size = self.library[f"{trap.name}_workspace_bytes"]
        size.restype = ctypes.c_size_t
        workspace = np.full(size() // 4 + 1, np.nan, np.float32)
        passed = [*arguments, *(pointer(a) for a in outputs.values()), pointer(workspace)]
        self.library[f"{trap.name}_{key}"](*passed)
        return point.cut(outputs)

    def _passed(self, array: Array, tensor: bool) -> Any:
        if tensor:
            return pointer(array)
        return (ctypes.c_double if self.dtype is np.float64 else ctypes.c_float)(float(array))


def _cast(array: Array, dtype: type) -> Array:
    kind = np.int32 if array.dtype.kind == "i" else dtype
    with np.errstate(all="ignore"):
        return np.ascontiguousarray(array, kind) if array.ndim else np.asarray(array, kind)[()]


def parts(trap: Trap) -> Iterator[tuple[str, str, str]]:
    """key of the function, key of the answer, suffix of the outputs."""
    yield from (("forward", "value", ""), ("vjp", "gradient", "_bar"), ("jvp", "product", "_bar_dot"))

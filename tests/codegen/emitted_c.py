"""Emitted C, compiled and called: what the tests of C share."""

import ctypes
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from codegen.c.layer import render_c_layer
from codegen.extents import evaluated
from codegen.plan.plan import LayerPlan
from derive.calculus.expressions.tensor import Kind, Tensor
from derive.calculus.program.program import Program

Array = np.ndarray[Any, np.dtype[Any]]
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
STRICT = (
    *("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wdouble-promotion"),
    "-Werror",
)
NOWHERE: Mapping[str, str] = MappingProxyType({})
# A trap has no text, which takes half of the time to compile: -fno-sanitize-recover=undefined says where.
UNDEFINED = ("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")


def write(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def run(*command: str | Path) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def library(source: Path, *flags: str, compiler: str = "") -> ctypes.CDLL:
    """The shared library of one C file."""
    built = source.with_suffix(f".{compiler or 'first'}.so")
    run(compiler or COMPILERS[0], *STRICT, "-fPIC", "-shared", *flags, source, "-o", built, "-lm")
    return ctypes.CDLL(str(built))


def pointer(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def is_integer(tensor: Tensor) -> bool:
    return tensor.kind in (Kind.INTEGER, Kind.MASK)


def shape_of(tensor: Tensor, sizes: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(evaluated(size, sizes) for size in tensor.shape)


def drawn(tensor: Tensor, sizes: Mapping[str, int], bound: int, rng: np.random.Generator) -> Array:
    """An input: labels below a bound, masks of 0 and 1, positive state, normal numbers."""
    shape = shape_of(tensor, sizes)
    if is_integer(tensor):
        return rng.integers(0, 2 if tensor.kind is Kind.MASK else bound, shape).astype(np.int32)
    values = rng.normal(size=shape)
    return np.abs(values) if tensor.kind is Kind.STATE else values


class EmittedLayer:
    """A layer's C in double, with its temporaries full of NaN."""

    def __init__(
        self, plan: LayerPlan, sizes: Mapping[str, int], folder: Path, checks: tuple[str, ...] = UNDEFINED
    ) -> None:
        write(folder, render_c_layer(plan, sizes))
        self.plan, self.sizes, self.name = plan, sizes, plan.name
        self.source = folder / f"{plan.name}.c"
        double = f"-D{plan.name.upper()}_DOUBLE"
        self.library = library(self.source, "-O1", *checks, double)
        size = self.library[f"{plan.name}_workspace_bytes"]
        size.restype = ctypes.c_size_t
        self.workspace = np.full(size() // 4 + 1, np.nan, np.float32)

    def call(
        self, key: str, program: Program, inputs: Mapping[str, Array], lying: Mapping[str, str] = NOWHERE
    ) -> dict[str, Array]:
        """The outputs of forward, vjp or jvp; some of them `lying` where an input lies."""
        arguments: list[Any] = []
        kept = {name: np.array(array, order="C") for name, array in inputs.items()}
        for tensor in program.inputs:
            array = kept[tensor.name]
            arguments.append(pointer(array) if tensor.axes else ctypes.c_double(float(array)))
        outputs = {
            name: kept[lying[name]] if name in lying else self._empty(program.tensor(name))
            for name in program.outputs
        }
        arguments += [pointer(array) for array in outputs.values()]
        self.library[f"{self.name}_{key}"](*arguments, pointer(self.workspace))
        return outputs

    def _empty(self, tensor: Tensor) -> Array:
        shape = shape_of(tensor, self.sizes)
        return np.full(shape, -7, np.int32) if is_integer(tensor) else np.full(shape, np.nan)

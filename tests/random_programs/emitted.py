"""Many programs' emitted source at once: one shared library for all, one module each."""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from codegen.c.layer import render_c_layer
from codegen.numpy.layer import render_numpy_layer
from derive.calculus.expressions.tensor import Kind
from derive.calculus.program.program import Program
from derive.check.sizes import whole
from tests.codegen.emitted_c import COMPILERS, STRICT, is_integer, pointer, run, write
from tests.random_programs.trial import Arrays, Derived

REAL = {"float64": ctypes.c_double, "float32": ctypes.c_float}


def compiled(programs: Sequence[Derived], folder: Path) -> ctypes.CDLL:
    """The library of all programs, each in the precision that it asks for."""
    for derived in programs:
        files = render_c_layer(derived.plan, derived.specification.sizes)
        double = derived.specification.dtype == "float64"
        heads = f"#define {derived.name.upper()}_DOUBLE\n" * double
        write(folder, {name: heads + text if name.endswith(".c") else text for name, text in files.items()})
    built = folder / "programs.so"
    sources = sorted(folder.glob("*.c"))
    run(COMPILERS[0], *STRICT, "-O0", "-fPIC", "-shared", *sources, "-o", built, "-lm")
    return ctypes.CDLL(str(built))


def by_c(derived: Derived, library: ctypes.CDLL) -> dict[str, Arrays]:
    """Every verb called in C, temporaries full of NaN."""
    size = library[f"{derived.name}_workspace_bytes"]
    size.restype = ctypes.c_size_t
    workspace = np.full(size() // 4 + 2, np.nan, np.float32)
    return {
        verb: _called(derived, program, library[f"{derived.name}_{verb}"], workspace)
        for verb, program in derived.plan.programs.items()
    }


def _called(derived: Derived, program: Program, function: Any, workspace: Any) -> Arrays:
    dtype = derived.specification.dtype
    kept, arguments = [], []
    given = derived.inputs(program)
    for tensor in program.inputs:
        array = np.array(given[tensor.name], np.int32 if is_integer(tensor) else dtype, order="C")
        kept.append(array)
        first = array.flat[0]
        scalar = ctypes.c_int32(int(first)) if is_integer(tensor) else REAL[dtype](float(first))
        arguments.append(pointer(array) if tensor.axes else scalar)
    outputs = {}
    for name in program.outputs:
        tensor = program.tensor(name)
        shape = tuple(whole(size, derived.specification.sizes) or 0 for size in tensor.shape)
        outputs[name] = np.full(shape, -7, np.int32) if is_integer(tensor) else np.full(shape, np.nan, dtype)
    function(*arguments, *(pointer(array) for array in outputs.values()), pointer(workspace))
    return {name: array.astype(np.float64) for name, array in outputs.items()}


def by_numpy(derived: Derived, folder: Path) -> dict[str, Arrays]:
    """Every verb called in NumPy."""
    module = _imported(render_numpy_layer(derived.name, derived.plan), folder, derived.name)
    return {
        verb: _returned(derived, program, getattr(module, verb))
        for verb, program in derived.plan.programs.items()
    }


def _returned(derived: Derived, program: Program, function: Any) -> Arrays:
    dtype = derived.specification.dtype
    arrays = [
        given if given.dtype.kind == "i" else given.astype(dtype)
        for given in derived.inputs(program).values()
    ]
    code = function.__code__
    names = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    with np.errstate(all="ignore"):
        found = function(*arrays, **{letter: derived.specification.sizes[letter] for letter in names})
    listed = found if len(program.outputs) > 1 else (found,)
    for name, array in zip(program.outputs, listed, strict=True):
        held = getattr(array, "dtype", type(array).__name__)
        if program.tensor(name).kind is Kind.REAL and held != dtype:
            raise AssertionError(f"{name} is {held}, not {dtype}")
    return {name: np.asarray(a, np.float64) for name, a in zip(program.outputs, listed, strict=True)}


def _imported(source: str, folder: Path, name: str) -> Any:
    path = folder / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(f"random_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

"""Emitted NumPy source as a module, and programs' inputs at small unequal sizes."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from derive.calculus.expressions.tensor import Kind, Size, Tensor
from derive.calculus.program.program import Program

SIZES = dict(zip("mndkcoHWUVTvabDLs", (3, 7, 4, 5, 2, 3, 8, 9, 3, 2, 4, 6, 3, 2, 6, 3, 5), strict=True))


def imported(source: str, folder: Path, name: str) -> ModuleType:
    """The module of some source text."""
    path = folder / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(f"emitted_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lengths(tensor: Tensor) -> list[int]:
    """A tensor's shape at SIZES."""
    return [
        int(size.xreplace({s: SIZES[s.name] for s in size.free_symbols if isinstance(s, Size)}))
        for size in tensor.shape
    ]


def drawn(program: Program, rng: np.random.Generator) -> dict[str, Any]:
    """Random inputs of a program."""
    found: dict[str, Any] = {}
    for tensor in program.inputs:
        if tensor.kind is Kind.INTEGER:
            found[tensor.name] = rng.integers(0, min(SIZES["k"], SIZES["v"]), lengths(tensor))
        elif tensor.kind is Kind.MASK:
            found[tensor.name] = rng.integers(0, 2, lengths(tensor))
        else:
            found[tensor.name] = rng.standard_normal(lengths(tensor))
            if tensor.kind is Kind.STATE:
                found[tensor.name] = np.abs(found[tensor.name]) + 0.5
    return found

"""The transpose of reading windows, by terms that are added where they overlap, against reading windows."""

from typing import Any

import numpy as np
import pytest
from sympy import Integer

from codegen.buffers.function import Planned, planned
from codegen.numpy.fallbacks import FALLBACKS
from derive.calculus.expressions.tensor import Axis, Size, Tensor

M, C, O, N, U = 5, 3, 4, 7, 3


def compiled(line: str) -> tuple[Planned, dict[str, Any]]:
    """The planned lines of `Y_bar = ...` over A (m, o, n) and K (o, c, u); the names that they read."""
    m, c, o = map(Size, "mco")
    tensors = [
        Tensor("A", (Axis("e", m), Axis("o", o), Axis("q", Integer(N)))),
        Tensor("K", (Axis("o", o), Axis("c", c), Axis("u", Integer(U)))),
    ]
    sizes = {"m": M, "c": C, "o": O}
    lines = [f"    Y_bar = {line}", "    return Y_bar"]
    found = planned(lines, {}, {}, tensors, sizes, "m")
    numbers = {Size(name): value for name, value in sizes.items()}
    scope: dict[str, Any] = {"np": np} | sizes
    for name in ("windows", "overlap_add", "window_view"):
        exec(FALLBACKS[name], scope)
    for value in found.arrays:
        shape = [int(extent.subs(numbers)) for extent in value.axes]
        scope[value.name] = np.full(shape, np.nan)
    return found, scope


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("reach", [1, 2])
@pytest.mark.parametrize("start", [0, 1, 2])
def test_terms_that_overlap_are_the_windows_with_a_kernel(step: int, reach: int, start: int) -> None:
    """Y_bar[i,c,w] = sum_{o,u} A[i,o,(w - reach u + start)/step] K[o,c,u]."""
    size = step * (N - 1) + reach * (U - 1) + 1 - start
    options = f"step={-reach}, start={start}, spread={step}"
    line = f'np.einsum("ijkl,jmk->iml", windows(A, 2, {U}, {size}, {options}), K, optimize=True)'
    found, scope = compiled(line)
    generator = np.random.default_rng(step)
    scope |= {"A": generator.standard_normal((M, O, N)), "K": generator.standard_normal((O, C, U))}
    right = eval(line, scope)
    text = "\n".join(found.lines)
    assert "overlap_add(" in text
    exec("if True:\n" + text.replace("    return ", "    found = "), scope)
    assert scope["found"].shape == right.shape
    assert np.abs(scope["found"] - right).max() < 1e-13

"""Sums of rows in one pass, rows added whole, arrays that lie as they are filled."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from codegen.numpy.module import render_numpy
from codegen.plan.plan import plan_network
from derive.networks.registry import variant

SIZES = {"L": 2, "d": 64, "h": 2, "e": 32, "f": 24, "T": 40, "v": 7}


@cache
def source(buffers: str) -> str:
    return render_numpy(plan_network(variant("gpt", sizes=SIZES, buffers=buffers)))


def gradients(buffers: str, dtype: type = np.float64) -> Any:
    """The loss and the gradients of three examples, in a workspace of NaN where there is one."""
    scope: dict[str, Any] = {"__name__": "gpt"}
    exec(compile(source(buffers), "gpt", "exec"), scope)
    generator = np.random.default_rng(1)
    drawn = scope["init"](0, dtype)
    p = type(drawn)(*(W + dtype(0.3) * generator.standard_normal(W.shape).astype(dtype) for W in drawn))
    x, y = generator.integers(0, SIZES["v"], (2, 3, SIZES["T"])).astype(np.int32)
    if buffers == "fresh":
        return scope["gradients"](p, x, y)
    w = scope["Workspace"]()
    scope["gradients"](p, x, y, w=w)
    w.memory.fill(0xFF)
    return scope["gradients"](p, x, y, w=w)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 3e-4)])
def test_the_gradients_are_the_plain_ones(dtype: type, tolerance: float) -> None:
    (L, g), (planned_L, planned_g) = gradients("fresh", dtype), gradients("planned", dtype)
    assert planned_L == pytest.approx(L, rel=tolerance)
    for right, found in zip(g, planned_g, strict=True):
        assert found.dtype == dtype
        assert np.abs(found - right).max() <= tolerance * max(1, np.abs(right).max())


def test_a_sum_of_squares_has_no_array_of_squares() -> None:
    assert "np.einsum('ijk,ijk->ij', C1, C1, out=v1)" in source("planned")
    assert "v1_square" not in source("planned")


def test_short_sums_are_as_they_are() -> None:
    small = render_numpy(plan_network(variant("two_layer", sizes={"k": 3}, buffers="planned")))
    assert ".sum(axis=1" in small


def test_long_rows_are_added_whole() -> None:
    assert "add_rows(E_bar_1, x, Z_bar[0])" in source("planned")
    assert "np.add.at(E_bar_1, x, Z_bar[0])" in source("fresh")


def test_an_array_of_steps_lies_as_the_product_that_fills_it() -> None:
    lines = {line.rpartition("# ")[2]: line for line in source("planned").split("\n") if ", dtype, (" in line}
    assert "(0, 2, 4, 1, 3, 5)" in lines["A"]  # m, T, 3, h, e for (3, m, h, T, e)
    assert "(1, 3, 0, 2, 4)" in lines["A_bar"]
    assert "(0, 1, 3, 2, 4)" in lines["O"]
    assert "(0, 1, 2, 3, 4)" in lines["Wa_bar"]  # a gradient lies as its parameter
    assert "B_rows" not in source("planned")
    assert "A_product" not in source("planned")


def test_a_guard_is_a_copy_of_zeros_where_it_does_not_hold() -> None:
    assert "np.less_equal(E4, 0, out=F_slope_mask)" in source("planned")
    assert "np.copyto(F_slope_product, 0, where=F_slope_mask)" in source("planned")

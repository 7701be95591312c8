"""Draws: labels in range and repeated, masks with both values, nothing near a kink."""

from __future__ import annotations

import numpy as np
import pytest

from derive.calculus.definition.define import define
from derive.calculus.program.program import Program
from derive.check.sampling import MARGIN, random_inputs, random_sizes, size_names

RELU = define("relu(X[m,n]) -> Y\n    Y[i,j] = max(X[i,j], 0)")
LABELS = define("pick(X[m,k], integer y[m]) -> L\n    L = sum_{i} X[i,y[i]]")
COMPARED = define("pick(X[m,k], integer y[m]) -> L\n    L = sum_{i,j} [j == y[i]] X[i,j]")
SHIFTED = define("pick(X[m,k], integer y[m]) -> L\n    L[i] = X[i,y[i]+1]")


@pytest.mark.parametrize("seed", range(4))
def test_no_value_is_near_a_kink(seed: int) -> None:
    drawn = random_inputs(RELU, {"m": 10, "n": 20}, seed)["X"]
    assert np.abs(drawn).min() > MARGIN
    assert (drawn > 0).any()
    assert (drawn < 0).any()


@pytest.mark.parametrize("program", [LABELS, COMPARED, SHIFTED])
def test_labels_stay_in_the_axis_that_they_index(program: Program) -> None:
    seen = set()
    for seed in range(12):
        labels = random_inputs(program, {"m": 5, "k": 3}, seed)["y"]
        assert labels[0] == labels[-1]
        seen |= set(labels.tolist())
    assert seen == (set(range(2)) if program is SHIFTED else set(range(3)))


def test_masks_have_both_values() -> None:
    program = define("masked(X[m,n], mask M[m,n]) -> Y\n    Y[i,j] = M[i,j] X[i,j]")
    assert set(random_inputs(program, {"m": 2, "n": 2}, 0)["M"].ravel().tolist()) == {0, 1}


def test_sizes_leave_an_element_on_every_axis() -> None:
    window = define("window(x[n], k[U]) -> y\n    y[t<n-3*(U-1)] = sum_{u} x[t+3*u] k[u]")
    assert size_names(window) == ("U", "n")
    for seed in range(5):
        sizes = random_sizes(window, seed)
        assert sizes["n"] - 3 * (sizes["U"] - 1) >= 1

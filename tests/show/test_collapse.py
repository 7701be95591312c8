"""What `show` says of a network that is one matrix, and of transposes."""

from __future__ import annotations

from click.testing import CliRunner

from derive.commands.show import show
from derive.networks.registry import network
from derive.show.collapse import collapse_lines


def test_linear_features_are_one_matrix() -> None:
    lines = list(collapse_lines(network("linear_features").program, "H", "X"))
    assert lines == ["proved: H is one matrix of X", "    H = X V,  V = W Θ"]


def test_nothing_is_said_of_other_networks() -> None:
    for name in ("two_layer", "residual", "softmax_regression", "curve"):
        net = network(name)
        assert list(collapse_lines(net.program, net.output, net.data[0])) == []


def test_no_transpose_is_left_around_a_product() -> None:
    printed = CliRunner().invoke(show, ["linear_features", "--wrt", "W"]).output
    assert "Xᵀ ((S - I_y) Θᵀ/m)   (n, d)" in printed
    assert "proved: H is one matrix of X" in printed

"""Layers alone in PyTorch: forward without a graph, or forward and pullback by autograd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from bench.cases import ADAMW, NORM_EPSILON, Layer
from bench.data import layer

Run = Callable[[], tuple[Any, ...]]


def layer_run(case: Layer, compiled: bool) -> Run:
    """One evaluation of a layer; `compiled` by inductor."""
    given = {name: torch.from_numpy(array) for name, array in layer(case).items()}
    if case.network == "adamw":
        return adamw(given, compiled)
    function = torch.compile(FORMULAS[case.network]) if compiled else FORMULAS[case.network]
    return pullback(function, given) if case.function == "vjp" else forward(function, given)


def forward(function: Callable[..., Any], given: dict[str, Any]) -> Run:
    inputs = tuple(given.values())

    def run() -> tuple[Any, ...]:
        with torch.no_grad():
            return (function(*inputs),)

    return run


def pullback(function: Callable[..., Any], given: dict[str, Any]) -> Run:
    bar = given.pop("Y_bar", None)
    inputs = tuple(given.values())
    reals = [each.requires_grad_() for each in inputs if each.dtype.is_floating_point]

    def run() -> tuple[Any, ...]:
        return torch.autograd.grad(function(*inputs), reals, bar)

    return run


def adamw(given: dict[str, Any], compiled: bool) -> Run:
    """The fused step from given moments; t is 1 every time."""
    weight = given["W"].requires_grad_()
    weight.grad = given["W_bar"]
    fused = torch.optim.AdamW(
        [weight],
        lr=ADAMW["lr"],
        betas=(ADAMW["beta1"], ADAMW["beta2"]),
        eps=ADAMW["eps"],
        weight_decay=ADAMW["weight_decay"],
        fused=not compiled,
    )
    count = torch.zeros(())
    fused.state[weight] = {"step": count, "exp_avg": given["m"], "exp_avg_sq": given["v"]}
    update = torch.compile(fused.step) if compiled else fused.step

    def run() -> tuple[Any, ...]:
        count.zero_()
        update()
        return weight.detach(), given["m"], given["v"]

    return run


FORMULAS: dict[str, Callable[..., Any]] = {
    "softmax": lambda x: F.softmax(x, 1),
    "layernorm": lambda x, g, b: F.layer_norm(x, x.shape[1:], g, b, NORM_EPSILON),
    "gelu": lambda x: F.gelu(x, approximate="tanh"),
    "cross_entropy": lambda h, y: F.cross_entropy(h, y.long()),
}

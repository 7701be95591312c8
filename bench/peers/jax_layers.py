"""Layers alone in JAX, each under one jit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from bench.cases import Layer
from bench.data import layer
from bench.peers.jax_networks import adamw, cross_entropy, normalised

Run = Callable[[], tuple[Any, ...]]

FORMULAS: dict[str, Callable[..., Any]] = {
    "softmax": lambda x: jax.nn.softmax(x, 1),
    "layernorm": normalised,
    "gelu": jax.nn.gelu,
    "cross_entropy": cross_entropy,
}


def layer_run(case: Layer) -> Run:
    """One evaluation of a layer."""
    given = {name: jnp.asarray(array) for name, array in layer(case).items()}
    if case.network == "adamw":
        return adamw_run(given)
    bar = given.pop("Y_bar", jnp.float32(1))
    inputs = tuple(given.values())
    formula = FORMULAS[case.network]
    reals = sum(each.dtype == jnp.float32 for each in inputs)

    def pulled(*given: Any) -> tuple[Any, ...]:
        _, pullback = jax.vjp(lambda *real: formula(*real, *given[reals:-1]), *given[:reals])
        return tuple(pullback(given[-1]))

    if case.function == "vjp":
        vjp = jax.jit(pulled)
        return lambda: vjp(*inputs, bar)
    forward = jax.jit(formula)
    return lambda: (forward(*inputs),)


def adamw_run(given: dict[str, Any]) -> Run:
    """The first update from given moments, the state donated."""
    state = [(given["W"], given["m"], given["v"])]
    gradients = given["W_bar"]

    def update(state: Any, gradients: Any) -> Any:
        return adamw(state[0], gradients, state[1:], 1)

    step = jax.jit(update, donate_argnums=0)

    def run() -> tuple[Any, ...]:
        state[0] = step(state[0], gradients)
        return state[0]

    return run

"""The LSTM in JAX: a scan over the steps, the products with the data before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from bench.cases import Recurrent
from bench.peers.jax_networks import Parameters, cross_entropy


def lstm_loss(case: Recurrent) -> Callable[[Parameters, Any, Any], Any]:
    """The loss of the last state's logits."""
    start = jnp.zeros((case.batch, case.hidden), jnp.float32)

    def loss(p: Parameters, x: Any, y: Any) -> Any:
        def wide(name: str) -> Any:
            return p[name].transpose(1, 0, 2).reshape(-1, 4 * case.hidden)

        recurrent = wide("U")
        from_data = x.transpose(1, 0, 2) @ wide("W") + p["b"].reshape(-1)

        def turn(state: tuple[Any, Any], a: Any) -> tuple[tuple[Any, Any], None]:
            h, c = state
            i, f, g, o = jnp.split(a + h @ recurrent, 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        (h, _), _ = jax.lax.scan(turn, (start, start), from_data)
        return cross_entropy(h @ p["V"] + p["c"], y)

    return loss

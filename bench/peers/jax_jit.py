"""JAX on the CPU: the whole step, loss, gradients and update, under one jit, its buffers donated."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bench.cases import Case, Contraction, Layer, Lenet, Perceptron, Recurrent, Transformer
from bench.data import Training, contraction, training
from bench.peers.jax_layers import layer_run
from bench.peers.jax_networks import Step, gpt_loss, lenet_loss, perceptron_loss, sgd, with_adamw
from bench.peers.jax_recurrent import lstm_loss
from bench.peers.serving import Prepared, asked, serve
from bench.summary import summary


def prepared(case: Case) -> Prepared:
    """The case, ready to be run."""
    match case:
        case Perceptron():
            data = training(case)
            return steps(data, dict(data.parameters), sgd(perceptron_loss(case)))
        case Lenet():
            return steps(channels_last(training(case)), None, sgd(lenet_loss(case)))
        case Transformer():
            data = training(case)
            zeros = [{name: np.zeros_like(a) for name, a in data.parameters.items()} for _ in range(2)]
            return steps(data, (dict(data.parameters), *zeros, np.float32(0)), with_adamw(gpt_loss(case)))
        case Recurrent():
            data = training(case)
            return steps(data, dict(data.parameters), sgd(lstm_loss(case)))
        case Contraction():
            return product(case)
        case Layer():
            return Prepared(layer_run(case), summary, jax.block_until_ready)
    raise TypeError(f"no program for {case}")


def channels_last(data: Training) -> Training:
    """Images (m, h, w, c) and kernels (5, 5, in, out)."""
    kernels = {name: data.parameters[name].transpose(2, 3, 1, 0).copy() for name in ("K1", "K2")}
    images = [image.transpose(0, 2, 3, 1).copy() for image in data.inputs]
    return Training({**data.parameters, **kernels}, images, data.labels)


def steps(data: Training, state: Any, step: Step) -> Prepared:
    """The jitted step, batch after batch."""
    pairs = zip(data.inputs, data.labels, strict=True)
    batches = cycle([(jnp.asarray(x), jnp.asarray(y)) for x, y in pairs])
    held = [jax.tree.map(jnp.asarray, dict(data.parameters) if state is None else state)]
    jitted = jax.jit(step, donate_argnums=0)

    def run() -> Any:
        held[0], loss = jitted(held[0], *next(batches))
        return loss

    return Prepared(run, lambda loss: [float(loss)], lambda loss: jax.block_until_ready((held, loss)))


def product(case: Contraction) -> Prepared:
    """The product under jit."""
    a, b = (jnp.asarray(array) for array in contraction(case))
    first, second = (letter == "T" for letter in case.form)
    multiply = jax.jit(lambda a, b: (a.T if first else a) @ (b.T if second else b))
    return Prepared(lambda: multiply(a, b), lambda c: summary((c,)), jax.block_until_ready)


if __name__ == "__main__":
    case, _ = asked(__doc__)
    serve(prepared(case), version=jax.__version__)

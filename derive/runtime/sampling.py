"""Text from a network that predicts the next character: each is drawn by the softmax of H/temperature.

p_k = exp(H_k/temperature) / sum_q exp(H_q/temperature),  H the logits behind the last T characters.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from . import checkpoint
from .buffers import Array
from .data.text import numbers
from .errors import CheckpointError, RuntimeInputError
from .loading import load, load_fastest
from .network import Network


def restored(name: str, file: Path, backend: str, path: str) -> tuple[Network, str]:
    """The network with the checkpoint's parameters, and the characters that it was trained on."""
    former = checkpoint.read(file)
    if not former.settings.alphabet:
        raise CheckpointError(
            f"{file} is of a run on {former.settings.data!r}, which is no text; train {name} with --data "
            f"shakespeare or --data text:FILE first"
        )
    options: dict[str, Any] = {
        "path": path,
        "dtype": former.settings.dtype,
        "sizes": former.settings.sizes,
    }
    network = load_fastest(name, **options) if backend == "auto" else load(name, backend, **options)
    checkpoint.restore(former, network)
    return network, former.settings.alphabet


def sample(
    network: Network, alphabet: str, prompt: str, length: int, temperature: float, seed: int
) -> Iterator[str]:
    """The characters behind the prompt, one after the other."""
    if not prompt:
        raise RuntimeInputError("the prompt is empty; give at least one character to start from")
    generator = np.random.default_rng(seed)
    tokens = numbers(alphabet, prompt).tolist()
    for _ in range(length):
        token = _drawn(_logits(network, tokens)[: len(alphabet)], temperature, generator)
        tokens.append(token)
        yield alphabet[token]


def _logits(network: Network, tokens: list[int]) -> Array:
    """H behind the last of the tokens; what follows them in the window is not seen by a causal network."""
    (window,) = network.description.inputs[0].shape
    seen = tokens[-window:]
    x = np.zeros((1, window), np.int32)
    x[0, : len(seen)] = seen
    logits: Array = network.forward(x)[0, len(seen) - 1].astype(np.float64)
    return logits


def _drawn(logits: Array, temperature: float, generator: np.random.Generator) -> int:
    """The likeliest at temperature 0."""
    if temperature == 0:
        return int(logits.argmax())
    p = np.exp((logits - logits.max()) / temperature)
    place = np.searchsorted(np.cumsum(p), generator.random() * p.sum(), side="right")
    return int(min(place, len(p) - 1))

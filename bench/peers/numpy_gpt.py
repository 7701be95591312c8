"""A GPT's training step by hand in NumPy: float32 throughout, one flat AdamW over all parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from bench.cases import ADAMW, NORM_EPSILON, Transformer
from bench.data import Array, Training, gpt
from bench.peers.numpy_layers import adamw, gelu, gelu_pullback, normalised, normalised_pullback
from bench.peers.numpy_perceptron import Step, cross_entropy

Parameters = Mapping[str, Array]
Kept = dict[str, Array]


@dataclass(frozen=True)
class Sizes:
    """The sizes of a case, and the causal mask."""

    case: Transformer
    mask: Array

    @property
    def head(self) -> int:
        return self.case.width // self.case.heads

    @property
    def scale(self) -> np.float32:
        return np.float32(self.head**-0.5)


def flattened(parameters: Parameters) -> tuple[Array, Array, dict[str, Array], dict[str, Array]]:
    """All parameters in one vector and all gradients in another, with views by name."""
    flat = np.concatenate([array.ravel() for array in parameters.values()])
    bar = np.zeros_like(flat)
    views: tuple[dict[str, Array], dict[str, Array]] = ({}, {})
    start = 0
    for name, array in parameters.items():
        for vector, named in zip((flat, bar), views, strict=True):
            named[name] = vector[start : start + array.size].reshape(array.shape)
        start += array.size
    return flat, bar, *views


def attention(s: Sizes, u: Array, p: Parameters, kept: Kept) -> Array:
    """softmax(Q K' / sqrt(head), causal) V, heads side by side."""
    case = s.case
    qkv = u @ p["qkv_w"]
    qkv += p["qkv_b"]
    parts = qkv.reshape(case.batch, case.length, 3, case.heads, s.head).transpose(2, 0, 3, 1, 4)
    q, k, v = np.ascontiguousarray(parts)
    q *= s.scale
    weights = q @ k.swapaxes(-1, -2)
    weights += s.mask
    weights -= weights.max(-1, keepdims=True)
    np.exp(weights, out=weights)
    weights /= weights.sum(-1, keepdims=True)
    kept |= {"q": q, "k": k, "v": v, "weights": weights}
    heads: Array = weights @ v
    return heads.transpose(0, 2, 1, 3).reshape(-1, case.width)


def attention_pullback(s: Sizes, bar: Array, kept: Kept) -> Array:
    """The cotangent of the queries, keys and values, side by side."""
    case, weights = s.case, kept["weights"]
    heads_bar = bar.reshape(case.batch, case.length, case.heads, s.head).transpose(0, 2, 1, 3)
    parts = np.empty((3, *kept["q"].shape), np.float32)
    np.matmul(weights.swapaxes(-1, -2), heads_bar, out=parts[2])
    weights_bar = heads_bar @ kept["v"].swapaxes(-1, -2)
    weights_bar -= np.einsum("bhij,bhij->bhi", weights_bar, weights)[..., None]
    weights_bar *= weights
    np.matmul(weights_bar, kept["k"], out=parts[0])
    parts[0] *= s.scale
    np.matmul(weights_bar.swapaxes(-1, -2), kept["q"], out=parts[1])
    return parts.transpose(1, 3, 0, 2, 4).reshape(-1, 3 * case.width)


def block(s: Sizes, h: Array, p: Parameters) -> tuple[Array, Kept]:
    """h + attention(norm(h)), then that plus the dense part of its norm."""
    kept: Kept = {}
    u, kept["hat1"], kept["r1"] = normalised(h, p["ln1_g"], p["ln1_b"], NORM_EPSILON)
    heads = attention(s, u, p, kept)
    h = h + heads @ p["proj_w"]
    h += p["proj_b"]
    v, kept["hat2"], kept["r2"] = normalised(h, p["ln2_g"], p["ln2_b"], NORM_EPSILON)
    z = v @ p["up_w"]
    z += p["up_b"]
    e, t = gelu(z)
    h = h + e @ p["down_w"]
    h += p["down_b"]
    return h, kept | {"u": u, "heads": heads, "norm2": v, "z": z, "e": e, "t": t}


def dense_pullback(x: Array, bar: Array, name: str, p: Parameters, p_bar: Parameters) -> Array:
    """Y = X W + b: W_bar = X' Y_bar, b_bar its column sums; return X_bar."""
    np.matmul(x.T, bar, out=p_bar[f"{name}_w"])
    np.sum(bar, 0, out=p_bar[f"{name}_b"])
    x_bar: Array = bar @ p[f"{name}_w"].T
    return x_bar


def norm_pullback(bar: Array, number: int, p: Parameters, p_bar: Parameters, kept: Kept) -> Array:
    """Through the first or second layer normalisation of a block."""
    name = f"ln{number}"
    into = p_bar[f"{name}_g"], p_bar[f"{name}_b"]
    return normalised_pullback(bar, p[f"{name}_g"], kept[f"hat{number}"], kept[f"r{number}"], *into)


def block_pullback(s: Sizes, bar: Array, p: Parameters, p_bar: Parameters, kept: Kept) -> Array:
    """Back through one block."""
    e_bar = dense_pullback(kept["e"], bar, "down", p, p_bar)
    z_bar = gelu_pullback(e_bar, kept["z"], kept["t"])
    bar = bar + norm_pullback(dense_pullback(kept["norm2"], z_bar, "up", p, p_bar), 2, p, p_bar, kept)
    heads_bar = dense_pullback(kept["heads"], bar, "proj", p, p_bar)
    qkv_bar = attention_pullback(s, heads_bar, kept)
    inner = norm_pullback(dense_pullback(kept["u"], qkv_bar, "qkv", p, p_bar), 1, p, p_bar, kept)
    return bar + inner


def of_layer(named: Parameters, layer: int) -> Parameters:
    """The parameters of one layer, without its number."""
    prefix = f"{layer}."
    return {name.removeprefix(prefix): array for name, array in named.items() if name.startswith(prefix)}


def gpt_step(case: Transformer) -> tuple[Training, Step]:
    """Embedding, blocks, norm, tied logits; back; AdamW."""
    data = gpt(case)
    causal = np.tril(np.ones((case.length, case.length), bool))
    s = Sizes(case, np.where(causal, 0, -np.inf).astype(np.float32))
    flat, bar, p, p_bar = flattened(data.parameters)
    own = [(of_layer(p, layer), of_layer(p_bar, layer)) for layer in range(case.layers)]
    update: Callable[[], None] = adamw(flat, bar, ADAMW)
    rows = np.arange(case.batch * case.length)

    def step(x: Array, labels: Array) -> float:
        h = (p["wte"][x] + p["wpe"]).reshape(-1, case.width)
        kept = []
        for parameters, _ in own:
            h, residuals = block(s, h, parameters)
            kept.append(residuals)
        u, hat, r = normalised(h, p["lnf_g"], p["lnf_b"], NORM_EPSILON)
        logits = u @ p["wte"].T
        loss = cross_entropy(logits, labels.ravel(), rows)
        np.matmul(logits.T, u, out=p_bar["wte"])
        u_bar = logits @ p["wte"]
        h_bar = normalised_pullback(u_bar, p["lnf_g"], hat, r, p_bar["lnf_g"], p_bar["lnf_b"])
        for (parameters, gradients), residuals in zip(reversed(own), reversed(kept), strict=True):
            h_bar = block_pullback(s, h_bar, parameters, gradients, residuals)
        np.add.at(p_bar["wte"], x.ravel(), h_bar)
        p_bar["wpe"][:] = h_bar.reshape(case.batch, case.length, case.width).sum(0)
        update()
        return loss

    return data, step

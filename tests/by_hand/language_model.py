"""GPT by hand: layernorm, causal attention, gelu, block by block, forward and back.

Vaswani et al., 2017, section 3; Ba, Kiros, Hinton, 2016, equation 4; Hendrycks, Gimpel, 2016, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.by_hand.lecture import Array, Gradients

EPS, C0, C1 = 1e-5, np.sqrt(2 / np.pi), 0.044715
BLOCK = ("g1", "s1", "Wa", "ba", "Wo", "bo", "g2", "s2", "Wf", "bf", "Wp", "bp")


def gpt(t: Mapping[str, Array]) -> tuple[float, Gradients]:
    """Mean of the losses of all places, and its gradients."""
    x, y = t["x"].astype(int), t["y"].astype(int)
    h, kept = t["E"][x] + t["P"], []
    for layer in range(len(t["g1"])):
        h, back = _block(h, {name: t[name][layer] for name in BLOCK})
        kept.append(back)
    n, norm = _layernorm(h, t["g"], t["s"])
    logits = n @ t["E"].T
    rows = np.arange(len(x))[:, None], np.arange(x.shape[1])
    p = np.exp(logits - logits.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    loss = -np.log(p[(*rows, y)]).mean()
    p[(*rows, y)] -= 1
    p /= y.size
    g: Gradients = {name: np.zeros_like(t[name]) for name in BLOCK}
    g["E"] = np.einsum("mtv,mtd->vd", p, n)
    bar, g["g"], g["s"] = _layernorm_bar(p @ t["E"], t["g"], norm)
    for layer in reversed(range(len(kept))):
        bar, own = _block_bar(bar, {name: t[name][layer] for name in BLOCK}, kept[layer])
        for name, value in own.items():
            g[name][layer] = value
    np.add.at(g["E"], x, bar)
    g["P"] = bar.sum(0)
    return float(loss), g


def _layernorm(x: Array, gain: Array, shift: Array) -> tuple[Array, tuple[Array, Array]]:
    centred = x - x.mean(-1, keepdims=True)
    r = 1 / np.sqrt((centred**2).mean(-1, keepdims=True) + EPS)
    return centred * r * gain + shift, (centred * r, r)


def _layernorm_bar(bar: Array, gain: Array, kept: tuple[Array, Array]) -> tuple[Array, Array, Array]:
    hat, r = kept
    inner = bar * gain
    x_bar = r * (inner - inner.mean(-1, keepdims=True) - hat * (inner * hat).mean(-1, keepdims=True))
    return x_bar, (bar * hat).sum((0, 1)), bar.sum((0, 1))


def _block(x: Array, w: Mapping[str, Array]) -> tuple[Array, Any]:
    n1, norm1 = _layernorm(x, w["g1"], w["s1"])
    q, k, v = np.einsum("mtp,pcae->cmate", n1, w["Wa"]) + w["ba"][:, None, :, None, :]
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    scores = np.where(np.tri(x.shape[1], dtype=bool), scores, -np.inf)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    o = p @ v
    b = x + np.einsum("mate,aed->mtd", o, w["Wo"]) + w["bo"]
    n2, norm2 = _layernorm(b, w["g2"], w["s2"])
    f = n2 @ w["Wf"] + w["bf"]
    tanh = np.tanh(C0 * (f + C1 * f**3))
    g = f * (1 + tanh) / 2
    return b + g @ w["Wp"] + w["bp"], (n1, norm1, q, k, v, p, o, n2, norm2, f, tanh, g)


def _block_bar(bar: Array, w: Mapping[str, Array], kept: Any) -> tuple[Array, Gradients]:
    n1, norm1, q, k, v, p, o, n2, norm2, f, tanh, g = kept
    own = {"Wp": np.einsum("mtf,mtd->fd", g, bar), "bp": bar.sum((0, 1))}
    slope = (1 + tanh) / 2 + f * (1 - tanh**2) * C0 * (1 + 3 * C1 * f**2) / 2
    f_bar = (bar @ w["Wp"].T) * slope
    own |= {"Wf": np.einsum("mtd,mtf->df", n2, f_bar), "bf": f_bar.sum((0, 1))}
    b_bar, own["g2"], own["s2"] = _layernorm_bar(f_bar @ w["Wf"].T, w["g2"], norm2)
    b_bar += bar
    own |= {"Wo": np.einsum("mate,mtd->aed", o, b_bar), "bo": b_bar.sum((0, 1))}
    o_bar = np.einsum("mtd,aed->mate", b_bar, w["Wo"])
    p_bar = o_bar @ v.swapaxes(-1, -2)
    r_bar = p * (p_bar - (p * p_bar).sum(-1, keepdims=True)) / np.sqrt(q.shape[-1])
    a_bar = np.stack([r_bar @ k, r_bar.swapaxes(-1, -2) @ q, p.swapaxes(-1, -2) @ o_bar])
    own |= {"Wa": np.einsum("mtp,cmate->pcae", n1, a_bar), "ba": a_bar.sum((1, 3))}
    x_bar, own["g1"], own["s1"] = _layernorm_bar(np.einsum("cmate,pcae->mtp", a_bar, w["Wa"]), w["g1"], norm1)
    return x_bar + b_bar, own

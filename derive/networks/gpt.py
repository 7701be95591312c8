"""GPT: a language model of causal attention, of any size."""

from __future__ import annotations

from sympy import Rational

from derive.calculus.definition.graph import Array
from derive.calculus.program.network import Law, Network
from derive.layers.transformer import embedding_with_positions, tied_logits, transformer
from derive.networks.assembly import Assembly

VARIANCE = Rational(1, 2500)
BLOCKS: dict[str, tuple[Law, tuple[str | int, ...]]] = {
    "g1": (Law.ONES, ("d",)),
    "s1": (Law.ZEROS, ("d",)),
    "Wa": (Law.NORMAL, ("d", 3, "h", "e")),
    "ba": (Law.ZEROS, (3, "h", "e")),
    "Wo": (Law.NORMAL, ("h", "e", "d")),
    "bo": (Law.ZEROS, ("d",)),
    "g2": (Law.ONES, ("d",)),
    "s2": (Law.ZEROS, ("d",)),
    "Wf": (Law.NORMAL, ("d", "f")),
    "bf": (Law.ZEROS, ("f",)),
    "Wp": (Law.NORMAL, ("f", "d")),
    "bp": (Law.ZEROS, ("d",)),
}
"""The parameters of a block, in the order of the layer; each has an axis of blocks L in front."""


def gpt(
    L: int = 4, d: int = 128, h: int = 4, e: int = 32, f: int = 512, T: int = 64, v: int = 256
) -> Network:
    """H = layernorm(Z_L) E^T, Z_0 = E[x] + P, L blocks of h heads of width e: x (m, T), E (v, d), P (T, d).

    Every matrix starts normal with deviation 0.02. Radford et al., Language Models are Unsupervised
    Multitask Learners, 2019, section 2.3.
    """
    sizes = {"L": L, "d": d, "h": h, "e": e, "f": f, "T": T, "v": v}
    title = "H = layernorm(Z_L) E^T, Z_0 = E[x] + P, L blocks of causal attention and gelu"
    net = Assembly("gpt", title, sizes, most=8)
    tokens = net.tokens("x", "m", "T")
    embedding, positions = net.normal("E", ("v", "d"), VARIANCE), net.normal("P", ("T", "d"), VARIANCE)
    start = net.graph.apply(embedding_with_positions(), embedding, positions, tokens, X="X")
    blocks = [_stacked(net, name, law, axes) for name, (law, axes) in BLOCKS.items()]
    end = net.graph.apply(transformer(), start, *blocks)
    gain, shift = net.constant("g", ("d",), Law.ONES), net.constant("s", ("d",), Law.ZEROS)
    return net.language_model(net.graph.apply(tied_logits(), end, gain, shift, embedding))


def _stacked(net: Assembly, name: str, law: Law, axes: tuple[str | int, ...]) -> Array:
    """A parameter of every block."""
    stacked = ("L", *axes)
    return net.normal(name, stacked, VARIANCE) if law is Law.NORMAL else net.constant(name, stacked, law)

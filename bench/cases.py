"""The cases of the race: networks, contractions and layers alone, with what each costs by arithmetic.

Operations are the multiplications and additions that the formulas ask for; attention counts all its square,
masked half included. Bytes are those of the inputs and the outputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

BATCHES = 8  # distinct batches, visited in turn
RATE = 0.01
ADAMW = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "weight_decay": 0.1}
NORM_EPSILON = 1e-5  # of layer normalisation
REAL = 4  # bytes of a float32


@dataclass(frozen=True)
class Case:
    """A name, and what is known of the work beforehand; `network` is ours, by the registry's name."""

    group: ClassVar[str] = "networks"
    step: ClassVar[str] = "sgd_step"
    name: str
    network: str
    batch: int

    @property
    def title(self) -> str:
        return self.name

    @property
    def flops(self) -> int:
        return 0

    @property
    def bytes(self) -> int:
        return 0


@dataclass(frozen=True)
class Perceptron(Case):
    """Z_{i+1} = relu(Z_i W_i + b_i), softmax cross entropy, plain SGD."""

    widths: tuple[int, ...] = ()
    bias: bool = True

    @property
    def title(self) -> str:
        return f"{'-'.join(map(str, self.widths))}, batch {self.batch}"

    @property
    def flops(self) -> int:
        """Three products a layer; the first needs no cotangent of its input."""
        products = [rows * columns for rows, columns in pairwise(self.widths)]
        return 2 * self.batch * (3 * sum(products) - products[0])

    @property
    def tiny(self) -> bool:
        """So small that a call from Python would be most of a step."""
        return self.flops < 100_000


@dataclass(frozen=True)
class Lenet(Case):
    """Two convolutions of 5 x 5, each with relu and pooling, then 120, 84, 10. LeCun et al., 1998."""

    maps: tuple[int, int] = (6, 16)

    @property
    def title(self) -> str:
        return f"LeNet, {self.maps[0]} and {self.maps[1]} maps, batch {self.batch}"

    @property
    def features(self) -> int:
        """The numbers of one example between convolutions and dense layers."""
        return 25 * self.maps[1]

    @property
    def flops(self) -> int:
        one, two = self.maps
        first, second = 28 * 28 * one * 25, 10 * 10 * two * one * 25
        dense = self.features * 120 + 120 * 84 + 84 * 10
        return 2 * self.batch * (3 * (first + second + dense) - first)


@dataclass(frozen=True)
class Transformer(Case):
    """Pre-norm layer normalisation, causal attention, GELU, tied embedding, AdamW. Radford et al., 2019."""

    step: ClassVar[str] = "adamw_step"
    layers: int = 4
    width: int = 128
    heads: int = 4
    length: int = 64
    vocabulary: int = 256

    @property
    def title(self) -> str:
        return f"GPT d {self.width}, T {self.length}, {self.layers} layers, batch {self.batch}, AdamW"

    @property
    def flops(self) -> int:
        tokens = self.batch * self.length
        weights = 12 * self.layers * self.width**2 + self.vocabulary * self.width
        attention = 2 * self.layers * self.length * self.width
        return 6 * tokens * (weights + attention)


@dataclass(frozen=True)
class Recurrent(Case):
    """An LSTM over a sequence, its last state to logits, plain SGD. Hochreiter, Schmidhuber, 1997."""

    length: int = 64
    width: int = 64
    hidden: int = 128
    classes: int = 10

    @property
    def title(self) -> str:
        return f"LSTM n {self.width}, d {self.hidden}, T {self.length}, batch {self.batch}"

    @property
    def flops(self) -> int:
        """Three products for each of ours, but for the data, which need no cotangent."""
        data, state = 4 * self.width * self.hidden, 4 * self.hidden**2
        steps = self.length * (2 * data + 3 * state)
        return 2 * self.batch * (steps + 3 * self.hidden * self.classes)


@dataclass(frozen=True)
class Contraction(Case):
    """C = A B (NN), A' B (TN) or A B' (NT): C (m, n), k summed."""

    group: ClassVar[str] = "contractions"
    form: str = "NN"
    m: int = 64
    n: int = 64
    k: int = 64

    @property
    def title(self) -> str:
        return f"{self.form} {self.m} x {self.n} x {self.k}"

    @property
    def flops(self) -> int:
        return 2 * self.m * self.n * self.k

    @property
    def bytes(self) -> int:
        return REAL * (self.m * self.n + self.m * self.k + self.k * self.n)


@dataclass(frozen=True)
class Layer(Case):
    """A layer alone, forward or with its pullback; X (batch, width)."""

    group: ClassVar[str] = "layers"
    width: int = 256
    function: str = "forward"
    arrays: int = 2  # of (batch, width), read or written

    @property
    def title(self) -> str:
        return f"{self.network} {self.function}, {self.batch} x {self.width}"

    @property
    def bytes(self) -> int:
        return REAL * self.arrays * self.batch * self.width


NETWORKS: tuple[Case, ...] = (
    Perceptron("mlp2", "perceptron", 100, (784, 100, 10), bias=False),
    Perceptron("mlp3", "perceptron", 128, (784, 512, 512, 10)),
    Perceptron("tiny1", "perceptron", 1, (4, 16, 3)),
    Perceptron("tiny16", "perceptron", 16, (4, 16, 3)),
    Lenet("lenet", "lenet", 64),
    Transformer("gpt_s", "gpt", 8),
    Transformer("gpt_m", "gpt", 8, width=256, length=256),
    Recurrent("lstm", "recurrent", 32),
)

PRODUCTS = (
    *(("NN", 100, 100, 784), ("NN", 100, 500, 784), ("NN", 256, 512, 512)),
    *(("TN", 784, 100, 100), ("TN", 784, 500, 100), ("TN", 512, 512, 256)),
    *(("NT", 100, 784, 100), ("NT", 256, 512, 512)),
    *((form, size, size, size) for size in (64, 128, 256, 512, 1024) for form in ("NN", "TN", "NT", "TT")),
    ("NN", 2048, 2048, 2048),
)

CONTRACTIONS: tuple[Case, ...] = tuple(
    Contraction(f"{form.lower()}_{m}_{n}_{k}", "contraction", 1, form, m, n, k) for form, m, n, k in PRODUCTS
)

PARAMETERS = 853_248  # of the smaller GPT: what AdamW updates alone

LAYERS: tuple[Case, ...] = (
    Layer("softmax", "softmax", 512),
    Layer("softmax_vjp", "softmax", 512, function="vjp", arrays=3),
    Layer("layernorm", "layernorm", 512),
    Layer("layernorm_vjp", "layernorm", 512, function="vjp", arrays=3),
    Layer("gelu", "gelu", 512),
    Layer("gelu_vjp", "gelu", 512, function="vjp", arrays=3),
    Layer("cross_entropy", "cross_entropy", 512, arrays=1),
    Layer("cross_entropy_vjp", "cross_entropy", 512, function="vjp", arrays=2),
    Layer("adamw", "adamw", 1, width=PARAMETERS, function="step", arrays=7),
)

ODD_PRODUCTS = ((67, 71, 73), (101, 103, 107), (251, 241, 257), (1021, 97, 89))
ODD: tuple[Case, ...] = (
    Perceptron("odd_397_211_67", "perceptron", 101, (397, 211, 67)),
    Perceptron("odd_257_131_67", "perceptron", 1024, (257, 131, 67)),
    Perceptron("odd_127_83_71", "perceptron", 509, (127, 83, 71), bias=False),
    Perceptron("odd_one", "perceptron", 1, (397, 211, 67)),
    Perceptron("odd_few", "perceptron", 7, (784, 512, 512, 10)),
    Perceptron("odd_many", "perceptron", 1024, (784, 100, 10), bias=False),
    Lenet("odd_lenet", "lenet", 61),
    Lenet("odd_maps", "lenet", 41, (11, 23)),
    Transformer("odd_gpt", "gpt", 5, width=132, heads=3, length=67),
    *(
        Contraction(f"odd_{form.lower()}_{m}_{n}_{k}", "contraction", 1, form, m, n, k)
        for form in ("NN", "TN", "NT", "TT")
        for m, n, k in ODD_PRODUCTS
    ),
)
"""Prime sizes, other batches and heads: what was not looked at when tiles were chosen."""

GROUPS = {"networks": NETWORKS, "contractions": CONTRACTIONS, "layers": LAYERS, "odd": ODD}
CASES: dict[str, Case] = {case.name: case for group in GROUPS.values() for case in group}
NAMED = {
    "two_layer": ("mlp2",),
    "three_layer_bias": ("mlp3",),
    "tiny": ("tiny1", "tiny16"),
    "gpt": ("gpt_s", "gpt_m"),
}


def chosen(names: Iterable[str]) -> list[Case]:
    """The cases of these names, groups or networks, in order and once; the networks where none is named.

    Raise KeyError, with the name, for one that is none of these.
    """
    found = dict.fromkeys(case for name in list(names) or ["networks"] for case in _called(name))
    return [CASES[name] for name in found]


def _called(name: str) -> Iterator[str]:
    if name in CASES:
        return iter((name,))
    if name in GROUPS:
        return (case.name for case in GROUPS[name])
    return iter(NAMED[name])

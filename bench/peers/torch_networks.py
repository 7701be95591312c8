"""The networks in PyTorch: a loss of named parameters, and the optimizer that goes with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F

from bench.cases import ADAMW, NORM_EPSILON, RATE, Case, Lenet, Perceptron, Transformer

Parameters = Mapping[str, Any]
Loss = Callable[[Parameters, Any, Any], Any]


def perceptron_loss(case: Perceptron) -> Loss:
    depth = len(case.widths) - 1

    def loss(p: Parameters, x: Any, y: Any) -> Any:
        for layer in range(1, depth + 1):
            weight = p[f"W{layer}"]
            x = torch.addmm(p[f"b{layer}"], x, weight) if case.bias else x @ weight
            x = F.relu(x) if layer < depth else x
        return F.cross_entropy(x, y)

    return loss


def lenet_loss(p: Parameters, x: Any, y: Any) -> Any:
    x = F.max_pool2d(F.relu(F.conv2d(x, p["K1"], p["b1"], padding=2)), 2)
    x = F.max_pool2d(F.relu(F.conv2d(x, p["K2"], p["b2"])), 2).flatten(1)
    x = F.relu(torch.addmm(p["b3"], x, p["W3"]))
    x = F.relu(torch.addmm(p["b4"], x, p["W4"]))
    return F.cross_entropy(torch.addmm(p["b5"], x, p["W5"]), y)


def gpt_loss(case: Transformer) -> Loss:
    head = case.width // case.heads

    def norm(p: Parameters, name: str, h: Any) -> Any:
        return F.layer_norm(h, (case.width,), p[f"{name}_g"], p[f"{name}_b"], NORM_EPSILON)

    def block(p: Parameters, layer: int, h: Any) -> Any:
        def dense(name: str, u: Any) -> Any:
            return u @ p[f"{layer}.{name}_w"] + p[f"{layer}.{name}_b"]

        qkv = dense("qkv", norm(p, f"{layer}.ln1", h))
        q, k, v = qkv.view(case.batch, case.length, 3, case.heads, head).permute(2, 0, 3, 1, 4)
        heads = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        h = h + dense("proj", heads.transpose(1, 2).reshape(h.shape))
        inner = F.gelu(dense("up", norm(p, f"{layer}.ln2", h)), approximate="tanh")
        return h + dense("down", inner)

    def loss(p: Parameters, x: Any, y: Any) -> Any:
        h = p["wte"][x] + p["wpe"]
        for layer in range(case.layers):
            h = block(p, layer, h)
        logits = norm(p, "lnf", h) @ p["wte"].T
        return F.cross_entropy(logits.view(-1, case.vocabulary), y.reshape(-1))

    return loss


def loss_of(case: Case) -> Loss:
    """The loss of a network's case."""
    if isinstance(case, Perceptron):
        return perceptron_loss(case)
    return gpt_loss(case) if isinstance(case, Transformer) else lenet_loss


def optimizer(case: Case, parameters: list[Any]) -> Any:
    """AdamW for the GPT, else plain SGD; both fused."""
    if not isinstance(case, Transformer):
        return torch.optim.SGD(parameters, lr=RATE, fused=True)
    return torch.optim.AdamW(
        parameters,
        lr=ADAMW["lr"],
        betas=(ADAMW["beta1"], ADAMW["beta2"]),
        eps=ADAMW["eps"],
        weight_decay=ADAMW["weight_decay"],
        fused=True,
    )


def known(case: Case) -> bool:
    """Say whether the case is a network of these."""
    return isinstance(case, Perceptron | Lenet | Transformer)

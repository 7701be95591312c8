"""The same model in PyTorch, from the parameters that by_ours wrote: autograd, fused AdamW, one thread.

python -m bench.training.by_torch runs/ours/start.npz runs/torch
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.cases import CASES, Transformer
from bench.ours.names import GPT
from bench.peers.torch_networks import gpt_loss
from bench.training.recipe import RECIPE, Found
from derive.runtime.data.shakespeare import read
from derive.runtime.data.text import windows
from derive.runtime.schedule import rate
from derive.runtime.settings import Settings
from derive.runtime.shuffle import order

Parameters = dict[str, Any]
Batches = tuple[Any, Any]


def model() -> Transformer:
    """The smaller GPT of the race, for this text's characters."""
    case = CASES["gpt_s"]
    assert isinstance(case, Transformer)
    return case


def shape_of(name: str, case: Transformer) -> tuple[int, ...]:
    """Of a layer's parameter: matrices (rows, columns), with the heads side by side."""
    if not name.endswith("_w"):
        return (-1,)
    return (4 * case.width, case.width) if name.endswith("down_w") else (case.width, -1)


def named(ours: Mapping[str, Any], case: Transformer) -> Parameters:
    """Our initial parameters by the peers' names, each layer apart, matrices flat."""
    found = {}
    for theirs, name in GPT.items():
        array = ours[name]
        if "*" not in theirs:
            found[theirs] = array
            continue
        for layer, part in enumerate(array):
            found[theirs.replace("*", str(layer))] = part.reshape(shape_of(theirs, case))
    return {name: torch.from_numpy(array.copy()).requires_grad_() for name, array in found.items()}


def shuffled(data: Batches, recipe: Settings) -> Iterator[Batches]:
    """The batches of every epoch, in our order; the last of an epoch may be smaller."""
    for epoch in range(recipe.epochs):
        rows = order(recipe.seed, epoch, len(data[0]))
        for start in range(0, len(rows), recipe.batch):
            chosen = torch.from_numpy(rows[start : start + recipe.batch])
            yield data[0][chosen], data[1][chosen]


def trained(p: Parameters, data: Batches, recipe: Settings, case: Transformer) -> list[float]:
    """Train p in place; the loss of every step."""
    update = torch.optim.AdamW(
        p.values(),
        lr=recipe.lr,
        betas=(recipe.beta1, recipe.beta2),
        eps=recipe.eps,
        weight_decay=recipe.weight_decay,
        fused=True,
    )
    steps = recipe.epochs * -(-len(data[0]) // recipe.batch)
    at = rate(recipe.schedule, recipe.lr, recipe.warmup, steps)
    losses: list[float] = []
    for step, (x, y) in enumerate(shuffled(data, recipe)):
        update.param_groups[0]["lr"] = at(step)
        loss = gpt_loss(replace(case, batch=len(x)))(p, x, y)
        update.zero_grad(set_to_none=True)
        loss.backward()
        update.step()
        losses.append(loss.item())
        if step % 500 == 0:
            print(f"step {step}: {losses[-1]:.4f}", flush=True)
    return losses


def validation(p: Parameters, data: Batches, case: Transformer) -> float:
    """The mean loss of all windows."""
    total = 0.0
    with torch.no_grad():
        for x, y in zip(data[0].split(64), data[1].split(64), strict=True):
            total += len(x) * gpt_loss(replace(case, batch=len(x)))(p, x, y).item()
    return total / len(data[0])


def main() -> None:
    """Train, then write <out>/found.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("start", type=Path, help="The initial parameters.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--limit", type=int, help="Windows of train and of test.")
    options = parser.parse_args()
    torch.set_num_threads(1)
    text = read()
    case = replace(model(), vocabulary=len(text.alphabet))
    p = named(np.load(options.start), case)
    train, test = (
        tuple(
            torch.from_numpy(a[: options.limit].astype(np.int64))
            for a in windows(text.name, s.X, case.length)
        )
        for s in (text.train, text.test)
    )
    losses = trained(p, train, RECIPE, case)
    Found("PyTorch eager", losses, validation(p, test, case)).write(options.out / "found.json")


if __name__ == "__main__":
    main()

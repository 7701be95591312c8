"""The LSTM in PyTorch: nn.LSTM, its second bias held at zero, a linear layer on the last state, fused SGD."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from bench.cases import RATE, Recurrent


def lstm_step(case: Recurrent, given: dict[str, Any], _: str) -> Callable[[Any, Any], Any]:
    """A training step; our gates have their matrices (n, d), PyTorch's lie in one (4 d, n)."""
    lstm = torch.nn.LSTM(case.width, case.hidden, batch_first=True)
    logits = torch.nn.Linear(case.hidden, case.classes)
    with torch.no_grad():
        lstm.weight_ih_l0.copy_(given["W"].transpose(1, 2).reshape(lstm.weight_ih_l0.shape))
        lstm.weight_hh_l0.copy_(given["U"].transpose(1, 2).reshape(lstm.weight_hh_l0.shape))
        lstm.bias_ih_l0.copy_(given["b"].reshape(-1))
        lstm.bias_hh_l0.zero_()
        logits.weight.copy_(given["V"].T)
        logits.bias.copy_(given["c"])
    lstm.bias_hh_l0.requires_grad_(False)
    learnt = [each for part in (lstm, logits) for each in part.parameters() if each.requires_grad]
    update = torch.optim.SGD(learnt, lr=RATE, fused=True)

    def step(x: Any, y: Any) -> Any:
        _, (last, _) = lstm(x)
        loss = F.cross_entropy(logits(last[0]), y)
        update.zero_grad(set_to_none=True)
        loss.backward()
        update.step()
        return loss.detach()

    return step

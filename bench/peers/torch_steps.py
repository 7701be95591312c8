"""PyTorch: eager; compiled (inductor, the optimizer apart); graph (a perceptron's whole step compiled)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate, cycle
from typing import Any

import torch

from bench.cases import RATE, Case, Contraction, Layer, Perceptron, Recurrent
from bench.data import contraction, training
from bench.peers.serving import Prepared, asked, serve
from bench.peers.torch_layers import layer_run
from bench.peers.torch_networks import loss_of, optimizer
from bench.peers.torch_recurrent import lstm_step
from bench.summary import summary

MODES = ("eager", "compiled", "graph")


def prepared(case: Case, mode: str) -> Prepared:
    """The case, ready to be run."""
    if isinstance(case, Contraction):
        return product(case, mode)
    if isinstance(case, Layer):
        return Prepared(layer_run(case, mode == "compiled"), numbers_of_all)
    data = training(case)  # type: ignore[arg-type]
    pairs = zip(data.inputs, data.labels, strict=True)
    batches = cycle([(torch.from_numpy(x), torch.from_numpy(y)) for x, y in pairs])
    parameters = {name: torch.from_numpy(array) for name, array in data.parameters.items()}
    step = builder(case, mode)(case, parameters, mode)
    return Prepared(
        lambda: step(*next(batches)),
        lambda loss: [loss.item()],
        after=lambda: {"step_bytes": allocated(lambda: step(*next(batches)))} if mode == "eager" else {},
    )


def builder(case: Case, mode: str) -> Callable[..., Callable[[Any, Any], Any]]:
    """What makes the step of a case."""
    if isinstance(case, Recurrent):
        return lstm_step
    return whole_graph if mode == "graph" else by_autograd


def by_autograd(case: Case, parameters: dict[str, Any], mode: str) -> Callable[[Any, Any], Any]:
    """Loss, backward, fused update."""
    loss_function = torch.compile(loss_of(case)) if mode == "compiled" else loss_of(case)
    update = optimizer(case, [each.requires_grad_() for each in parameters.values()])

    def step(x: Any, y: Any) -> Any:
        loss = loss_function(parameters, x, y)
        update.zero_grad(set_to_none=True)
        loss.backward()
        update.step()
        return loss.detach()

    return step


def whole_graph(case: Case, parameters: dict[str, Any], _: str) -> Callable[[Any, Any], Any]:
    """Loss, gradients and update of plain SGD in one graph."""
    assert isinstance(case, Perceptron)
    slope = torch.func.grad_and_value(loss_of(case))

    def update(p: dict[str, Any], x: Any, y: Any) -> Any:
        gradients, loss = slope(p, x, y)
        for name, gradient in gradients.items():
            p[name].sub_(gradient, alpha=RATE)
        return loss

    compiled = torch.compile(update)

    def step(x: Any, y: Any) -> Any:
        with torch.no_grad():
            return compiled(parameters, x, y)

    return step


def product(case: Contraction, mode: str) -> Prepared:
    """torch.mm into a tensor that is kept; a transposed operand is a view."""
    first, second = (torch.from_numpy(array) for array in contraction(case))
    a = first.T if case.form[0] == "T" else first
    b = second.T if case.form[1] == "T" else second
    out = torch.empty(case.m, case.n)
    multiply = torch.compile(torch.mm) if mode == "compiled" else torch.mm
    return Prepared(lambda: multiply(a, b, out=out), lambda c: summary((c,)))


def allocated(step: Callable[[], Any]) -> int:
    """The most bytes that a step holds at once of what it allocates, by PyTorch's own account."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        step()
    events = [event for event in seen.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = accumulate(event.nbytes() for event in sorted(events, key=lambda event: event.start_ns()))
    return max(held, default=0)


def numbers_of_all(arrays: tuple[Any, ...]) -> list[float]:
    return summary(array.detach().numpy() for array in arrays)


if __name__ == "__main__":
    case, options = asked(__doc__, MODES)
    torch.set_num_threads(options.threads)
    serve(prepared(case, options.mode), version=torch.__version__)

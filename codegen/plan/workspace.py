"""What the workspace of a network's plain C holds: residuals first, then the temporaries of every function.

A tensor that never leaves its example has room for one; a number has none, it is a local variable, unless it
is a residual. The gradients of a step come last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from codegen.extents import elements
from codegen.plan.sweeps import Sweeps
from derive.calculus.expressions.tensor import Tensor
from derive.calculus.program.network import Network
from derive.calculus.program.program import Program

REAL = 4  # bytes of a float


@dataclass(frozen=True)
class Member:
    """An array of the workspace: all examples of a tensor, or one."""

    tensor: Tensor
    one_example: bool


@dataclass(frozen=True)
class Used:
    """A function's program, the tensors that its arguments are, and its sweeps."""

    program: Program
    given: Set[str]
    sweeps: Sweeps


def members(functions: Iterable[Used], residuals: Sequence[Tensor]) -> dict[str, Member]:
    """The arrays that the functions share, by name."""
    listed = list(functions)
    kept = {tensor.name for tensor in residuals}
    tensors = {tensor.name: tensor for tensor in residuals}
    for used in listed:
        tensors |= {t.name: t for t in used.program.locals if t.name not in used.given}
    found: dict[str, Member] = {}
    for name, tensor in tensors.items():
        alone = name not in kept and all(
            name in used.sweeps.one_example
            for used in listed
            if name in used.program.tensors and name not in used.given
        )
        if name in kept or len(tensor.axes) > (1 if alone else 0):
            found[name] = Member(tensor, alone)
    return found


def given(program: Program, residuals: Set[str]) -> frozenset[str]:
    """What a function's arguments are: its inputs and outputs, but for the residuals."""
    return frozenset({*(tensor.name for tensor in program.inputs), *program.outputs} - residuals)


def workspace_bytes(
    functions: Iterable[Used], residuals: Sequence[Tensor], network: Network
) -> Mapping[str, int]:
    """The bytes of each array of the workspace in float, for as many examples as a call takes."""
    sizes = {**network.sizes, network.batch: network.most}
    one = {**sizes, network.batch: 1}
    held = members(functions, residuals)
    if network.task == "classification":
        held[network.output] = Member(network.tensor(network.output), False)
    found = {
        name: REAL * elements(member.tensor, one if member.one_example else sizes)
        for name, member in held.items()
    }
    return found | {f"p_bar.{name}": REAL * elements(network.tensor(name), sizes) for name in network.trained}

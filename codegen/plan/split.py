"""The derived program cut where the cotangent of the loss enters.

    loss      parameters, data, labels                    -> L, residuals
    vjp       residuals, parameters, data, labels, L_bar  -> W_bar of each trained parameter

What the pullback computes again has there the name that it has in the forward half.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace

from codegen.passes.halves import halves
from codegen.passes.recompute import AGAIN
from codegen.passes.verify import names_of, reads_of, verify
from codegen.plan.pipeline import Watch, silent
from derive.calculus.expressions.tensor import Tensor
from derive.calculus.program.network import Network
from derive.calculus.program.program import Program, Statement
from derive.calculus.program.renaming import renamed


def entering(joint: Program, network: Network) -> frozenset[str]:
    """The cotangent of the loss, and each that comes out, for one that is 0 reads none."""
    return frozenset({f"{network.loss}_bar", *joint.outputs}) - {network.loss}


def split(
    joint: Program, network: Network, again: Set[str] = frozenset(), watch: Watch = silent
) -> tuple[Program, Program, tuple[Tensor, ...]]:
    """Loss, pullback and what passes between; `again` names what the pullback computes once more."""
    parts = halves(joint, entering(joint, network) | again)
    residuals = tuple(tensor for tensor in joint.locals if tensor.name in parts.crossing)
    kept = tuple(tensor.name for tensor in residuals)
    cotangents = tuple(name for name in joint.outputs if name != network.loss)
    loss = replace(_part(joint, parts.forward, (network.loss, *kept)), name=f"{network.name}_loss")
    pullback = _part(joint, parts.backward, cotangents, residuals)
    pullback = renamed(pullback, _own_names(again, set(pullback.tensors)))
    for part in (loss, pullback):
        watch("split", verify(part, "split"))
    return loss, pullback, residuals


def _own_names(again: Set[str], taken: Set[str]) -> dict[str, str]:
    """Z2_again is Z2 in a function of its own."""
    first = {name: name.rpartition(AGAIN)[0] for name in again}
    return {name: own for name, own in first.items() if own not in taken}


def _part(
    joint: Program,
    statements: Sequence[Statement],
    outputs: tuple[str, ...],
    residuals: Sequence[Tensor] = (),
) -> Program:
    """Some statements of the joint program as a program; what it does not read is no input."""
    read = {name for statement in statements for name in reads_of(statement)}
    defined = {name for statement in statements for name in names_of(statement)}
    inputs = tuple(tensor for tensor in (*joint.inputs, *residuals) if tensor.name in read)
    declared = tuple(tensor for tensor in joint.locals if tensor.name in defined)
    return replace(joint, inputs=inputs, statements=tuple(statements), outputs=outputs, locals=declared)

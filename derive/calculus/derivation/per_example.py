"""W_bar[i,p,j]: the gradient of each example's own loss, the sum over the examples left out.

    W_bar[p,j] = sum_{i<m} X[i,p] Y_bar[i,j]        W_bar[i,p,j] = X[i,p] Y_bar[i,j]

The program in which every example has its own parameters is differentiated by them; then they are equal
again. Goodfellow, Efficient Per-Example Gradient Computations, 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from derive.calculus.derivation.examples import Examples, separated
from derive.calculus.derivation.seeds import with_unit_seeds
from derive.calculus.derivation.vjp import BAR, vjp
from derive.calculus.expressions.tensor import Kind, Ref, Size, Tensor, refs
from derive.calculus.program.program import Equation, Program, map_equations


def per_example(
    program: Program, wrt: Sequence[str] | None = None, axis: str = "m", unit: bool = False
) -> Program:
    """The joint program: inputs, cotangents Y_bar in; W_bar with a first axis of examples out.

    `axis` names the size of the axis of examples. A loss L is a vector here, one number an example, and so
    is L_bar; `unit` makes it 1. Coupled where no example has a gradient of its own.
    """
    names = tuple(wrt) if wrt is not None else tuple(t.name for t in program.inputs if t.kind is Kind.REAL)
    own, examples = separated(program, names, Size(axis))
    joint = vjp(own, names)
    if unit:
        joint = with_unit_seeds(joint, [name + BAR for name in own.outputs])
    return replace(_shared(joint, _same(joint, examples)), name=program.name + "_per_example")


def _same(joint: Program, examples: Examples) -> frozenset[str]:
    """The names that follow from parameters alone, those that the derivation gave included."""
    same, before = set(examples.copied), -1
    while before < len(same):
        before = len(same)
        others = {tensor.name for tensor in joint.locals} - same - set(joint.outputs)
        same |= {name for name in others if _follows(name, joint, same, examples)}
    return frozenset(same)


def _follows(name: str, joint: Program, same: set[str], examples: Examples) -> bool:
    """Whether the example's index is in front, and stands nowhere but in front of what is the same."""
    for equation in joint.defining(name):
        first = equation.target.indices[:1]
        if not first or dict(equation.ranges).get(first[0]) != examples.size:
            return False
        shared = {ref: _one(ref) for ref in refs(equation.value) if ref.name in {*same, name}}
        if equation.value.xreplace(shared).has(first[0]):
            return False
    return True


def _shared(joint: Program, same: frozenset[str]) -> Program:
    """Parameters, and what follows from them alone, are the same for every example: their axis goes."""

    def tensor(one: Tensor) -> Tensor:
        return replace(one, axes=one.axes[1:]) if one.name in same else one

    shared = map_equations(joint, lambda equation: _without_axis(equation, same))
    return replace(shared, inputs=tuple(map(tensor, joint.inputs)), locals=tuple(map(tensor, joint.locals)))


def _without_axis(equation: Equation, same: frozenset[str]) -> Equation:
    one = {ref: _one(ref) for ref in refs(equation.value) if ref.name in same}
    value = equation.value.xreplace(one)
    if equation.name not in same:
        return replace(equation, value=value)
    return replace(equation, target=_one(equation.target), ranges=equation.ranges[1:], value=value)


def _one(ref: Ref) -> Ref:
    """W[i,p,j] -> W[p,j]."""
    return ref.func(ref.args[0], *ref.indices[1:])

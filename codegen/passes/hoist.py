"""Hoisting: a reduction inside an expression becomes an equation over the loops that it depends on.

    S[i,j] = exp(Z[i,j])/sum_{q<k} exp(Z[i,q])
becomes
    S_sum[i] = sum_{q<k} exp(Z[i,q])
    S[i,j] = exp(Z[i,j])/S_sum[i]

A reduction stays where one nest accumulates it: Y[i,j] = b[j] + sum_{p<n} X[i,p] W[p,j]; never in a scatter,
which adds one number at a time, nor where it stands in several places.
A name is the target's with what was reduced: `_sum`, `_max`, `_argmax`, numbered from the second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sympy import And, Expr, Integer, oo, true
from sympy.core.basic import Basic

from codegen.accumulation import accumulation
from codegen.passes.verify import unbound
from derive.calculus.expressions.nodes import (
    ArgLargest,
    Range,
    Reduction,
    Sum,
    VectorMap,
    Where,
    rebuilt,
    reduces,
)
from derive.calculus.expressions.tensor import Axis, Index, IntegerRef, Kind, Ref, Tensor, refs
from derive.calculus.program.program import Equation, Program, expanded


@dataclass
class _Hoisting:
    """The equations hoisted out of one equation, before it, innermost first."""

    owner: Equation
    outer: tuple[Range, ...]
    taken: set[str]
    equations: list[Equation] = field(default_factory=list)
    declared: list[Tensor] = field(default_factory=list)


def hoist(program: Program) -> Program:
    """The program in which every equation is pointwise or accumulated by one nest."""
    taken = set(program.tensors)
    declared: list[Tensor] = []
    statements = expanded(program, lambda equation, outer: _split(equation, outer, taken, declared))
    return program.with_statements(statements, declared)


def _split(
    equation: Equation, outer: tuple[Range, ...], taken: set[str], declared: list[Tensor]
) -> list[Equation]:
    """The equation, preceded by what had to leave it."""
    if not reduces(equation.value):
        return [equation]
    hoisting = _Hoisting(equation, outer, taken)
    loops = (*outer, *equation.ranges)
    alone = not equation.accumulates and not _repeats(equation.value)
    value = _without_inner(equation.value, loops, true, hoisting, top=alone)
    if accumulation(value) is None:
        value = _without_inner(value, loops, true, hoisting, top=False)
    declared += hoisting.declared
    return [*hoisting.equations, replace(equation, value=value)] if hoisting.equations else [equation]


def _repeats(value: Expr) -> bool:
    """Whether one reduction stands in several places, where a name spares computing it again."""
    found = list(_outermost(value))
    return len(set(found)) < len(found)


def _outermost(node: Basic) -> Iterator[Basic]:
    if isinstance(node, Reduction):
        yield node
    elif reduces(node):
        for argument in node.args:
            yield from _outermost(argument)


def _without_inner(
    node: Basic, loops: tuple[Range, ...], condition: Basic, hoisting: _Hoisting, top: bool
) -> Basic:
    """The expression with its reductions named; at the top, those that use every loop may stay."""
    if not reduces(node) or isinstance(node, VectorMap):
        return node
    if isinstance(node, Reduction):
        body = _without_inner(node.body, (*loops, *node.ranges), condition, hoisting, top=False)
        reduced = rebuilt(node, (body, *node.args[1:]))
        stays = top and {i for i, _ in loops} - {i for i, _ in hoisting.outer} <= unbound(reduced, set())
        return reduced if stays else _named(reduced, loops, condition, hoisting)
    chosen = And(condition, node.condition) if isinstance(node, Where) else condition
    return rebuilt(
        node,
        (
            _without_inner(argument, loops, chosen if place == 1 else condition, hoisting, top)
            for place, argument in enumerate(node.args)
        ),
    )


def _named(reduced: Expr, loops: tuple[Range, ...], condition: Basic, hoisting: _Hoisting) -> Ref:
    """A reference to a new equation that holds the reduction."""
    needed = unbound(reduced, set()) | {i for i, _ in hoisting.outer}
    ranges = tuple((index, extent) for index, extent in loops if index in needed)
    name = fresh_name(f"{hoisting.owner.name}_{reduced.operator}", hoisting.taken)
    integer = isinstance(reduced, ArgLargest)
    target = Ref(name, *(index for index, _ in ranges), integer=integer)
    own = tuple((i, n) for i, n in ranges if i not in {o for o, _ in hoisting.outer})
    guarded = _guarded(reduced, condition, {index for index, _ in ranges})
    hoisting.equations.append(replace(hoisting.owner, target=target, ranges=own, value=guarded, given=False))
    axes = tuple(Axis(str(extent), extent) for _, extent in ranges)
    hoisting.declared.append(Tensor(name, axes, Kind.INTEGER if integer else Kind.REAL))
    return target


def _guarded(reduced: Expr, condition: Basic, scope: set[Index]) -> Expr:
    """The reduction read only where its place was reached, as far as its own loops tell. A condition on real
    values guards no place: what is reduced under it is the same as beside it.
    """
    parts = condition.args if isinstance(condition, And) else (condition,)
    places = (part for part in parts if all(isinstance(ref, IntegerRef) for ref in refs(part)))
    kept = And(*(part for part in places if not unbound(part, scope) and not reduces(part)))
    neutral = Integer(0) if isinstance(reduced, Sum) else -oo
    return reduced.func(Where(kept, reduced.body, neutral), *reduced.ranges)


def fresh_name(name: str, taken: set[str]) -> str:
    """The name, numbered where it is taken; taken from now on."""
    chosen, number = name, 2
    while chosen in taken:
        chosen, number = f"{name}{number}", number + 1
    taken.add(chosen)
    return chosen

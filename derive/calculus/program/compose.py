"""Composition: a program's equations with its tensors, sizes and names replaced by those of a graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sympy import Expr, expand
from sympy.core.basic import Basic

from derive.calculus.expressions.tensor import Axis, Size, Tensor, TensorName
from derive.calculus.program.program import Equation, Fact, Program, Recurrence, Statement
from derive.errors import DeriveError


@dataclass(frozen=True)
class Instance:
    """What a layer adds to a graph: its equations and tensors under the graph's names."""

    statements: tuple[Statement, ...]
    locals: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    facts: tuple[Fact, ...] = ()


def instantiate(
    layer: Program, actual: tuple[Tensor, ...], taken: set[str], names: Mapping[str, str]
) -> Instance:
    """The layer applied to tensors; locals keep their names where free, `names` renames some of them.

    Errors name the layer, the axis, both sizes and the remedy.
    """
    _require_arity(layer, actual)
    _require_renamed(layer, names)
    sizes = unify(layer, actual)
    renaming = {formal.name: tensor.name for formal, tensor in zip(layer.inputs, actual, strict=True)}
    used = set(taken)
    for local in layer.locals:
        renaming[local.name] = free_name(names.get(local.name, local.name), used)
        used.add(renaming[local.name])
    heads: dict[Any, Any] = {TensorName(old): TensorName(new) for old, new in renaming.items()}
    change = {**heads, **sizes}
    located = tuple(_renamed(statement, change, layer.name) for statement in layer.statements)
    tensors = {t.name: _tensor(t, renaming[t.name], sizes) for t in layer.locals}
    by_formal = {formal.name: tensor for formal, tensor in zip(layer.inputs, actual, strict=True)}
    outputs = tuple(tensors.get(name) or by_formal[name] for name in layer.outputs)
    facts = tuple(
        Fact(fact.left.xreplace(change), fact.right.xreplace(change), fact.source) for fact in layer.facts
    )
    return Instance(located, tuple(tensors.values()), outputs, facts)


def free_name(name: str, taken: set[str]) -> str:
    """The name, or the first of name1, name2, ... that is free."""
    if name not in taken:
        return name
    number = 2
    while f"{name}{number}" in taken:
        number += 1
    return f"{name}{number}"


def unify(layer: Program, actual: tuple[Tensor, ...]) -> dict[Basic, Expr]:
    """The size that each of the layer's letters has here."""
    found: dict[Basic, tuple[Expr, str]] = {}
    composite: list[tuple[Axis, Axis, Tensor]] = []
    for formal, tensor in zip(layer.inputs, actual, strict=True):
        _require_rank(layer, formal, tensor)
        for axis, given in zip(formal.axes, tensor.axes, strict=True):
            if not isinstance(axis.size, Size):
                composite.append((axis, given, tensor))
            elif axis.size in found and found[axis.size][0] != given.size:
                size, where = found[axis.size]
                raise DeriveError(
                    f"{layer.name}: axis {axis.name} is {size} in {where} but {given.size} in {tensor}; "
                    f"make the two equal, as by {given.size} = {size}"
                )
            else:
                found.setdefault(axis.size, (given.size, str(tensor)))
    sizes: dict[Basic, Expr] = {size: value for size, (value, _) in found.items()}
    for axis, given, tensor in composite:
        _require_composite(layer, axis, given, tensor, sizes)
    return sizes


def _require_composite(
    layer: Program, axis: Axis, given: Axis, tensor: Tensor, sizes: Mapping[Basic, Expr]
) -> None:
    expected = expand(axis.size.xreplace(sizes))
    if expand(expected - given.size) != 0:
        raise DeriveError(
            f"{layer.name}: axis {given.name} of {tensor} is {given.size} "
            f"but must be {axis.size} = {expected}; "
            "change that axis or the layer's sizes"
        )


def _require_arity(layer: Program, actual: tuple[Tensor, ...]) -> None:
    if len(layer.inputs) != len(actual):
        wanted = ", ".join(map(str, layer.inputs))
        given = ", ".join(map(str, actual))
        raise DeriveError(
            f"{layer.name} takes {len(layer.inputs)} tensors, {wanted}; {len(actual)} were given: {given}"
        )


def _require_renamed(layer: Program, names: Mapping[str, str]) -> None:
    own = [local.name for local in layer.locals]
    for name in names:
        if name not in own:
            raise DeriveError(
                f"{layer.name} has no tensor {name} to rename; it computes {', '.join(own)}, "
                f"as {own[-1]}={names[name]!r}"
            )


def _require_rank(layer: Program, formal: Tensor, tensor: Tensor) -> None:
    if len(formal.axes) != len(tensor.axes):
        raise DeriveError(
            f"{layer.name}: {formal} has {len(formal.axes)} axes "
            f"but {tensor} has {len(tensor.axes)}; reshape it first"
        )
    if formal.kind is not tensor.kind:
        raise DeriveError(
            f"{layer.name}: {formal} is {formal.kind.value} "
            f"but {tensor} is {tensor.kind.value}; declare it so"
        )


def _tensor(tensor: Tensor, name: str, sizes: Mapping[Basic, Expr]) -> Tensor:
    axes = []
    for axis in tensor.axes:
        size = axis.size.xreplace(sizes)
        axes.append(Axis(str(size) if isinstance(size, Size) else axis.name, size))
    return replace(tensor, name=name, axes=tuple(axes))


def _renamed(statement: Statement, change: Mapping[Any, Any], layer: str) -> Statement:
    if isinstance(statement, Recurrence):
        equations = tuple(_equation(e, change, layer) for e in statement.equations)
        return replace(statement, extent=statement.extent.xreplace(change), equations=equations)
    return _equation(statement, change, layer)


def _equation(equation: Equation, change: Mapping[Any, Any], layer: str) -> Equation:
    ranges = tuple((index, extent.xreplace(change)) for index, extent in equation.ranges)
    target, value = equation.target.xreplace(change), equation.value.xreplace(change)
    return replace(equation, target=target, ranges=ranges, value=value, layer=equation.layer or layer)

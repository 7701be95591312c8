"""A program's tensors under other names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from derive.calculus.expressions.tensor import Tensor, TensorName
from derive.calculus.program.program import Equation, Program, Recurrence, Statement


def renamed(program: Program, names: Mapping[str, str]) -> Program:
    """The program with some of its tensors renamed, everywhere; the new names are free."""
    if not names:
        return program
    heads: dict[Any, Any] = {TensorName(old): TensorName(new) for old, new in names.items()}
    return replace(
        program,
        inputs=tuple(_tensor(tensor, names, heads) for tensor in program.inputs),
        statements=tuple(_statement(statement, heads) for statement in program.statements),
        outputs=tuple(names.get(name, name) for name in program.outputs),
        locals=tuple(_tensor(tensor, names, heads) for tensor in program.locals),
        facts=tuple(
            replace(f, left=f.left.xreplace(heads), right=f.right.xreplace(heads)) for f in program.facts
        ),
    )


def _tensor(tensor: Tensor, names: Mapping[str, str], heads: Mapping[Any, Any]) -> Tensor:
    axes = tuple(replace(axis, size=axis.size.xreplace(heads)) for axis in tensor.axes)
    return replace(tensor, name=names.get(tensor.name, tensor.name), axes=axes)


def _statement(statement: Statement, heads: Mapping[Any, Any]) -> Statement:
    if isinstance(statement, Recurrence):
        equations = tuple(_equation(equation, heads) for equation in statement.equations)
        return replace(statement, extent=statement.extent.xreplace(heads), equations=equations)
    return _equation(statement, heads)


def _equation(equation: Equation, heads: Mapping[Any, Any]) -> Equation:
    ranges = tuple((index, extent.xreplace(heads)) for index, extent in equation.ranges)
    value, target = equation.value.xreplace(heads), equation.target.xreplace(heads)
    return replace(equation, target=target, ranges=ranges, value=value)

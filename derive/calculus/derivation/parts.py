"""A long equation is differentiated in parts: its long factors and terms have names, alike ones the same, so
that their derivatives stand once and not in every term of the product rule.

    Y[i] = (a + b + ...) where(c, d, e) + (a + b + ...)^2
becomes
    Y_part[i] = a + b + ...
    Y_part2[i] = where(c, d, e)
    Y[i] = Y_part[i] Y_part2[i] + Y_part[i]^2

An equation that a person wrote is never that long: second derivatives of branches in branches are. Nothing
under a guard or in a function is named, as in `kernels`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sympy import Add, Expr, Mul, Pow
from sympy.core.basic import Basic

from derive.calculus.derivation.kernels import Naming, name_of, with_names
from derive.calculus.expressions.limits import weight
from derive.calculus.expressions.nodes import Range, Sum, Where
from derive.calculus.program.program import Equation, Program
from derive.calculus.simplification.budget import LONG, PART


def with_parts(program: Program) -> Program:
    """The program with a name for every long part of a long equation."""
    return with_names(program, lambda equation, outer, naming: _parted(equation, equation, outer, naming))


def _parted(equation: Equation, whole: Equation, outer: tuple[Range, ...], naming: Naming) -> list[Equation]:
    """The equation, preceded by its parts, where it is long; they are named after the whole."""
    if equation.frozen or weight(equation.value) <= LONG:
        return [equation]
    found: dict[Basic, Expr] = {}
    before: list[Equation] = []
    for node, ranges in _parts(equation.value, (*outer, *equation.ranges)):
        if node not in found:
            found[node], new = name_of(node, whole, ranges, outer, naming, "part")
            before += [part for each in new for part in _parted(each, whole, outer, naming)]
    return [*before, replace(equation, value=equation.value.xreplace(found))] if found else [equation]


def _parts(value: Expr, ranges: tuple[Range, ...]) -> Iterator[tuple[Expr, tuple[Range, ...]]]:
    """The longest sums and branches among the factors and terms of a value, with the ranges around them."""
    if isinstance(value, Sum):
        yield from _within((value.body,), (*ranges, *value.ranges))
    elif isinstance(value, (Add, Mul, Pow)):
        yield from _within(value.args, ranges)


def _within(nodes: tuple[Basic, ...], ranges: tuple[Range, ...]) -> Iterator[tuple[Expr, tuple[Range, ...]]]:
    for node in nodes:
        if not isinstance(node, Expr) or weight(node) < PART:
            continue
        if isinstance(node, (Add, Where)):
            yield node, ranges
        else:
            yield from _parts(node, ranges)

"""Inverses: what several elementwise equations divide by is inverted once.

    F[j] = A[j] / (1 + E[j])                  V[j] = 1 / (1 + E[j])
    G[j] = B[j] / (1 + E[j])^2                F[j] = A[j] V[j]
                                              G[j] = B[j] V[j]^2

A division takes as long as ten products; by E (E + 2) + 1 is by (1 + E)^2 where another is by 1 + E. Only
what is proved to be 1 or more is inverted, so that nothing overflows that did not before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import groupby

from sympy import Add, Expr, Pow, expand
from sympy.core.basic import Basic

from codegen.passes.hoist import fresh_name
from derive.calculus.expressions.nodes import Range, reduces
from derive.calculus.expressions.occurrence import nodes_of
from derive.calculus.expressions.tensor import Axis, Ref, Tensor, refs
from derive.calculus.program.program import Equation, Program, Recurrence, Statement
from derive.calculus.simplification.signs import positive


def inverses(program: Program) -> Program:
    """The program that divides once where several elementwise equations divide by the same."""
    taken = set(program.tensors)
    values = {one.name: one for one in program.equations()}
    declared: list[Tensor] = []
    statements: list[Statement] = []
    for looped, run in groupby(program.statements, lambda one: isinstance(one, Recurrence)):
        if looped:
            loops = [one for one in run if isinstance(one, Recurrence)]
            statements += [
                replace(one, equations=_inverted(one.equations, values, taken, declared)) for one in loops
            ]
        else:
            statements += _inverted(
                tuple(one for one in run if isinstance(one, Equation)), values, taken, declared
            )
    return program.with_statements(tuple(statements), declared) if declared else program


def _inverted(
    equations: tuple[Equation, ...],
    values: Mapping[str, Equation],
    taken: set[str],
    declared: list[Tensor],
) -> tuple[Equation, ...]:
    """The equations of a step, an inverse before the first that divides by it."""
    equations = _with_squares(equations)
    found = list(equations)
    for (base, ranges), count in _divisors(equations).items():
        if count < 2 or not _at_least_one(base, values):
            continue
        first = next(n for n, one in enumerate(found) if one.ranges == ranges and _divides(one, base))
        name = fresh_name(f"{min(ref.name for ref in refs(base))}_inverse", taken)
        target = Ref(name, *(index for index, _ in ranges))
        declared.append(Tensor(name, tuple(Axis(str(extent), extent) for _, extent in ranges)))
        new = replace(found[first], target=target, value=Pow(base, -1), given=False)
        renamed = {
            node: Pow(target, -node.exp)
            for one in found
            for node in nodes_of(one.value, Pow)
            if _by(node, base)
        }
        found = [
            replace(one, value=one.value.xreplace(renamed)) if one.ranges == ranges and _plain(one) else one
            for one in found
        ]
        found.insert(first, new)
    return tuple(found)


def _with_squares(equations: tuple[Equation, ...]) -> tuple[Equation, ...]:
    """The equations, quotients by the square of what another divides by written as such."""
    bases = dict.fromkeys(base for base, _ in _divisors(equations))
    roots = {
        square: base for square in bases for base in bases if square != base and expand(square - base**2) == 0
    }
    renamed = {
        node: Pow(roots[node.base], 2 * node.exp)
        for one in equations
        for node in nodes_of(one.value, Pow)
        if node.base in roots and _by(node, node.base)
    }
    if not renamed:
        return equations
    return tuple(replace(one, value=one.value.xreplace(renamed)) for one in equations)


def _divisors(equations: Iterable[Equation]) -> dict[tuple[Expr, tuple[Range, ...]], int]:
    """How many quotients there are for each divisor."""
    found: dict[tuple[Expr, tuple[Range, ...]], int] = {}
    for one in equations:
        if _plain(one):
            for node in sorted(nodes_of(one.value, Pow), key=str):
                if isinstance(node.base, Add) and node.exp.is_Integer and node.exp.is_negative:
                    key = (node.base, one.ranges)
                    found[key] = found.get(key, 0) + 1
    return found


def _plain(equation: Equation) -> bool:
    return not reduces(equation.value) and not equation.accumulates and bool(equation.loops)


def _divides(equation: Equation, base: Expr) -> bool:
    return _plain(equation) and any(_by(node, base) for node in nodes_of(equation.value, Pow))


def _by(node: Basic, base: Expr) -> bool:
    return isinstance(node, Pow) and node.base == base and node.exp.is_Integer and bool(node.exp.is_negative)


def _at_least_one(base: Expr, values: Mapping[str, Equation]) -> bool:
    """Whether a sum is a number of 1 or more and what is proved positive."""
    number = [term for term in base.args if term.is_number]
    rest = [term for term in base.args if not term.is_number]
    return (
        bool(number)
        and bool(number[0] >= 1)
        and bool(refs(base))
        and all(positive(term, values) for term in rest)
    )

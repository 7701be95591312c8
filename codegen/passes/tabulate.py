"""Tables: a function inside a sum that fewer loops decide is computed once, not once for each of the others.

    H[i,p] = sum_{j<d} tanh(Z[i,j]) W[p,j]
becomes
    H_tanh[i,j] = tanh(Z[i,j])
    H[i,p] = sum_{j<d} H_tanh[i,j] W[p,j]

m d values of tanh instead of m d n. Only what reads its elements at plain indices is moved, for it can be
evaluated everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sympy import Abs, Expr, Function, Mul, sign
from sympy.core.basic import Basic

from codegen.passes.hoist import fresh_name
from codegen.passes.verify import unbound
from derive.calculus.expressions.nodes import Range, Sum, Where
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.tensor import Axis, Index, Ref, Tensor, refs
from derive.calculus.program.program import Equation, Program, expanded

CHEAP = (Abs, sign)


def tabulate(program: Program) -> Program:
    """The program whose sums call no function again for an index that it does not depend on."""
    taken = set(program.tensors)
    declared: list[Tensor] = []
    statements = expanded(program, lambda equation, outer: _tables(equation, outer, taken, declared))
    return program.with_statements(statements, declared)


def _tables(
    equation: Equation, outer: tuple[Range, ...], taken: set[str], declared: list[Tensor]
) -> list[Equation]:
    """The equation, preceded by the tables that it reads."""
    tables: list[Equation] = []
    found: dict[Basic, Basic] = {}
    sums = sorted(nodes_of(equation.value, Sum), key=str) if holds(equation.value, Function) else []
    for node in sums:
        loops = (*outer, *equation.ranges, *node.ranges)
        for factor in _called_again(node, {index for index, _ in loops}):
            if factor not in found:
                table = _table(equation, factor, loops, outer, taken)
                tables.append(table)
                found[factor] = table.target
                axes = (extent for index, extent in loops if index in table.target.indices)
                declared.append(Tensor(table.name, tuple(Axis(str(extent), extent) for extent in axes)))
    return [*tables, replace(equation, value=equation.value.xreplace(found))] if tables else [equation]


def _called_again(node: Sum, loops: set[Index]) -> Iterator[Expr]:
    """The factors with a function that some loop does not change."""
    body = node.body.chosen if isinstance(node.body, Where) else node.body
    for factor in Mul.make_args(body):
        functions = [f for f in nodes_of(factor, Function) if not isinstance(f, CHEAP)]
        plain = all(isinstance(index, Index) for ref in refs(factor) for index in ref.indices)
        if functions and plain and not holds(factor, Sum, Where) and unbound(factor, set()) < loops:
            yield factor


def _table(
    equation: Equation, factor: Expr, loops: tuple[Range, ...], outer: tuple[Range, ...], taken: set[str]
) -> Equation:
    """The factor as an equation over the loops that it depends on, those of a recurrence included."""
    needed = unbound(factor, set()) | {index for index, _ in outer}
    ranges = tuple((index, extent) for index, extent in loops if index in needed)
    what = type(factor).__name__.lower() if isinstance(factor, Function) else "factor"
    target = Ref(fresh_name(f"{equation.name}_{what}", taken), *(index for index, _ in ranges))
    own = tuple(pair for pair in ranges if pair not in outer)
    return replace(equation, target=target, ranges=own, value=factor, given=False)

"""Ties of a maximum: y = max_q x[q] has dy/dx[q] = [x[q] = y]/count, count = sum_q [x[q] = y].

The count is an equation of its own, so that it is computed once for each maximum. So is what the maximum is
taken of, where it is computed: a tie is found by comparison, and two computations may round in two ways.

    y[i] = max_q f(X[i,q])     becomes     y_of[i,q] = f(X[i,q])     y[i] = max_q y_of[i,q]
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, oo
from sympy.core.basic import Basic

from derive.calculus.derivation.partials import ties
from derive.calculus.expressions.nodes import Largest, Range, Reduction, Where
from derive.calculus.expressions.tensor import Axis, Index, Kind, Ref, Tensor, refs
from derive.calculus.program.compose import free_name
from derive.calculus.program.program import Equation, Program, Statement


def tie_count(equation: Equation, tensor: Tensor) -> tuple[Equation, Tensor] | None:
    """The equation of the count of ties, where an equation's value is a maximum."""
    if not isinstance(equation.value, Largest):
        return None
    count = replace(tensor, name=equation.name + "_ties", kind=Kind.REAL)
    target = Ref(count.name, *equation.target.indices)
    return Equation(target, equation.ranges, ties(equation.value, equation.target)), count


def named_maximum(equation: Equation) -> tuple[Ref, Ref] | None:
    """The maximum that an equation defines, and its count of ties."""
    if not isinstance(equation.value, Largest):
        return None
    return equation.target, Ref(equation.name + "_ties", *equation.target.indices)


def with_bodies(program: Program) -> Program:
    """The program in which what is computed under a maximum has a name."""
    sizes = {str(s) for tensor in program.tensors.values() for n in tensor.shape for s in n.free_symbols}
    taken = set(program.tensors) | sizes
    statements: list[Statement] = []
    added: list[Tensor] = []
    for statement in program.statements:
        parts = _parted(statement, taken) if isinstance(statement, Equation) else [statement]
        added += [_declared(part) for part in parts[:-1] if isinstance(part, Equation)]
        statements += parts
    if not added:
        return program
    return replace(program, statements=tuple(statements), locals=(*program.locals, *added))


def _parted(equation: Equation, taken: set[str]) -> list[Statement]:
    """The equation, preceded by the bodies of its maxima."""
    bodies: list[Statement] = []
    for node in [] if equation.frozen else _outer_maxima(equation.value):
        if _is_computed(node, equation.ranges):
            name = free_name(f"{equation.name}_of", taken)
            taken.add(name)
            body, equation = _with_body(node, equation, name)
            bodies.append(body)
    return [*bodies, equation]


def _outer_maxima(value: Basic) -> list[Largest]:
    """The maxima that stand in no branch and in no other reduction, in order."""
    if isinstance(value, Largest):
        return [value]
    if isinstance(value, Where | Reduction | Ref):
        return []
    return [node for argument in value.args for node in _outer_maxima(argument)]


def _is_computed(node: Largest, loops: tuple[Range, ...]) -> bool:
    """Whether the body is more than an element or its negative, over ranges that no index changes."""
    body = _split(node)[1]
    plain = isinstance(body, Ref) or isinstance(-body, Ref)
    extents = [extent for _, extent in (*loops, *node.ranges)]
    return not plain and not any(refs(n) or n.atoms(Index) for n in extents)


def _split(node: Largest) -> tuple[Basic, Expr]:
    guarded = isinstance(node.body, Where) and node.body.other == -oo
    return (node.body.condition, node.body.chosen) if guarded else (True, node.body)


def _with_body(node: Largest, equation: Equation, name: str) -> tuple[Equation, Equation]:
    condition, body = _split(node)
    used = [pair for pair in equation.ranges if pair[0] in node.free_symbols]
    ranges = (*used, *node.ranges)
    target = Ref(name, *(index for index, _ in ranges))
    named = replace(equation, target=target, ranges=ranges, value=Where(condition, body, 0), given=False)
    largest = node.func(Where(condition, target, -oo), *node.ranges)
    return named, replace(equation, value=equation.value.xreplace({node: largest}))


def _declared(body: Equation) -> Tensor:
    return Tensor(body.name, tuple(Axis(str(n) if n.is_Symbol else str(i), n) for i, n in body.ranges))

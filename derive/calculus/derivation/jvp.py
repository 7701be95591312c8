"""Y_dot[target] = sum of d value/d X[g] * X_dot[g] over all that an equation reads.

The sweep goes forwards: each named equation is followed by its tangent. It shares the partials
with the pullback, but neither the deltas nor the order: it is the independent half of the
dot-product test. Griewank and Walther, Evaluating Derivatives, 2nd ed., section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sympy import Add, Expr

from derive.calculus.derivation.kernels import with_kernels, without_idle
from derive.calculus.derivation.maxima import named_maximum, tie_count, with_bodies
from derive.calculus.derivation.partials import partials
from derive.calculus.derivation.parts import with_parts
from derive.calculus.derivation.vjp import axis_ranges
from derive.calculus.expressions.nodes import Range, Sum, Where
from derive.calculus.expressions.normal import normal
from derive.calculus.expressions.substitution import freshened
from derive.calculus.expressions.tensor import Index, Kind, Ref, Tensor
from derive.calculus.program.activity import varying
from derive.calculus.program.ordering import in_sequence
from derive.calculus.program.program import Equation, Program, Statement
from derive.calculus.simplification.simplify import simplified

DOT = "_dot"


def tangents(program: Program, wrt: Sequence[str] | None = None) -> Program:
    """The joint program: each forward statement and then its tangent; X_dot in, Y_dot out."""
    names = tuple(wrt) if wrt is not None else tuple(t.name for t in program.inputs if t.kind is Kind.REAL)
    moving = varying(program, names)
    statements: list[Statement] = []
    counts: list[Tensor] = []
    for statement in program.statements:
        statements += _with_tangent(statement, moving, program, counts)
    tangents = tuple(_tangent_of(program.tensor(name)) for name in names)
    outputs = tuple(name for name in program.outputs if program.tensor(name).kind is Kind.REAL)
    still = [name for name in outputs if name not in moving]
    return Program(
        program.name + "_jvp",
        program.inputs + tangents,
        tuple(statements) + tuple(_zero(program.tensor(name)) for name in still),
        tuple(name + DOT for name in outputs),
        program.locals
        + tuple(counts)
        + tuple(_tangent_of(t) for t in program.locals if t.name in moving or t.name in still),
        program.facts,
    )


def _tangent_of(tensor: Tensor) -> Tensor:
    return replace(tensor, name=tensor.name + DOT, kind=Kind.REAL)


def _zero(tensor: Tensor) -> Equation:
    indices = tuple(Index(f"a{position}") for position in range(len(tensor.axes)))
    return Equation(Ref(tensor.name + DOT, *indices), axis_ranges(tensor, indices), Add())


def _with_tangent(
    statement: Statement, moving: frozenset[str], program: Program, counts: list[Tensor]
) -> list[Statement]:
    if isinstance(statement, Equation):
        return [statement, *_followers(statement, moving, (), program, counts)]
    outer = ((statement.index, statement.extent),)
    inner: list[Equation] = []
    for equation in statement.equations:
        inner += [equation, *_followers(equation, moving, outer, program, counts)]
    return [replace(statement, equations=tuple(inner))]


def _followers(
    equation: Equation,
    moving: frozenset[str],
    outer: tuple[Range, ...],
    program: Program,
    counts: list[Tensor],
) -> list[Equation]:
    """What follows a forward equation: the count of ties of a maximum, and the tangent."""
    tangent = _tangent(equation, moving, outer)
    if tangent is None:
        return []
    counted = tie_count(equation, program.tensor(equation.name))
    if counted is None or counted[1].name in program.tensors:
        return [tangent]
    counts.append(counted[1])
    return [counted[0], tangent]


def _tangent(equation: Equation, moving: frozenset[str], outer: tuple[Range, ...]) -> Equation | None:
    if equation.name not in moving or equation.frozen:
        return None
    loops = outer + equation.ranges
    value = freshened(equation.value, {index.name for index, _ in loops})
    terms: list[Expr] = []
    for partial in partials(value, named_maximum(equation)):
        if partial.ref.name in moving:
            tangent = Ref(partial.ref.name + DOT, *partial.ref.indices)
            terms.append(Sum(Where(partial.condition, partial.coefficient * tangent, 0), *partial.ranges))
    target = Ref(equation.name + DOT, *equation.target.indices)
    return replace(equation, target=target, value=normal(Add(*terms), dict(loops)))


def jvp(program: Program, wrt: Sequence[str] | None = None) -> Program:
    """The joint program of tangents, in closed form."""
    named = with_parts(with_kernels(with_bodies(program)))
    return in_sequence(without_idle(simplified(tangents(named, wrt), named), named, program))

"""d value / d X[i,p]: one partial for each tensor element that an expression reads.

    value = exp(Z[i,j]) * sum_p X[i,p] W[p,j]
        d/dZ[i,j]  = exp(Z[i,j]) * sum_p X[i,p] W[p,j]
        d/dX[i,p]  = exp(Z[i,j]) * W[p,j]               met under p < n
        d/dW[p,j]  = exp(Z[i,j]) * X[i,p]               met under p < n

Scalars are differentiated by SymPy, with each element, sum, maximum and branch as one variable. Two rules
are ours: a sum passes its partials on, a maximum weighs them by [z = max]/count. The rest is the
chain rule: coefficients multiply along the way, ranges and conditions gather.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import cache
from typing import Any

from sympy import And, Derivative, DiracDelta, Dummy, Expr, Heaviside, Integer, Subs, Symbol, oo, sign, true
from sympy.core.basic import Basic
from sympy.logic.boolalg import Boolean

from derive.calculus.expressions.bounds import negated
from derive.calculus.expressions.nodes import (
    ArgLargest,
    IsZero,
    Largest,
    Opaque,
    Range,
    Reduction,
    Sum,
    VectorMap,
    Where,
)
from derive.calculus.expressions.substitution import apart, fresh, freshened, rename_ranges, substitute
from derive.calculus.expressions.tensor import IntegerRef, Ref, refs
from derive.errors import DeriveError

_UNRESOLVED = (Derivative, Subs, DiracDelta, Heaviside)
_ATOMS = (Ref, Reduction, Where, Opaque)


class NotDifferentiable(DeriveError):
    """A term that has no derivative that SymPy or the index calculus knows."""


@dataclass(frozen=True)
class Partial:
    """d value / d ref = coefficient, for the values of `ranges` where `condition` holds."""

    ref: Ref
    coefficient: Expr
    ranges: tuple[Range, ...] = ()
    condition: Boolean = true

    def times(self, factor: Expr) -> Partial:
        """The partial with one more factor, whose indices are no ranges of its own."""
        own = self.apart({str(s) for s in factor.free_symbols}) if self.ranges else self
        return Partial(own.ref, factor * own.coefficient, own.ranges, own.condition)

    def apart(self, taken: Set[str]) -> Partial:
        """The same partial, its ranges renamed where their names are taken."""
        free = {str(s) for e in (self.ref, self.coefficient, self.condition) for s in e.free_symbols}
        renaming = apart((index for index, _ in self.ranges), taken, free)
        if not renaming:
            return self
        ref, slope, inner = (substitute(e, renaming) for e in (self.ref, self.coefficient, self.condition))
        return Partial(ref, slope, rename_ranges(self.ranges, renaming), inner)

    def under(self, ranges: tuple[Range, ...], condition: Boolean) -> Partial:
        """The same partial met under outer ranges; its own ranges are renamed apart from them."""
        own = self.apart({index.name for index, _ in ranges} | {str(s) for s in condition.free_symbols})
        return Partial(own.ref, own.coefficient, ranges + own.ranges, And(condition, own.condition))


def partials(value: Expr, largest: tuple[Ref, Ref] | None = None) -> list[Partial]:
    """Every partial of a value; `largest` names a maximum that is all of it, and its count of ties."""
    if isinstance(value, IntegerRef | ArgLargest) or not isinstance(value, Expr) or not refs(value):
        return []
    if isinstance(value, Ref):
        return [Partial(value, Integer(1))]
    if isinstance(value, Largest):
        return _of_largest(value, largest)
    for kind, rule in _RULES.items():
        if isinstance(value, kind):
            return rule(value)
    return _of_scalar(value)


def _of_sum(value: Sum) -> list[Partial]:
    return [partial.under(value.ranges, true) for partial in partials(value.body)]


def _of_opaque(value: Opaque) -> list[Partial]:
    return [partial.times(value.fdiff()) for partial in partials(value.argument)]


def _of_where(value: Where) -> list[Partial]:
    chosen = [partial.under((), value.condition) for partial in partials(value.chosen)]
    other = [partial.under((), negated(value.condition)) for partial in partials(value.other)]
    return chosen + other


def _of_largest(value: Largest, named: tuple[Ref, Ref] | None) -> list[Partial]:
    largest, count = (value, ties(value, value)) if named is None else named
    guard, reached, body = _reached(value, largest)
    return [partial.times(1 / count).under(value.ranges, And(guard, reached)) for partial in partials(body)]


def ties(value: Largest, largest: Expr) -> Expr:
    """How many elements reach the maximum: they share its derivative."""
    guard, reached, _ = _reached(value, largest)
    return freshened(Sum(Where(And(guard, reached), 1, 0), *value.ranges), {i.name for i in value.bound})


def _reached(value: Largest, largest: Expr) -> tuple[Boolean, Boolean, Expr]:
    guarded = isinstance(value.body, Where) and value.body.other == -oo
    guard, body = (value.body.condition, value.body.chosen) if guarded else (true, value.body)
    return guard, IsZero(body - largest), body


def _of_vector_map(value: VectorMap) -> list[Partial]:
    ((index, _),) = value.ranges
    names = {str(s) for s in value.free_symbols} | {index.name}
    inner = partials(value.body)
    component = fresh(index.name, names)
    return [
        Partial(
            substitute(partial.ref, {index: component}),
            value.differentiated(component) * substitute(partial.coefficient, {index: component}),
            ((component, value.ranges[0][1]), *partial.ranges),
            substitute(partial.condition, {index: component}),
        )
        for partial in inner
    ]


def _of_scalar(value: Expr) -> list[Partial]:
    variables = scalar_variables(value)
    abstract = value.xreplace(variables)
    found: list[Partial] = []
    for node, variable in variables.items():
        inner = partials(node)
        if not inner:
            continue
        slope = scalar_derivative(abstract, variable)
        if slope.has(*_UNRESOLVED):
            raise NotDifferentiable(
                f"{value} has no derivative by {node} that SymPy knows; write the term by functions that "
                "have one, or where it is flat or has a kink by where(condition, a, b)"
            )
        elements = {v: n for n, v in variables.items()}
        found += [partial.times(slope.xreplace(elements)) for partial in inner]
    return found


def scalar_variables(value: Expr) -> Mapping[Basic, Symbol]:
    """The maximal elements, sums, maxima and branches of a scalar expression, each as a variable."""
    ordered: dict[Basic, Symbol] = {}

    def visit(node: Basic) -> None:
        if isinstance(node, _ATOMS):
            ordered.setdefault(node, _variable(len(ordered)))
        else:
            for argument in node.args:
                visit(argument)

    visit(value)
    return ordered


@cache
def _variable(position: int) -> Symbol:
    return Dummy(f"v{position}", real=True)


@cache
def scalar_derivative(expression: Expr, variable: Symbol) -> Expr:
    """SymPy's derivative of a scalar expression; Derivative, DiracDelta and their like where it has none.

    A step is flat, at its jump too: sign'(x) = 0, and so |x|'' = 0, as where(x > 0, 1, -1) has it.
    """
    steps = {step: Dummy(f"s{number}") for number, step in enumerate(expression.atoms(sign))}
    return expression.xreplace(steps).diff(variable).xreplace({flat: step for step, flat in steps.items()})


_RULES: dict[type[Expr], Callable[[Any], list[Partial]]] = {
    VectorMap: _of_vector_map,
    Sum: _of_sum,
    Where: _of_where,
    Opaque: _of_opaque,
}

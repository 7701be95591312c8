"""The cover of an index expression by array forms, node by node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sympy
from sympy import Add, And, Expr, Function, Mul, Not, Or, Pow, expand, log

from derive.calculus.arrays.algebra import apply, number, power, select, total
from derive.calculus.arrays.base import Form, MatrixFormError, Positions
from derive.calculus.arrays.contract import axis_reduced, contract, elementwise
from derive.calculus.arrays.forms import OneHot
from derive.calculus.arrays.labels import Part, fixed_order, scalar, united
from derive.calculus.arrays.pointwise import Compare, Divided, Indicator, Logic, VectorApply
from derive.calculus.arrays.reads import read_part
from derive.calculus.expressions.nodes import (
    ArgLargest,
    Condition,
    Finite,
    FloorDiv,
    IsZero,
    Largest,
    Nonnegative,
    Opaque,
    Positive,
    Range,
    Reduction,
    Remainder,
    Sum,
    VectorMap,
    Where,
)
from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.substitution import freshened
from derive.calculus.expressions.tensor import Index, Ref, Tensor

BOUNDED = frozenset({"tanh", "sin", "cos", "erf", "atan", "sign", "Abs"})
RELATIONS: dict[type[Condition], str] = {Positive: ">", Nonnegative: ">=", IsZero: "==", Finite: "finite"}


@dataclass(frozen=True)
class Cover:
    """The indices in scope with their extents, and the tensors that may be read."""

    extents: Mapping[Index, Expr]
    tensors: Mapping[str, Tensor]
    memo: dict[Any, Part] = field(default_factory=dict)

    def __call__(self, node: Any) -> Part:
        """The part of an expression or condition."""
        if node not in self.memo:
            self.memo[node] = self._cover(node)
        return self.memo[node]

    def within(self, node: Reduction) -> Cover:
        """The scope inside a reduction."""
        return replace(self, extents={**self.extents, **dict(node.ranges)}, memo={})

    def is_free(self, node: Any) -> bool:
        """Whether a node varies with no index and no tensor: a scalar in sizes and fixed indices."""
        if isinstance(node, Ref | Reduction | Where) or node in self.extents:
            return False
        return not node.has(Ref, Reduction, Where, Opaque) and not (node.free_symbols & set(self.extents))

    def _cover(self, node: Any) -> Part:
        if self.is_free(node) and isinstance(node, Expr):
            return scalar(number(node))
        for kind, reader in READERS:
            if isinstance(node, kind):
                return reader(self, node)
        if isinstance(node, Function) and len(node.args) == 1:
            return _applied(self, type(node).__name__, node.args[0])
        raise MatrixFormError(f"no array form is known for {type(node).__name__} in {node}")

    def joined(self, parts: list[Part], build: Callable[..., Form]) -> Part:
        """An elementwise form of several parts, aligned."""
        order, cost = united(parts), sum(part.cost for part in parts)
        return Part(
            order, lambda wanted: build(*(part.aligned(wanted, self.extents) for part in parts)), cost
        )

    def factors(self, node: Expr) -> list[Part]:
        """The parts of the factors of a product."""
        return [self(factor) for factor in Mul.make_args(node)]


def _applied(cover: Cover, function: str, argument: Expr, **options: Any) -> Part:
    inner = cover(argument)
    selectors = options.pop("selectors", ())
    return Part(inner.order, lambda order: apply(function, inner.form(order), *selectors, **options))


def _index(cover: Cover, node: Index) -> Part:
    return fixed_order(Positions(cover.extents[node]), (node,))


def _ref(cover: Cover, node: Ref) -> Part:
    return read_part(node, cover.extents, cover.tensors, cover)


def _sum_of_terms(cover: Cover, node: Add) -> Part:
    """Terms of the same indices first, logarithms apart: x - M - log T is not x - (M + log T)."""
    groups: dict[tuple[frozenset[Index], bool], list[Part]] = {}
    for term in node.args:
        part = cover(term)
        labels = part.labels if part.order else frozenset()
        groups.setdefault((labels, holds(term, log)), []).append(part)
    joined = [parts[0] if len(parts) == 1 else cover.joined(parts, total) for parts in groups.values()]
    return cover.joined(joined, total)


def _product(cover: Cover, node: Mul) -> Part:
    return elementwise(cover.factors(node), cover.extents)


def _power(cover: Cover, node: Pow) -> Part:
    base, exponent = node.args
    if not exponent.is_number and not cover.is_free(exponent):
        written = str(node).replace("[]", "").replace("**", "^")
        raise MatrixFormError(f"the exponent of {written} is computed; write it as exp(a log(x)), of a and x")
    if base == sympy.E:
        return _applied(cover, "exp", exponent)
    inner = cover(base)
    return Part(inner.order, lambda order: power(inner.form(order), exponent))


def _contraction(cover: Cover, node: Sum) -> Part:
    inner = cover.within(node)
    body = node.body
    if isinstance(body, Add) and _too_wide(inner, body):
        return cover.joined([_contraction(cover, Sum(term, *node.ranges)) for term in body.args], total)
    as_written = _contracted(cover, body, node.ranges)
    flat, ranges = _flattened(body, node.ranges)
    if ranges == node.ranges:
        return as_written
    regrouped = _contracted(cover, flat, ranges)
    return regrouped if regrouped.cost < as_written.cost else as_written


def _contracted(cover: Cover, body: Expr, ranges: tuple[Range, ...]) -> Part:
    inner = replace(cover, extents={**cover.extents, **dict(ranges)}, memo={})
    summed = frozenset(index for index, _ in ranges)
    condition, body = (body.condition, body.chosen) if _is_guard(body) else (sympy.true, body)
    condition, body, branch = _risky(condition, body, summed)
    factors = [*inner.factors(body), *([inner(branch)] if branch is not None else [])]
    outside = _guard(inner, condition, factors, summed)
    missing = [extent for index, extent in ranges if not any(index in f.labels for f in factors)]
    factors += [scalar(number(Mul(*missing)))] if missing else []
    result = contract(factors, summed, inner.extents)
    return inner.joined([*outside, result], _guarded) if outside else result


def _risky(condition: Any, body: Expr, summed: frozenset[Index]) -> tuple[Any, Expr, Expr | None]:
    """What is left of a guard and its body, and the branch of those factors that may be infinite where the
    guard fails: 0 times such a factor is not 0.
    """
    parts = And.make_args(condition)
    inside = [part for part in parts if part.free_symbols & summed]
    risky = [factor for factor in Mul.make_args(body) if not always_finite(factor)]
    if not inside or not risky:
        return condition, body, None
    rest = Mul(*(factor for factor in Mul.make_args(body) if factor not in risky))
    branch = Where(And(*inside), Mul(*risky), 0)
    return And(*(part for part in parts if part not in inside)), rest, branch


def always_finite(value: Expr) -> bool:
    """Whether a value is finite wherever what it reads is; a branch is where it is taken."""
    if isinstance(value, Ref | Where | Condition) or not value.atoms(Ref, Index):
        return not value.is_infinite
    if isinstance(value, Pow):
        return bool(value.exp.is_Integer and value.exp > 0) and always_finite(value.base)
    if isinstance(value, Function) and type(value).__name__ not in BOUNDED:
        return False
    return all(always_finite(argument) for argument in value.args if isinstance(argument, Expr))


def _guarded(*forms: Form) -> Form:
    condition = forms[0] if len(forms) == 2 else Logic("and", forms[:-1])
    return select(condition, forms[-1])


def _is_guard(body: Expr) -> bool:
    return isinstance(body, Where) and body.other == 0 and body.chosen != 1


def _too_wide(inner: Cover, body: Add) -> bool:
    """Whether adding the terms before summing makes an array larger than each of them."""
    parts = [inner(term) for term in body.args]
    return len(united(parts)) > max(len(part.order) for part in parts)


def _flattened(body: Expr, ranges: tuple[Range, ...]) -> tuple[Expr, tuple[Range, ...]]:
    """Sums among the factors of a summed product, joined with it: the order of contraction is then free."""
    if _is_guard(body):
        return body, ranges
    used = {index.name for index, _ in ranges} | {s.name for s in body.free_symbols}
    factors = []
    for factor in Mul.make_args(body):
        renamed = freshened(factor, used) if isinstance(factor, Sum) else factor
        if isinstance(renamed, Sum) and not isinstance(renamed.body, Add | Where):
            used |= {index.name for index in renamed.bound}
            factors.append(renamed.body)
            ranges = (*ranges, *renamed.ranges)
        else:
            factors.append(factor)
    return Mul(*factors), ranges


def _guard(inner: Cover, condition: Any, factors: list[Part], summed: frozenset[Index]) -> list[Part]:
    """Each part of a guard goes to the first factor that has its indices; what is free of the summed
    indices is returned, to stay outside of the sum.
    """
    attached: dict[int, list[Any]] = {}
    outside = []
    for part in And.make_args(condition):
        labels = inner(part).labels if part != sympy.true else frozenset()
        places = [place for place, factor in enumerate(factors) if labels <= factor.labels]
        if not labels & summed:
            outside += [inner(part)] if part != sympy.true else []
        elif places:
            attached.setdefault(places[0], []).append(part)
        else:
            factors.append(_indicator(inner(part)))
    for place, parts in attached.items():
        pair = [factors[place], inner(And(*parts))]
        factors[place] = inner.joined(pair, lambda value, holds: select(holds, value))
    return outside


def _indicator(condition: Part) -> Part:
    return Part(condition.order, lambda order: Indicator(condition.form(order)))


def _largest(cover: Cover, node: Reduction) -> Part:
    inner = cover.within(node)
    body = inner(node.body)
    over = frozenset(node.bound) & body.labels
    return axis_reduced(node.operator, body, over) if over else body


def _where(cover: Cover, node: Where) -> Part:
    if node.other == 0 and node.chosen != 1 and cover(node.condition).order:
        outside, inside = _scalar_factor(cover, node.chosen)
        if outside != 1:
            return elementwise([cover(outside), cover(Where(node.condition, inside, 0))], cover.extents)
    labels = _one_hot(cover, node) if (node.chosen, node.other) == (1, 0) else None
    if labels is not None:
        return labels
    parts = [cover(node.chosen), cover(node.other), cover(node.condition)]
    return cover.joined(parts, lambda chosen, other, condition: select(condition, chosen, other))


def _scalar_factor(cover: Cover, value: Expr) -> tuple[Expr, Expr]:
    """The factors without an index, and the others: the former leave a branch against 0."""
    factors = Mul.make_args(value)
    outside = [factor for factor in factors if always_finite(factor) and not cover(factor).order]
    return Mul(*outside), Mul(*(factor for factor in factors if factor not in outside))


def _one_hot(cover: Cover, node: Where) -> Part | None:
    """[j = y_i] is the one-hot matrix I_y."""
    if not isinstance(node.condition, IsZero):
        return None
    difference = expand(node.condition.expression)
    for index in sorted(difference.free_symbols & set(cover.extents), key=str):
        slope = difference.coeff(index, 1)
        rest = expand(difference - slope * index)
        if slope in (1, -1) and rest.atoms(Ref) and not rest.has(index):
            labels = cover(expand(-slope * rest))
            return _one_hot_part(labels, index, cover.extents[index])
    return None


def _one_hot_part(labels: Part, index: Index, extent: Expr) -> Part:
    natural = (*labels.order, index)
    return fixed_order(OneHot(labels.form(labels.order), extent), natural)


def _condition(cover: Cover, node: Condition) -> Part:
    inner = cover(node.expression)
    relation = RELATIONS[type(node)]
    return Part(inner.order, lambda order: Compare(relation, inner.form(order)))


def _logic(cover: Cover, node: Any) -> Part:
    operator = {And: "and", Or: "or", Not: "not"}[node.func]
    parts = [cover(argument) for argument in sorted(node.args, key=str)]
    return cover.joined(parts, lambda *forms: Logic(operator, forms))


def _divided(cover: Cover, node: Expr) -> Part:
    remainder = isinstance(node, Remainder)
    parts = [cover(argument) for argument in node.args]
    return cover.joined(parts, lambda left, right: Divided(left, right, remainder))


def _opaque(cover: Cover, node: Opaque) -> Part:
    return _applied(cover, node.name, node.argument, selectors=node.selectors, order=node.order, known=False)


def _vector_map(cover: Cover, node: VectorMap) -> Part:
    """sigma(f)_j, and its Jacobian's entries where it is differentiated."""
    ((bound, _),) = node.ranges
    *selectors, component = node.outputs
    inner = cover.within(node)(node.body)
    rows = tuple(index for index in inner.order if index != bound)
    last = (component, *node.by)
    if not all(isinstance(index, Index) and index in cover.extents for index in last) or len({*last}) < len(
        last
    ):
        raise MatrixFormError(f"the component of {node} is not an index of its own")
    operand = inner.form((*rows, bound))
    form = VectorApply(node.name, operand, tuple(selectors), len(node.by), cover.extents[last[0]])
    return fixed_order(form, (*rows, *last))


READERS: tuple[tuple[type[Any], Callable[[Cover, Any], Part]], ...] = (
    (Index, _index),
    (Ref, _ref),
    (Add, _sum_of_terms),
    (Mul, _product),
    (Pow, _power),
    (sympy.exp, lambda cover, node: _applied(cover, "exp", node.args[0])),
    (Sum, _contraction),
    (VectorMap, _vector_map),
    (Largest, _largest),
    (ArgLargest, _largest),
    (Where, _where),
    (Condition, _condition),
    (And, _logic),
    (Or, _logic),
    (Not, _logic),
    (FloorDiv, _divided),
    (Remainder, _divided),
    (Opaque, _opaque),
)

"""Folding: an expression modulo definitions, by the rules that the definitions give.

    E*G/T - E*(sum_q E*G)/T^2   ->   S*G - S*sum_q S*G        with S = E/T

A product is matched as a set of factors; what stands before a sum may be drawn into it when that
completes a name. A sum of a name is a fact where its definition, summed, comes out constant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sympy import Add, And, Expr, Mul, Pow, S
from sympy.core.basic import Basic
from sympy.core.function import Function
from sympy.logic.boolalg import Boolean

from derive.calculus.expressions.canonical import unified
from derive.calculus.expressions.nodes import (
    Condition,
    Opaque,
    Reduction,
    Sum,
    Where,
    free_indices,
    rebuilt,
    reduces,
)
from derive.calculus.expressions.normal import normal
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.substitution import freshened, substitute
from derive.calculus.expressions.tensor import Ref, refs
from derive.calculus.expressions.terms import Product, distributed, product
from derive.calculus.program.program import Equation
from derive.calculus.simplification.binding import matches
from derive.calculus.simplification.budget import Budget, multiplies_out
from derive.calculus.simplification.definitions import ConditionRule, Rule, condition_rules_of, rules_of

ROUNDS = 12


@dataclass
class Folder:
    """The rules of a program's definitions, and the facts found so far."""

    rules: dict[str, list[Rule]] = field(default_factory=dict)
    conditions: dict[str, list[ConditionRule]] = field(default_factory=dict)
    solved: set[str] = field(default_factory=set)
    values: dict[str, Equation] = field(default_factory=dict)
    symmetric: dict[str, tuple[int, ...]] = field(default_factory=dict)
    facts: dict[tuple[str, tuple[int, ...]], Any] = field(default_factory=dict)
    budget: Budget | None = None
    seen: dict[tuple[Expr, tuple[int, ...]], Expr] = field(default_factory=dict)

    def learn(self, equation: Equation) -> None:
        """Take an equation as a definition; its right side is folded by those before it."""
        value = self.fold(normal(equation.value, dict(equation.ranges)), solving=False)
        named = replace(equation, value=value)
        for rule in rules_of(named):
            self.add(rule)
        if holds(named.value, Sum) and not isinstance(named.value, Where):
            self._learn_sum(named)
        for condition in condition_rules_of(named):
            self.conditions.setdefault(min(condition.heads), []).append(condition)
        if named.target.indices == named.loops:
            self.values[named.name] = named

    def _learn_sum(self, equation: Equation) -> None:
        """A sum of terms is a sum of sums, all but one of them known perhaps: y = sum_q S (a - Z) is
        a - sum_q S Z where S sums to 1.
        """
        if not any(holds(node.body, Add) for node in nodes_of(equation.value, Sum)):
            return
        loops = dict(equation.ranges)
        spread = self.fold(normal(distributed(equation.value), loops), solving=False)
        if isinstance(spread, Add) and sum(holds(term, Sum) for term in spread.args) == 1:
            for rule in rules_of(replace(equation, value=spread)):
                if rule.solved:
                    self.add(rule)

    def add(self, rule: Rule) -> None:
        """Take a rule, filed under one of the names that it needs."""
        self.rules.setdefault(min(rule.heads), []).append(rule)
        self.solved |= {rule.source} if rule.solved else set()

    def solves(self, value: Expr) -> bool:
        """Whether a definition could be solved for something in a value."""
        return any(rule.solved for rule in self._applicable(value, solving=True))

    def spans(self, inner: frozenset[str], outer: frozenset[str]) -> bool:
        """Whether a rule needs names of both sets, and either alone is not enough."""
        both = inner | outer
        filed = (rule.heads for name in both for rule in self.rules.get(name, ()))
        return any(heads <= both and not heads <= inner and not heads <= outer for heads in filed)

    def divides(self, value: Expr) -> bool:
        """Whether a name that was solved for stands below a fraction bar, where 1/s - 1 would cancel."""
        return any(
            isinstance(node.base, Ref) and node.base.name in self.solved and node.exp.is_negative
            for node in nodes_of(value, Pow)
        )

    def fold(self, value: Expr, solving: bool = True) -> Expr:
        """The value with every right side of a definition replaced by its name, to a fixed point;
        `solving` allows rules that solve a definition for what stands inside it.
        """
        if self.symmetric:
            value = self._ordered(value, frozenset())
        rules = self._applicable(value, solving)
        if not rules and not holds(value, Sum, Condition):
            return value
        identity = (value, tuple(map(id, rules)))
        if identity not in self.seen:
            self.seen[identity] = self._fixed_point(value, solving)
        return self.seen[identity]

    def _ordered(self, node: Any, bound: frozenset[Basic]) -> Any:
        """The value with the indices of symmetric tensors in one order, those that are summed last."""
        if isinstance(node, Ref) and node.name in self.symmetric:
            order = self.symmetric[node.name]
            other = Ref(node.name, *(node.indices[place] for place in order))
            return min((node, other), key=lambda ref: [(i in bound, str(i)) for i in ref.indices])
        if not isinstance(node, Basic) or not holds(node, Ref):
            return node
        inner = bound | frozenset(node.bound) if isinstance(node, Reduction) else bound
        return rebuilt(node, (self._ordered(argument, inner) for argument in node.args))

    def _fixed_point(self, value: Expr, solving: bool) -> Expr:
        """The value when nothing changes any more; what stands in several places is visited once."""
        known: dict[tuple[int, ...], dict[Any, Any]] = {}
        for _ in range(ROUNDS):
            rules = self._applicable(value, solving)
            step = self._visit(value, rules, known.setdefault(tuple(map(id, rules)), {}))
            if step == value:
                break
            value = step
        return value

    def _applicable(self, value: Expr, solving: bool) -> list[Rule]:
        present = {ref.name for ref in refs(value)}
        filed = (rule for name in sorted(present) for rule in self.rules.get(name, ()))
        return [rule for rule in filed if rule.heads <= present and (solving or not rule.solved)]

    def _visit(self, node: Any, rules: list[Rule], known: dict[Any, Any]) -> Any:
        if isinstance(node, Ref) or not isinstance(node, Basic) or not refs(node):
            return node
        if node not in known:
            known[node] = self._visited(node, rules, known)
        return known[node]

    def _visited(self, node: Any, rules: list[Rule], known: dict[Any, Any]) -> Any:
        if self.budget is not None:
            self.budget.visit()
        if isinstance(node, (Condition, Boolean)):
            return self._condition(node)
        if isinstance(node, Pow):
            whole = self._product(node, rules)
            if whole != node:
                return whole
        visited = rebuilt(node, (self._visit(argument, rules, known) for argument in node.args))
        if isinstance(visited, Sum):
            visited = self._constant_sum(visited)
        if isinstance(visited, (Mul, Pow, Sum, Add, Function, Opaque, Where)):
            return self._product(visited, rules)
        return visited

    def _condition(self, node: Any) -> Any:
        present = sorted({ref.name for ref in refs(node)})
        for rule in (rule for name in present for rule in self.conditions.get(name, ())):
            for comparison in sorted(node.atoms(type(rule.pattern)), key=str):
                for binding in matches(rule.pattern, comparison, rule.loops):
                    replacement = substitute(rule.replacement, binding)
                    if comparison != replacement:
                        node = node.xreplace({comparison: replacement})
                        break
        return node

    def _product(self, node: Expr, rules: list[Rule]) -> Expr:
        whole = product(node)
        for rule in rules:
            found = _apply(rule, whole)
            if found is None:
                found = _apply_through_sum(rule, whole)
            if found is not None:
                return found
        return node

    def _constant_sum(self, node: Sum) -> Expr:
        """sum_q N[i,q] where the definition of N, summed over those axes, is constant."""
        if not isinstance(node.body, Ref):
            return node
        indices = node.body.indices
        places = tuple(place for place, index in enumerate(indices) if index in node.bound)
        whole = {indices[place] for place in places}
        if len(places) != len(whole) or whole != set(node.bound):
            return node
        if any(index.has(*whole) for place, index in enumerate(indices) if place not in places):
            return node
        fact = self._fact(node.body.name, places)
        if fact is None or fact[1] != tuple(dict(node.ranges)[indices[place]] for place in places):
            return node
        return fact[0]

    def _fact(self, name: str, axes: tuple[int, ...]) -> Any:
        if (name, axes) not in self.facts:
            self.facts[name, axes] = None
            self.facts[name, axes] = self._derived_fact(name, axes)
        return self.facts[name, axes]

    def _derived_fact(self, name: str, axes: tuple[int, ...]) -> Any:
        equation = self.values.get(name)
        if equation is None or axes[-1] >= len(equation.ranges) or isinstance(equation.value, Where):
            return None
        summed = [equation.ranges[axis] for axis in axes]
        value = freshened(equation.value, {i.name for i in equation.loops})
        if not multiplies_out(value):
            return None
        total = distributed(Sum(value, *summed))
        loops = {i: n for i, n in equation.ranges if (i, n) not in summed}
        for _ in range(3):
            total = unified(self.fold(distributed(normal(total, loops))))
        return (total, tuple(extent for _, extent in summed)) if not refs(total) else None


def _apply(rule: Rule, whole: Product) -> Expr | None:
    for base, power in whole.factors.items():
        for binding in matches(rule.lead, base, rule.loops):
            if not _holds(rule, binding, whole.condition):
                continue
            if len(rule.pattern.factors) == 1:
                if not rule.reaches(power):
                    continue
                rest = {b: e for b, e in whole.factors.items() if b != base}
                return _rebuilt(whole, rest, rule.raised_to(power, binding))
            left = _without(whole.factors, rule, binding)
            if left is not None:
                return _rebuilt(whole, left, substitute(rule.replacement, binding))
    return None


def _holds(rule: Rule, binding: Mapping[Any, Any], given: Boolean) -> bool:
    needed = substitute(rule.pattern.condition, binding)
    have = set(And.make_args(given))
    return needed == S.true or all(part in have for part in And.make_args(needed))


def _without(factors: Mapping[Expr, Expr], rule: Rule, binding: Mapping[Any, Any]) -> dict[Expr, Expr] | None:
    """The factors less the pattern's, None where one is missing."""
    rest = dict(factors)
    for base, power in rule.pattern.factors.items():
        at = substitute(base, binding)
        left = rest.get(at, S.Zero)
        if left == 0 or left.is_positive != power.is_positive or abs(left) < abs(power):
            return None
        rest[at] = left - power
        if rest[at] == 0:
            del rest[at]
    return rest


def _rebuilt(whole: Product, rest: Mapping[Expr, Expr], replacement: Expr) -> Expr:
    value = whole.coefficient * Mul(*(Pow(b, e) for b, e in rest.items())) * replacement
    return Where(whole.condition, value, 0)


def _apply_through_sum(rule: Rule, whole: Product) -> Expr | None:
    """A rule whose factors stand partly inside a sum and partly before it."""
    if len(rule.pattern.factors) < 2:
        return None
    for base, power in whole.factors.items():
        if not isinstance(base, Sum) or power != 1:
            continue
        inner = product(base.body)
        outer = {b: e for b, e in whole.factors.items() if b != base}
        for candidate in inner.factors:
            for binding in matches(rule.lead, candidate, rule.loops):
                if not _holds(rule, binding, inner.condition):
                    continue
                joined = _merged(inner.factors, outer)
                rest = _without(joined, rule, binding)
                if rest is not None:
                    return _drawn_in(rule, binding, base, whole, inner, rest)
    return None


def _merged(inner: Mapping[Expr, Expr], outer: Mapping[Expr, Expr]) -> dict[Expr, Expr]:
    joined = dict(inner)
    for base, power in outer.items():
        joined[base] = joined.get(base, S.Zero) + power
    return {base: power for base, power in joined.items() if power != 0}


def _drawn_in(
    rule: Rule,
    binding: Mapping[Any, Any],
    total: Sum,
    whole: Product,
    inner: Product,
    rest: Mapping[Expr, Expr],
) -> Expr:
    bound = set(total.bound)
    inside = {b: e for b, e in rest.items() if free_indices(b) & bound}
    outside = {b: e for b, e in rest.items() if b not in inside}
    name = substitute(rule.replacement, binding)
    body = Where(inner.condition, inner.coefficient * name * Mul(*(Pow(b, e) for b, e in inside.items())), 0)
    before = whole.coefficient * Mul(*(Pow(b, e) for b, e in outside.items()))
    return Where(whole.condition, before * Sum(body, *total.ranges), 0)


def bound_apart(value: Expr, taken: Iterable[str]) -> Expr:
    """The value with bound indices apart from names, when it is put into another expression."""
    return freshened(value, taken) if reduces(value) else value

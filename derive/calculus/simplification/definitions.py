"""Rewrites that follow from definitions: each forward equation turns its right side into its name.

    S[i,j] = E[i,j]/T[i]          E[i,j] * T[i]^-1        ->  S[i,j]
    T[i] = sum_q E[i,q]           sum_q E[i,q]            ->  T[i]
    mu[i] = sum_q X[i,q] / n      sum_q X[i,q]            ->  n * mu[i]
    C[i,j] = X[i,j] - mu[i]       X[i,j] - mu[i]          ->  C[i,j]
    r[i] = (v[i] + eps)^(-1/2)    v[i] + eps              ->  r[i]^-2
    Y = f^2                       f^2                     ->  Y, and f^4 -> Y^2, but never f, which may be < 0
    s = 1/(1 + exp(-a))           exp(-a)                 ->  1/s - 1        solved for its kernel
    y = log(T) - sum_q S Z        sum_q S Z               ->  log(T) - y     solved for its only sum
    Z = where(a > 0, a, 0)        a > 0                   ->  Z > 0
    Y = where(c, a, exp(x) - 1)   exp(x) where not c      ->  Y + 1

Nothing here knows a layer: a rule is read off an equation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sympy import Add, Expr, Function, Mul, Pow, S
from sympy.logic.boolalg import Boolean

from derive.calculus.expressions.bounds import negated
from derive.calculus.expressions.nodes import Largest, Positive, Sum, Where, free_indices
from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.substitution import substitute
from derive.calculus.expressions.tensor import Index, Ref, refs
from derive.calculus.expressions.terms import Product, product, raised
from derive.calculus.program.program import Equation


@dataclass(frozen=True)
class Rule:
    """product of pattern^exponent -> replacement, for every value of the loops, under a condition; of one
    factor: base^root -> replacement, which keeps the sign that base = replacement^(1/root) does not tell.
    """

    pattern: Product
    replacement: Expr
    loops: frozenset[Index]
    source: str
    solved: bool = False
    root: Expr = S.One

    def raised_to(self, power: Expr, binding: Mapping[Any, Any]) -> Expr:
        """base^power by the name: (-N)^-1 of N = -sqrt(base) for base^(-1/2)."""
        return raised(substitute(self.replacement, binding), power / self.root)

    def reaches(self, power: Expr) -> bool:
        """Whether base^power follows from base^root = name: always for whole power/root; -N has no roots."""
        (base,) = self.pattern.factors
        if (power / self.root).is_integer:
            return True
        return _has_roots(base, self.root) and not self.replacement.could_extract_minus_sign()

    @cached_property
    def lead(self) -> Expr:
        """The factor that binds all loops."""
        bound = {base: len(free_indices(base) & self.loops) for base in self.pattern.factors}
        most = [base for base in bound if bound[base] == max(bound.values())]
        return max(most, key=str) if len(most) > 1 else most[0]

    @cached_property
    def heads(self) -> frozenset[str]:
        """The tensors that must occur for the rule to match."""
        return frozenset(ref.name for base in self.pattern.factors for ref in refs(base))


@dataclass(frozen=True)
class ConditionRule:
    """condition -> replacement."""

    pattern: Boolean
    replacement: Boolean
    loops: frozenset[Index]

    @property
    def heads(self) -> frozenset[str]:
        return frozenset(ref.name for ref in refs(self.pattern))


def rules_of(equation: Equation) -> list[Rule]:
    """Every rewrite that an equation gives; of a branch, under the condition of each side."""
    value = equation.value
    if isinstance(value, Where) and value.other != 0:
        sides = ((value.condition, value.chosen), (negated(value.condition), value.other))
        parts = [replace(equation, value=Where(condition, side, 0)) for condition, side in sides]
        return [rule for part in parts for rule in rules_of(part)]
    if not _plain(equation) or isinstance(equation.value, (Ref, Largest)):
        return []
    value = product(equation.value)
    if not value.factors or any(
        refs(part) == set() and not free_indices(part).isdisjoint(equation.loops) for part in value.factors
    ):
        return []
    loops = frozenset(equation.loops)
    data, sizes = _split(value.factors)
    if not data:
        return []
    scale = value.coefficient * Mul(*(Pow(b, e) for b, e in sizes.items()))
    name = equation.target / scale
    rules = _lead_rules(data, value, name, loops, equation.name)
    return [rule for rule in rules if free_indices(rule.lead) >= loops]


def _plain(equation: Equation) -> bool:
    """Whether the target's indices are the loops, shifted at most: H[t+1,j] of the loops t, j."""
    places = equation.target.indices
    return len(places) == len(equation.loops) and all(
        (place - loop).is_Integer for place, loop in zip(places, equation.loops, strict=True)
    )


def _split(factors: Mapping[Expr, Expr]) -> tuple[dict[Expr, Expr], dict[Expr, Expr]]:
    data = {base: power for base, power in factors.items() if refs(base)}
    return data, {base: power for base, power in factors.items() if base not in data}


def _lead_rules(
    data: dict[Expr, Expr], value: Product, name: Expr, loops: frozenset[Index], source: str
) -> list[Rule]:
    if len(data) > 1:
        return [Rule(Product(S.One, data, value.condition), name, loops, source)]
    ((base, power),) = data.items()
    if isinstance(base, Ref) and power == 1:
        return []
    solved = name ** (1 / power)
    rules = [Rule(Product(S.One, {base: S.One}, value.condition), name, loops, source, root=power)]
    kernel = _kernel(base, solved) if (1 / power).is_integer or _has_roots(base, power) else None
    if kernel is not None:
        alone = Product(S.One, {kernel[0]: S.One}, value.condition)
        rules.append(Rule(alone, kernel[1], loops, source, solved=True))
    return rules


def _has_roots(base: Expr, power: Expr) -> bool:
    """Whether base is (base^power)^(1/power): base >= 0, as it must be where the power is not whole."""
    return bool(base.is_nonnegative) or power.is_integer is False


def _kernel(base: Expr, solved: Expr) -> tuple[Expr, Expr] | None:
    """base = a + b*f(...) solved for the function f, or for the only sum."""
    if not isinstance(base, Add):
        return None
    summed = [term for term in base.args if holds(term, Sum)]
    if len(summed) == 1:
        scale, total = summed[0].as_independent(Sum, as_Add=False)
        return (total, (solved - (base - summed[0])) / scale) if isinstance(total, Sum) else None
    constant, varying = base.as_independent(Ref, as_Add=True)
    scale, function = varying.as_independent(Ref, as_Add=False)
    if not isinstance(function, Function) or constant == 0:
        return None
    return function, (solved - constant) / scale


def condition_rules_of(equation: Equation) -> list[ConditionRule]:
    """Z = where(a > 0, a, 0): a > 0 exactly where Z > 0."""
    value = equation.value
    if not isinstance(value, Where) or not _plain(equation) or value.other != 0:
        return []
    if isinstance(value.condition, Positive) and value.condition.expression == value.chosen:
        rule = ConditionRule(value.condition, Positive(equation.target), frozenset(equation.loops))
        return [rule]
    return []

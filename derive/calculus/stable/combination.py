"""A value as sum c R_c(t): what is no exponential, times ratios of one exponential t = exp(a).

    Y_bar R - Y_bar R^2, R = t/(1 + t)      ->   Y_bar (t/(1 + t)^2)
    x exp(x) (1 + Y), Y = x/(1 + exp(-x))   ->   x t + x^2 t^2/(1 + t)

Names are seen through and brackets multiplied out, so that whatever grows in one part and cancels in the
whole is gone.
"""

from __future__ import annotations

from sympy import Add, Expr, Integer, Mul, Pow, S

from derive.calculus.stable.exponential import core
from derive.calculus.stable.meaning import Meaning
from derive.calculus.tensor import Ref

MOST = 12
HIGHEST = 4
Combination = dict[Expr, Expr]


def combination(value: Expr, meaning: Meaning) -> Combination | None:
    """cofactor -> ratio, None where there are several exponentials or too many terms."""
    found = _linear(value, meaning)
    if found is None:
        return None
    cores = {core(ratio, meaning) for ratio in found.values() if not ratio.is_Rational}
    return found if len(cores) == 1 and None not in cores else None


def _linear(value: Expr, meaning: Meaning) -> Combination | None:
    if value.is_Rational or core(value, meaning) is not None:
        return {S.One: value}
    if isinstance(value, Ref):
        opened = meaning.product(value)
        return {value: S.One} if opened is None else _linear(opened, meaning)
    if isinstance(value, Add):
        return _added([_linear(term, meaning) for term in value.args])
    if isinstance(value, Mul):
        return _multiplied([_linear(factor, meaning) for factor in value.args])
    if isinstance(value, Pow) and isinstance(value.exp, Integer) and 0 < value.exp <= HIGHEST:
        return _multiplied([_linear(value.base, meaning)] * int(value.exp))
    return {value: S.One}


def _added(parts: list[Combination | None]) -> Combination | None:
    total: Combination = {}
    for part in parts:
        if part is None:
            return None
        for cofactor, ratio in part.items():
            total[cofactor] = total.get(cofactor, S.Zero) + ratio
    return total if len(total) <= MOST else None


def _multiplied(parts: list[Combination | None]) -> Combination | None:
    total: Combination = {S.One: S.One}
    for part in parts:
        if part is None or len(part) * len(total) > MOST:
            return None
        pairs = [(a * b, r * s) for a, r in total.items() for b, s in part.items()]
        total = {}
        for cofactor, ratio in pairs:
            total[cofactor] = total.get(cofactor, S.Zero) + ratio
    return total

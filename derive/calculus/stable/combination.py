"""A value as sum c R_c(t): what is no exponential of t = exp(a), times ratios in t.

    Y_bar R - Y_bar R^2, R = t/(1 + t)      ->   Y_bar (t/(1 + t)^2)
    x exp(x) (1 + Y), Y = x/(1 + exp(-x))   ->   x t + x^2 t^2/(1 + t)

Names are seen through and brackets multiplied out, so that whatever grows in one part and cancels in the
whole is gone.
"""

from __future__ import annotations

from sympy import Add, Expr, Integer, Mul, Pow, S

from derive.calculus.expressions.tensor import Ref
from derive.calculus.stable.exponential import core, sign
from derive.calculus.stable.meaning import Meaning

MOST = 24
HIGHEST = 4
Combination = dict[Expr, Expr]


def combination(value: Expr, meaning: Meaning, primary: Expr) -> Combination | None:
    """cofactor -> ratio in t = exp(primary), None where there are too many terms."""
    if primary not in meaning.cores(value):
        number, cofactor = value.as_coeff_Mul()
        return {cofactor: number}
    if core(value, meaning) == primary:
        return {S.One: value}
    if isinstance(value, Ref):
        opened = meaning.product(value)
        return {value: S.One} if opened is None else combination(opened, meaning, primary)
    if isinstance(value, Add):
        return _added([combination(term, meaning, primary) for term in value.args])
    if isinstance(value, Mul):
        return _multiplied([combination(factor, meaning, primary) for factor in value.args])
    if isinstance(value, Pow) and isinstance(value.exp, Integer) and 0 < value.exp <= HIGHEST:
        return _multiplied([combination(value.base, meaning, primary)] * int(value.exp))
    return {value: S.One}


def cancels(parts: Combination, meaning: Meaning) -> bool:
    """Whether the ratios of one cofactor differ in sign, so that digits are lost."""
    totals = (total for ratio in parts.values() for total in ratio.atoms(Add))
    return any(
        {sign(term, meaning) for term in total.args} not in ({1}, {-1})
        for total in totals
        if any(core(term, meaning) is not None for term in total.args)
    )


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

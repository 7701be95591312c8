"""log R(exp(a)) by E = exp(-|a|): what grows is taken out, what is left is near log 1 or far from it.

    log(1 + exp(a))     =  max(a, 0) + log1p(E)
    log(1 - exp(-a))    =  log(-expm1(-a)) for small a, log1p(-exp(-a)) for large
    log((exp(a) + exp(-a))/2)
                        =  log1p(expm1(a)^2/(2 exp(a))) for small a, |a| + log1p(E^2) - log 2 for large

Maechler, Accurately computing log(1 - exp(-|a|)), 2012.
"""

from __future__ import annotations

from sympy import Abs, Add, Expr, Integer, Mul, Pow, S, exp, log
from sympy.codegen.cfunctions import expm1, log1p

from derive.calculus.expressions.nodes import Nonnegative, Positive, Where
from derive.calculus.stable.bounded import MINUS_ONE_PLUS, Decay, bounded, polynomial
from derive.calculus.stable.exponential import Exponential, Factor, T, factored

NEAR = Integer(1)


def logarithm(ratio: Exponential, decay: Decay) -> Expr | None:
    """The logarithm of a ratio, None where its sign is not plain."""
    differences = [f for f in ratio.factors if not f.positive]
    if differences:
        return _of_difference(ratio, differences, decay)
    if not ratio.coefficient.is_positive:
        return None
    far = _far(ratio, decay)
    if ratio.at_one() != 1:
        return far
    near = bounded(_less_one(ratio), decay)
    return far if near is None else Where(Positive(NEAR - Abs(ratio.exponent)), log1p(near), far)


def _far(ratio: Exponential, decay: Decay) -> Expr:
    """The power of t outside; each factor by its constant and log1p of the rest."""
    a = ratio.exponent
    small = decay(ratio)
    numbers = log(ratio.coefficient)
    rest = [_linear(ratio.above, ratio.power, a)]
    for f in ratio.factors:
        upper, lower = (_log_factor(side, small) for side in (f.reversed(), f))
        if upper == lower:
            rest.append(f.exponent * lower)
        else:
            rest.append(f.exponent * Where(Nonnegative(ratio.core), upper, lower))
    return Add(numbers, *rest)


def _log_factor(factor: Factor, small: Expr) -> Expr:
    constant, *others = factor.coefficients
    tail = polynomial((S.Zero, *(c / constant for c in others)), small)
    return log(constant) + log1p(tail)


def _linear(above: int, below: int, a: Expr) -> Expr:
    """above * a where a > 0, below * a else."""
    if above == -below:
        return above * Abs(a)
    if above == 0:
        return -below * Where(Positive(-a), -a, 0)
    return below * a + (above - below) * Where(Positive(a), a, 0)


def _less_one(ratio: Exponential) -> Exponential:
    """R - 1."""
    value = ratio.coefficient * T**ratio.power
    value *= Mul(*(Pow(polynomial(f.coefficients, T), f.exponent) for f in ratio.factors))
    parts = factored(value - 1)
    assert parts is not None
    return Exponential(ratio.step, ratio.core, *parts)


def _of_difference(ratio: Exponential, differences: list[Factor], decay: Decay) -> Expr | None:
    """log(±(t - 1) * the rest), the sign such that it is defined on one side of a = 0."""
    (difference, *more) = differences
    if more or difference != Factor(MINUS_ONE_PLUS, 1) or ratio.coefficient not in (1, -1):
        return None
    rising = ratio.coefficient == 1
    others = tuple(f for f in ratio.factors if f != difference)
    rest = Exponential(ratio.step, ratio.core, S.One, ratio.power + (1 if rising else 0), others)
    toward = -ratio.exponent if rising else ratio.exponent
    gap = Where(Positive(-toward - log(2)), log1p(-exp(toward)), log(-expm1(toward)))
    return gap + (_far(rest, decay) if others else rest.power * ratio.exponent)

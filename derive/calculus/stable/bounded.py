"""R(exp(a)) by E = exp(-|a|) <= 1, so that nothing overflows and nothing cancels.

    t^k f(t), t = exp(a), is    E^k f(E)                              where a < 0
                                E^-(k + deg f) (t^deg f(1/t))(E)      where a >= 0: coefficients reversed
    t - 1                is     expm1(a)
    c/(1 + E)            is     c - c E/(1 + E), c = 1 or E, where c can have a name: 1 + E rounds away
                                half a unit of the last place, which then is one of E and not of the whole
    c/(1 + E)^2          is     c/(1 + E (2 + E)): the half unit of 1 + E would count twice in its square,
                                and the square adds its own

Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 1.12.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sympy import Abs, Add, Expr, Mul, Pow, Rational, S, exp, sign, tanh
from sympy.codegen.cfunctions import expm1

from derive.calculus.expressions.nodes import Nonnegative, Where
from derive.calculus.expressions.tensor import Ref
from derive.calculus.stable.exponential import Exponential, Factor

Decay = Callable[[Exponential], Expr]
Named = Callable[[Expr], Expr]
MINUS_ONE_PLUS = (S.NegativeOne, S.One)
SQUARE_BELOW = -2
LOGISTIC = (Factor((S.One, S.One), -1),)
HALF_TANGENT = (Factor(MINUS_ONE_PLUS, 1), Factor((S.One, S.One), -1))


def bounded(ratio: Exponential, decay: Decay, named: Named | None = None) -> Expr | None:
    """The ratio by E = decay(ratio); None for a polynomial of exponentials, which overflows where it must."""
    if not ratio.factors:
        return ratio.coefficient * exp(ratio.power * ratio.exponent)
    if all(f.exponent > 0 for f in ratio.factors) and (ratio.above > 0 or ratio.power < 0):
        return _differences(ratio)
    if ratio.factors == HALF_TANGENT and ratio.power == 0:
        return ratio.coefficient * tanh(ratio.exponent / 2)
    small = decay(ratio)
    alike = [f for f in ratio.factors if _mirrored(f)]
    apart = [f for f in ratio.factors if not _mirrored(f)]
    turned = sum(f.exponent for f in alike if _mirrored(f) == -1) % 2
    common = max(min(-ratio.above, ratio.power), 0)
    upper = Mul(
        S.NegativeOne if turned else S.One,
        _monomial(small, -ratio.above - common, ratio.exponent),
        *(factor_at(f.reversed(), small, ratio) for f in apart),
    )
    lower = Mul(
        _monomial(small, ratio.power - common, -ratio.exponent),
        *(factor_at(f, small, ratio) for f in apart),
    )
    shared = Mul(small**common, *(factor_at(f, small, ratio) for f in alike))
    if (
        upper == -lower and not ratio.core.is_positive
    ):  # odd: the factors that turn are 0 where the exponent is
        return -ratio.coefficient * sign(ratio.core) * lower * shared
    chosen = upper if ratio.core.is_positive else Where(Nonnegative(ratio.core), upper, lower)
    if ratio.factors == LOGISTIC and {upper, lower} == {S.One, small} and named is not None:
        chosen = named(chosen)
        if isinstance(chosen, Ref):
            return ratio.coefficient * (chosen - chosen * small / (1 + small))
    return ratio.coefficient * chosen * shared


def _monomial(small: Expr, power: int, growth: Expr) -> Expr:
    """E^power; one that grows is an exponential again."""
    return small**power if power >= 0 else exp(-power * growth)


def _mirrored(factor: Factor) -> int:
    """1 where the coefficients read the same from both ends, -1 where the signs turn, else 0."""
    back = factor.coefficients[::-1]
    if back == factor.coefficients:
        return 1
    return -1 if tuple(-c for c in back) == factor.coefficients else 0


def factor_at(factor: Factor, small: Expr, ratio: Exponential) -> Expr:
    """f(E)^e; E - 1 keeps its digits as expm1(-|a|), a square below the bar those of 1 + E."""
    if factor.coefficients == MINUS_ONE_PLUS:
        return Pow(expm1(-ratio.step * Abs(ratio.core)), factor.exponent)
    if factor.exponent == SQUARE_BELOW and factor.degree == 1 and factor.positive:
        constant, slope = factor.coefficients
        return Pow(constant**2 + slope * small * (2 * constant + slope * small), -1)
    return Pow(polynomial(factor.coefficients, small), factor.exponent)


def polynomial(coefficients: Sequence[Rational], variable: Expr) -> Expr:
    """c_0 + c_1 x + c_2 x^2 + ..."""
    return Add(*(c * variable**k for k, c in enumerate(coefficients)))


def _differences(ratio: Exponential) -> Expr | None:
    """t^k (t - 1)^n f(t), the differences as expm1(a), or as -t expm1(-a) where t^-1 takes up the t."""
    found = [f for f in ratio.factors if f.coefficients == MINUS_ONE_PLUS]
    if not found:
        return None
    if ratio.above <= 0:
        return _differences(ratio.mirrored())
    a, count = ratio.exponent, found[0].exponent
    falling = min(max(-ratio.power, 0), count)
    others = (Pow(polynomial(f.coefficients, exp(a)), f.exponent) for f in ratio.factors if f not in found)
    return Mul(
        ratio.coefficient,
        exp((ratio.power + falling) * a),
        Pow(-expm1(-a), falling),
        Pow(expm1(a), count - falling),
        *others,
    )

"""R(t), t = exp(a): what is built from exponentials of multiples of one exponent by + - * / and whole powers.

    1/(1 + exp(-a))            =  t/(1 + t)
    1 - tanh(a)^2              =  4 t^2/(1 + t^2)^2
    1 - Y, Y = 1/(1 + exp(-a)) =  1/(1 + t)                       names are seen through

Factored over the rationals, so that what cancels on paper is gone before it is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import gcd, lcm

from sympy import (
    Add,
    Expr,
    Integer,
    Mul,
    Poly,
    PolynomialError,
    Pow,
    Rational,
    S,
    Symbol,
    cancel,
    cosh,
    exp,
    factor_list,
    fraction,
    sinh,
    tanh,
    together,
)
from sympy.core.basic import Basic

from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.tensor import Ref

T = Symbol("t", positive=True)
Definition = Callable[[Ref], Expr | None]
HYPERBOLIC = {
    tanh: lambda a: (exp(2 * a) - 1) / (exp(2 * a) + 1),
    sinh: lambda a: (exp(a) - exp(-a)) / 2,
    cosh: lambda a: (exp(a) + exp(-a)) / 2,
}


@dataclass(frozen=True)
class Factor:
    """f(t)^exponent, f by its coefficients c_0 + c_1 t + ..., irreducible, not t itself."""

    coefficients: tuple[Rational, ...]
    exponent: int

    @property
    def degree(self) -> int:
        return len(self.coefficients) - 1

    @property
    def positive(self) -> bool:
        """Whether f is plainly positive for every t > 0."""
        return all(c >= 0 for c in self.coefficients)

    def reversed(self) -> Factor:
        """t^degree f(1/t)."""
        return Factor(self.coefficients[::-1], self.exponent)


@dataclass(frozen=True)
class Exponential:
    """coefficient * t^power * prod f(t)^e, t = exp(step * core)."""

    step: Rational
    core: Expr
    coefficient: Expr
    power: int
    factors: tuple[Factor, ...]

    @property
    def exponent(self) -> Expr:
        """a of t = exp(a)."""
        return self.step * self.core

    @property
    def above(self) -> int:
        """The power of t to which it tends for large t."""
        return self.power + sum(f.degree * f.exponent for f in self.factors)

    def mirrored(self) -> Exponential:
        """The same by 1/t = exp(-a)."""
        factors = []
        sign = S.One
        for f in self.factors:
            back = f.reversed()
            turned = back.coefficients[-1] < 0
            sign = -sign if turned and f.exponent % 2 else sign
            factors.append(Factor(tuple(-c for c in back.coefficients), f.exponent) if turned else back)
        return Exponential(self.step, -self.core, sign * self.coefficient, -self.above, tuple(factors))

    def at_one(self) -> Expr:
        """Its value at t = 1, where the exponent is 0."""
        return self.coefficient * Mul(*(Pow(Add(*f.coefficients), f.exponent) for f in self.factors))


def exponential(value: Expr, definition: Definition) -> Exponential | None:
    """The value as such a ratio, None where it is something else."""
    plain = spelled(value, definition)
    if plain is None or not holds(plain, exp):
        return None
    found = _one_exponent(plain)
    if found is None:
        return None
    step, inner, ratio = found
    whole = _lowest(ratio)
    parts = None if whole is None else factored(whole[0])
    return None if parts is None or whole is None else Exponential(step * whole[1], inner, *parts)


def core(value: Expr, definition: Definition) -> Expr | None:
    """The exponent, up to a number, of all exponentials in a value that is such a ratio."""
    plain = spelled(value, definition)
    if plain is None:
        return None
    cores = {_multiple(node.args[0])[1] for node in outermost(plain)}
    return cores.pop() if len(cores) == 1 else None


def sign(value: Expr, definition: Definition) -> int:
    """1 or -1 where a ratio, or a number, plainly has that sign for every exponent, else 0."""
    if value.is_Rational:
        return 1 if value > 0 else -1
    ratio = exponential(value, definition)
    if ratio is None or not all(f.positive or f.exponent % 2 == 0 for f in ratio.factors):
        return 0
    return 1 if ratio.coefficient > 0 else -1


def spelled(value: Expr, definition: Definition) -> Expr | None:
    """The value by numbers and exponentials alone; one that cannot exceed 1 is bounded as it is, unless that
    is for an exponential in its exponent.
    """
    if isinstance(value, exp):
        return None if value.args[0].is_nonpositive and not holds(value.args[0], exp) else value
    if isinstance(value, Rational):
        return value
    if isinstance(value, Ref):
        meaning = definition(value)
        return None if meaning is None else spelled(meaning, definition)
    if type(value) in HYPERBOLIC:
        return HYPERBOLIC[type(value)](value.args[0])
    if isinstance(value, Pow) and not isinstance(value.exp, Integer):
        return _root(value, definition)
    if not isinstance(value, Add | Mul | Pow):
        return None
    parts = []
    for argument in value.args:
        part = spelled(argument, definition)
        if part is None:
            return None
        parts.append(part)
    return value.func(*parts)


def outermost(plain: Basic) -> tuple[exp, ...]:
    """The exponentials that stand in no other: of exp(2 exp(x)) the exponent is 2 exp(x)."""
    if isinstance(plain, exp):
        return (plain,)
    found = (each for argument in plain.args for each in outermost(argument))
    return tuple(dict.fromkeys(found)) if holds(plain, exp) else ()


def _root(value: Pow, definition: Definition) -> Expr | None:
    """A root of a ratio whose factors are positive and perfect powers."""
    ratio = exponential(value.base, definition)
    if ratio is None or not isinstance(value.exp, Rational):
        return None
    powers = [f.exponent * value.exp for f in ratio.factors]
    scale = ratio.coefficient**value.exp
    if (
        not scale.is_Rational
        or not all(p.is_Integer for p in powers)
        or not all(f.positive for f in ratio.factors)
    ):
        return None
    t = exp(ratio.exponent)
    bases = (Add(*(c * t**k for k, c in enumerate(f.coefficients))) for f in ratio.factors)
    return Mul(scale, exp(ratio.power * value.exp * ratio.exponent), *map(Pow, bases, powers))


def _multiple(exponent: Expr) -> tuple[Rational, Expr]:
    """exponent = number * core, the same core for every multiple."""
    number, inner = exponent.as_content_primitive()
    return (-number, -inner) if inner.could_extract_minus_sign() else (number, inner)


def _one_exponent(plain: Expr) -> tuple[Rational, Expr, Expr] | None:
    """The largest a = step core that every exponent is a whole multiple of, and the value in t = exp(a)."""
    multiples = {node: _multiple(node.args[0]) for node in outermost(plain)}
    if len({inner for _, inner in multiples.values()}) != 1:
        return None
    numbers = [number for number, _ in multiples.values()]
    common = lcm(*(int(n.q) for n in numbers))
    largest = Rational(gcd(*(int(n * common) for n in numbers)), common)
    ratio = plain.xreplace({node: T ** (number / largest) for node, (number, _) in multiples.items()})
    node, (number, _) = min(multiples.items(), key=lambda item: str(item[0]))
    step, core = _written(node.args[0] * (largest / number))
    return (step, core, ratio) if ratio.free_symbols <= {T} else None


def _written(exponent: Expr) -> tuple[Rational, Expr]:
    """exponent = step * core > 0 with the core as its author wrote it."""
    number, inner = exponent.as_coeff_Mul()
    if isinstance(inner, Mul) and any(isinstance(f, Pow) and f.base.is_number for f in inner.args):
        number, inner = S.One, exponent
    if number < 0:
        number, inner = -number, -inner
    return number, inner


@cache
def _lowest(ratio: Expr) -> tuple[Expr, int] | None:
    """The ratio in t^d for the largest d that serves, and d."""
    try:
        above, below = (Poly(part, T, domain="QQ") for part in fraction(cancel(ratio)))
    except PolynomialError:
        return None
    powers = [degree for poly in (above, below) for (degree,) in poly.monoms()]
    common = gcd(*powers)
    if common < 2:
        return ratio, 1
    smaller = [Add(*(c * T ** (d // common) for (d,), c in poly.terms())) for poly in (above, below)]
    return smaller[0] / smaller[1], common


@cache
def factored(ratio: Expr) -> tuple[Expr, int, tuple[Factor, ...]] | None:
    """coefficient, power of t, other factors."""
    coefficient, power, factors = S.One, 0, []
    for part, sign in zip(fraction(together(ratio)), (1, -1), strict=True):
        try:
            number, found = factor_list(Poly(part, T, domain="QQ"))
        except PolynomialError:
            return None
        coefficient *= number**sign
        for poly, exponent in found:
            coefficients = tuple(reversed(poly.all_coeffs()))
            if coefficients == (0, 1):
                power += sign * exponent
            else:
                factors.append(Factor(coefficients, sign * exponent))
    merged: dict[tuple[Rational, ...], int] = {}
    for factor in factors:
        merged[factor.coefficients] = merged.get(factor.coefficients, 0) + factor.exponent
    return coefficient, power, tuple(Factor(c, e) for c, e in merged.items() if e)

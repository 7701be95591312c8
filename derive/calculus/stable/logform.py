"""The logarithm of a value that is built from exponentials, by what stands in them.

    exp(u)                     u
    a b^2/c                    log a + 2 log b - log c
    S, S = exp(x)/sum exp(x)   x - log sum exp(x)             names are seen through
    1 - Y, Y = 1/(1+exp(-a))   -log(1 + exp(a))
    exp(a) +- exp(b)           a + log(1 +- exp(b - a))
    Y - V, both logistic       log Y + log(1 - V) + log(1 - exp(b - a))
    sum_q w                    log sum_q exp(log w)
    where(c, w, 0)             where(c, log w, -oo)

A quotient is then not left to underflow under a logarithm, and its derivative has no 1/S.
"""

from __future__ import annotations

from sympy import Add, Expr, Mul, Pow, S, exp, expand_mul, fraction, log, oo, together

from derive.calculus.expressions.nodes import Sum, Where
from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.substitution import substitute
from derive.calculus.expressions.tensor import Ref
from derive.calculus.program.program import Program
from derive.calculus.stable.bounded import polynomial
from derive.calculus.stable.exponential import Exponential, core, exponential, outermost, spelled
from derive.calculus.stable.faint import faint_logarithm
from derive.calculus.stable.meaning import Meaning


class LogForm:
    """value -> log(value) seen through, None where nothing in it is exponential or a sign is not plain."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.meaning = Meaning(program)

    def __call__(self, value: Expr) -> Expr | None:
        if isinstance(value, exp):
            return value.args[0]
        ratio = exponential(value, self.meaning)
        if ratio is not None:
            return faint_logarithm(value) or _of_ratio(ratio)
        if isinstance(value, Ref):
            found = definition(value, self.program)
            return None if found is None else self(found)
        if isinstance(value, Mul):
            return self._product(value)
        if isinstance(value, Pow):
            base = self(value.base)
            return None if base is None else value.exp * base
        if isinstance(value, Sum):
            return self._sum(value)
        if isinstance(value, Where):
            return self._branch(value)
        return self._two(value) if isinstance(value, Add) else None

    def _product(self, value: Mul) -> Expr | None:
        """The factors that open are positive, so that the rest has the sign of the whole."""
        opened, rest = [], []
        for factor in value.args:
            found = self(factor)
            if found is None:
                rest.append(factor)
            else:
                opened.append(found)
        return Add(*opened, log(Mul(*rest))) if opened else None

    def _sum(self, value: Sum) -> Expr | None:
        guarded = isinstance(value.body, Where) and value.body.other == 0
        body = value.body.chosen if guarded else value.body
        inner = self(body) if all(self(factor) is not None for factor in Mul.make_args(body)) else None
        if inner is None:
            return None
        body = Where(value.body.condition, exp(inner), 0) if guarded else exp(inner)
        return log(Sum(body, *value.ranges))

    def _branch(self, value: Where) -> Expr | None:
        inner = self(value.chosen)
        return Where(value.condition, inner, -oo) if value.other == 0 and inner is not None else None

    def _two(self, value: Add) -> Expr | None:
        """Two exponentials of different exponents, the second perhaps taken off."""
        if len(value.args) != 2:
            return None
        first, second = sorted(value.args, key=lambda term: (term.could_extract_minus_sign(), str(term)))
        sign = -1 if second.could_extract_minus_sign() else 1
        crossed = self._crossed(first, second)
        if crossed is not None:
            return crossed
        lead, other = self(first), self(sign * second)
        if lead is None or other is None:
            return None
        return lead + log(1 + sign * exp(other - lead))

    def _crossed(self, first: Expr, second: Expr) -> Expr | None:
        """A difference of quotients whose numerator is one of exponentials: 1/(1 + 1/x) - 1/(1 + 1/y) is
        (x - y)/((1 + x)(1 + y)), x/(1 + x) together, for it is bounded.
        """
        quotients = _quotients(first, second, self.meaning)
        if quotients is None:
            return None
        whole, other, *below = quotients
        number, rest = whole.as_coeff_Mul()
        lead, taken = self(whole), self(other)
        if lead is None or taken is None:
            return None
        parts = [log(number), log(1 - exp(taken - lead))]
        for divisor in below:
            own = core(rest, self.meaning) == core(divisor, self.meaning)
            parts.append(self(rest / divisor) if own else self(1 / divisor))
            rest = S.One if own else rest
        return None if None in parts else Add(*parts, S.Zero if rest == 1 else self(rest))


def _quotients(first: Expr, second: Expr, meaning: Meaning) -> tuple[Expr, Expr, Expr, Expr] | None:
    """x, y, b and d of a/b + c/d = (x - y)/(b d), x and y exponentials."""
    plain = [spelled(term, meaning) for term in (first, second)]
    if None in plain or not all(holds(term, exp) for term in plain):
        return None
    (a, b), (c, d) = (fraction(together(term)) for term in plain)
    terms = Add.make_args(expand_mul(a * d + c * b))
    rising = [term for term in terms if not term.could_extract_minus_sign()]
    falling = [-term for term in terms if term.could_extract_minus_sign()]
    if not (isinstance(b, Add) and isinstance(d, Add) and len(rising) == len(falling) == 1):
        return None
    x, y = rising[0], falling[0]
    return (x, y, b, d) if all(len(outermost(part)) == 1 for part in (x, y)) else None


def _of_ratio(ratio: Exponential) -> Expr | None:
    """The logarithms of the factors, where they are positive and do not cancel where the ratio is 1."""
    if ratio.above == 0 and ratio.power != 0:
        ratio = ratio.mirrored()
    positive = all(f.positive for f in ratio.factors) and ratio.coefficient.is_positive
    if not positive or (ratio.factors and ratio.at_one() == 1):
        return None
    a = ratio.exponent
    terms = (f.exponent * log(polynomial(f.coefficients, exp(a))) for f in ratio.factors)
    return Add(log(ratio.coefficient), ratio.power * a, *terms)


def definition(ref: Ref, program: Program) -> Expr | None:
    """The value of an element, where one plain equation defines it."""
    found = program.defining(ref.name)
    if len(found) != 1 or found[0].loops != found[0].target.indices:
        return None
    return substitute(found[0].value, dict(zip(found[0].loops, ref.indices, strict=True)))

"""Products as factors with exponents, and sums of terms factored as a person would.

r*G - r*mean(G) - r*Xhat*mean(G*Xhat)   ->   r*(G - mean(G) - Xhat*mean(G*Xhat))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sympy import Add, And, Expr, Mul, Number, Pow, S, exp, true
from sympy.logic.boolalg import Boolean

from derive.calculus.expressions.nodes import Sum, Where
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.tensor import Ref

Factors = dict[Expr, Expr]
LONG = 6


@dataclass(frozen=True)
class Product:
    """coefficient * product of base^exponent, where a condition holds, else 0."""

    coefficient: Expr
    factors: Mapping[Expr, Expr]
    condition: Boolean = true

    def expression(self) -> Expr:
        value = scaled(self.coefficient, Mul(*(Pow(base, power) for base, power in self.factors.items())))
        return Where(self.condition, value, 0)


def product(value: Expr) -> Product:
    """A value as one product; a strong zero's condition is its condition."""
    if isinstance(value, Where) and value.other == 0:
        inner = product(value.chosen)
        return Product(inner.coefficient, inner.factors, value.condition & inner.condition)
    factors: Factors = {}
    coefficient: Expr = S.One
    for factor in Mul.make_args(value):
        base, power = (factor, S.One) if isinstance(factor, exp) else factor.as_base_exp()
        if isinstance(factor, Number):
            coefficient = coefficient * factor
        else:
            factors[base] = factors.get(base, S.Zero) + power
    return Product(coefficient, factors)


def scaled(coefficient: Expr, value: Expr) -> Expr:
    """coefficient * value, without SymPy distributing a number over a sum of terms."""
    if isinstance(value, Add) and coefficient not in (S.One, S.NegativeOne):
        return Mul(coefficient, value, evaluate=False)
    return coefficient * value


def distributed(value: Expr) -> Expr:
    """Products over sums of terms, and sums over indices of sums of terms, multiplied out; nothing
    inside a function, a power or a condition is touched.
    """
    if isinstance(value, Add):
        return Add(*(distributed(term) for term in value.args))
    if isinstance(value, Sum):
        terms = Add.make_args(distributed(value.body))
        return Add(*(Sum(term, *value.ranges) for term in terms))
    if isinstance(value, Where) and value.other == 0:
        return Add(*(Where(value.condition, term, 0) for term in Add.make_args(distributed(value.chosen))))
    if not isinstance(value, Mul):
        return value
    bracket = _cancelling(value)
    if bracket is not None:
        rest = Mul(*(factor for factor in value.args if factor is not bracket))
        return distributed(Add(*(term * rest for term in bracket.args)))
    rows: list[Expr] = [S.One]
    for factor in value.args:
        terms = Add.make_args(distributed(factor)) if isinstance(factor, (Add, Sum, Mul)) else (factor,)
        rows = [row * term for row in rows for term in terms]
    return Add(*rows)


def _cancelling(value: Mul) -> Add | None:
    """A sum of fractions that another factor is a denominator of: s(1 - s) (y/s + (1 - y)/(1 - s))."""
    for bracket in value.args:
        if isinstance(bracket, Add):
            others = {factor.as_base_exp()[0] for factor in value.args if factor is not bracket}
            below = (
                base
                for term in bracket.args
                for base, power in product(term).factors.items()
                if power.is_negative
            )
            if any(base in others for base in below):
                return bracket
    return None


def collected(value: Expr) -> Expr:
    """Terms with a common factor grouped, the factor of most terms first."""
    terms = Add.make_args(value)
    if len(terms) < 2 or long_polynomial(value) is not None:
        return value
    products = [product(term) for term in terms]
    shared = _common_condition(products)
    if shared != true:
        inner = Add(*(_without_condition(p, shared).expression() for p in products))
        return Where(shared, collected(inner), 0)
    shared_factors = common(products)
    if shared_factors:
        return _factored(products, shared_factors)
    alike = _alike(products)
    if alike is not None:
        rest = [p for p in products if not any(p is q for q in alike)]
        return collected(Add(*(p.expression() for p in alike))) + collected(
            Add(*(p.expression() for p in rest))
        )
    best = _most_shared(products)
    if best is None:
        return value
    group = [p for p in products if best in p.factors and _removable(p, best, products)]
    rest = [p for p in products if not any(p is g for g in group)]
    outer = common(group)
    if not outer:  # b^t and b^(t - 1), t unknown
        return value
    return _factored(group, outer) + collected(Add(*(p.expression() for p in rest)))


def long_polynomial(value: Expr) -> Expr | None:
    """The element that a value is a long polynomial of, as Taylor's: such a one is kept by its powers."""
    if not isinstance(value, Add) or len(value.args) < LONG:
        return None
    elements = {base for term in value.args for base in _bases(term)}
    return elements.pop() if len(elements) == 1 and isinstance(next(iter(elements)), Ref) else None


def _bases(term: Expr) -> set[Expr]:
    factors = Mul.make_args(term.as_coeff_Mul()[1])
    return {f.base if isinstance(f, Pow) and f.exp.is_Integer and f.exp > 0 else f for f in factors} - {S.One}


def _common_condition(products: list[Product]) -> Boolean:
    """The conjuncts under which every product stands."""
    shared = set(And.make_args(products[0].condition))
    for p in products[1:]:
        shared &= set(And.make_args(p.condition))
    return And(*sorted(shared, key=str))


def _without_condition(p: Product, shared: Boolean) -> Product:
    kept = set(And.make_args(p.condition)) - set(And.make_args(shared))
    return Product(p.coefficient, p.factors, And(*sorted(kept, key=str)))


def _alike(products: list[Product]) -> list[Product] | None:
    """Some products, not all, that stand under one condition."""
    for p in products:
        group = [q for q in products if q.condition == p.condition and p.condition != true]
        if 1 < len(group) < len(products):
            return group
    return None


def common(products: list[Product]) -> Factors:
    """The factors of every product, each with its least exponent of one sign, or the one that all have."""
    first, *others = products
    shared: Factors = {}
    for base, power in first.factors.items():
        powers = [power, *(p.factors.get(base, S.Zero) for p in others)]
        if all(p == power for p in powers):
            shared[base] = power
        elif all(p.is_positive for p in powers):
            shared[base] = min(powers)
        elif all(p.is_negative for p in powers):
            shared[base] = max(powers)
    return shared


def without(p: Product, outer: Mapping[Expr, Expr]) -> Product:
    """What is left of a product when factors are taken out of it, its condition dropped."""
    left = {base: power - outer.get(base, S.Zero) for base, power in p.factors.items()}
    return Product(p.coefficient, {base: power for base, power in left.items() if power != 0})


def _factored(products: list[Product], outer: Factors) -> Expr:
    coefficient = _common_number(products)
    inner = [
        replace(without(p, outer), coefficient=p.coefficient / coefficient, condition=p.condition)
        for p in products
    ]
    factor = Mul(*(Pow(base, power) for base, power in outer.items()))
    bracket = collected(Add(*(p.expression() for p in inner)))
    return scaled(coefficient, _times(factor, bracket))


def _times(outer: Expr, bracket: Expr) -> Expr:
    return outer * bracket if not bracket.is_Number else bracket * outer


def _common_number(products: list[Product]) -> Expr:
    magnitudes = {abs(p.coefficient) for p in products}
    sign = S.NegativeOne if all(p.coefficient.is_negative for p in products) else S.One
    return sign * magnitudes.pop() if len(magnitudes) == 1 else sign


def _most_shared(products: list[Product]) -> Expr | None:
    counts: dict[Expr, int] = {}
    for p in products:
        for base in p.factors:
            if holds(base, Ref):
                counts[base] = counts.get(base, 0) + 1
    shared = [(count, len(base.free_symbols), str(base), base) for base, count in counts.items() if count > 1]
    return max(shared, key=lambda row: row[:3])[3] if shared else None


def _removable(p: Product, base: Expr, products: list[Product]) -> bool:
    sign = next(q.factors[base].is_positive for q in products if base in q.factors)
    return bool(p.factors[base].is_positive == sign)


def raised(value: Expr, power: Expr) -> Expr:
    """(a^p * b^q)^power = a^(p*power) * b^(q*power), of factors
    known to be positive where power is not whole.
    """
    return Mul(*(Pow(base, exponent * power) for base, exponent in map(_base, Mul.make_args(value))))


def _base(factor: Expr) -> tuple[Expr, Expr]:
    return (factor, S.One) if isinstance(factor, exp) else factor.as_base_exp()


def absorbed(value: Expr) -> Expr:
    """Numbers before a bracket multiplied in where that takes no more of them: 2 (x/2 - a) is x - 2 a."""
    found = {}
    for node in nodes_of(value, Mul):
        number, rest = node.as_coeff_Mul()
        bracket = next((factor for factor in Mul.make_args(rest) if isinstance(factor, Add)), None)
        if bracket is None or number in (S.One, S.NegativeOne):
            continue
        scaled_terms = [number * term for term in bracket.args]
        if _numbers(scaled_terms) <= _numbers(bracket.args):
            others = Mul(*(factor for factor in Mul.make_args(rest) if factor is not bracket))
            found[node] = others * Add(*scaled_terms)
    return value.xreplace(found) if found else value


def _numbers(terms: Iterable[Expr]) -> int:
    return sum(abs(term.as_coeff_Mul()[0]) != 1 for term in terms)

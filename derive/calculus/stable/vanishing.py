"""A product with a factor that vanishes faster than the others grow is 0 where that factor is 0.

    E x (1 + x^2), E = exp(-|x|)   ->   where(E > 0, E x (1 + x^2), 0)

Else 0 * inf comes out where x^2 overflows, or exp(x) beside exp(-2 exp(x)). A factor that grows no faster
than the argument itself is finite with it and needs no branch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sympy import Add, Expr, Integer, Mul, Pow, exp

from derive.calculus.expressions.nodes import Positive, Where
from derive.calculus.expressions.tensor import Ref, refs

HARMLESS = 1


def vanishing(
    value: Expr,
    decays: Mapping[str, frozenset[Ref]],
    named: Callable[[Expr], Expr],
    meaning: Callable[[Ref], Expr | None],
) -> Expr:
    """The value with such a product guarded; `decays` gives what each name of a decay depends on, `named`
    a name for one that is written out, `meaning` what other names stand for.
    """
    if not isinstance(value, Mul):
        return value
    spelled = value.xreplace({ref: found for ref in refs(value) if isinstance(found := meaning(ref), exp)})
    for factor in value.args:
        base, power = (factor, Integer(1)) if isinstance(factor, exp) else factor.as_base_exp()
        sources = _sources(base, decays)
        if sources and power.is_positive and _degree(spelled, sources) > HARMLESS:
            small = named(base) if isinstance(base, exp) else base
            return Where(Positive(small), value.xreplace({base: small}), 0)
    return value


def _sources(base: Expr, decays: Mapping[str, frozenset[Ref]]) -> frozenset[Ref]:
    """The elements on which a vanishing factor depends; none where it is no such factor."""
    if isinstance(base, Ref):
        return decays.get(base.name, frozenset())
    return refs(base) if isinstance(base, exp) and base.args[0].is_nonpositive else frozenset()


def _degree(value: Expr, sources: frozenset[Ref]) -> int:
    """The degree of a value as a polynomial in the sources."""
    if isinstance(value, Ref):
        return int(value in sources)
    if isinstance(value, Add):
        return max(_degree(term, sources) for term in value.args)
    if isinstance(value, Mul):
        return sum(_degree(factor, sources) for factor in value.args)
    if isinstance(value, Pow) and isinstance(value.exp, Integer) and value.exp > 0:
        return int(value.exp) * _degree(value.base, sources)
    if isinstance(value, exp) and not value.args[0].is_nonpositive:
        return HARMLESS + 1 if refs(value) & sources else 0
    if isinstance(value, Where):
        return max(_degree(value.chosen, sources), _degree(value.other, sources))
    return 0

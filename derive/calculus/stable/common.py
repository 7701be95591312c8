"""Terms over powers of one sum, by their common denominator, where the numerators cancel.

    1/(1 + |x|) - |x|/(1 + |x|)^2                    ->   1/(1 + |x|)^2
    Y_bar - x u r,  u = Y_bar x r,  r = (1 + x^2)^(-1/2)   ->   Y_bar/(1 + x^2)

Where x is large both terms are nearly equal. Names of products are seen through; nothing changes where
as many terms are left as there were.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sympy import Abs, Add, Expr, Mul, Pow, expand, sign
from sympy.core.basic import Basic
from sympy.core.function import Function

from derive.calculus.expressions.nodes import Reduction, Where, rebuilt
from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.tensor import Ref, names_read, refs
from derive.calculus.program.program import Equation, Program, map_equations
from derive.calculus.stable.logform import definition

HIGHEST = 3
DEEPEST = 3


def common_denominators(program: Program) -> Program:
    """The program with every such sum over its common denominator."""
    named = {e.name for e in program.equations() if isinstance(e.value, Mul | Pow) and _plain(e.value)}

    def combined(equation: Equation) -> Equation:
        if not holds(equation.value, Add):
            return equation
        value = _visit(equation.value, program, named)
        return equation if value == equation.value else replace(equation, value=value)

    return map_equations(program, combined)


def _plain(value: Expr) -> bool:
    return not holds(value, Reduction, Where)


def _visit(node: Basic, program: Program, named: set[str]) -> Basic:
    if isinstance(node, Ref) or not node.args or not holds(node, Add):
        return node
    node = rebuilt(node, (_visit(argument, program, named) for argument in node.args))
    return _combined(node, program, named) if isinstance(node, Add) else node


def _combined(total: Add, program: Program, named: set[str]) -> Expr:
    if not (holds(total, Pow) or names_read(total) & named):
        return total
    terms = [_opened(term, program, named, DEEPEST) for term in total.args]
    for base in dict.fromkeys(base for term in terms for base, _ in _below(term)):
        found = _over(terms, base)
        if found is not None and len(Add.make_args(found[1])) < len(terms):
            return found[0] * found[1]
    return total


def _opened(term: Expr, program: Program, named: set[str], depth: int) -> Expr:
    """A product with the names of products in it by what they stand for."""
    factors = []
    for factor in Mul.make_args(term):
        base, power = factor.as_base_exp()
        meaning = (
            definition(base, program) if isinstance(base, Ref) and base.name in named and depth else None
        )
        factors.append(factor if meaning is None else _opened(meaning, program, named, depth - 1) ** power)
    return Mul(*factors)


def _modulus(product: Expr) -> Expr:
    """x sign(x) is |x|."""
    for factor in Mul.make_args(product):
        if isinstance(factor, sign) and factor.args[0] in Mul.make_args(product):
            return product / factor / factor.args[0] * Abs(factor.args[0])
    return product


def _below(term: Expr) -> Iterator[tuple[Expr, Expr]]:
    """The sums to negative powers in a product, with these."""
    for factor in Mul.make_args(term):
        base, power = factor.as_base_exp()
        below = power.is_Rational and power < 0 and isinstance(base, Add)
        if below and refs(base) and not _transcendental(base):
            yield base, power


def _transcendental(base: Expr) -> bool:
    """Whether a sum holds a function other than |x|."""
    return any(not isinstance(node, Abs) for node in base.atoms(Function))


def _over(terms: list[Expr], base: Add) -> tuple[Expr, Expr] | None:
    """base^lowest and what it is multiplied by, None where the powers differ by no whole numbers."""
    powers = [dict(_below(term)).get(base, 0) for term in terms]
    lowest = min(powers)
    if any(not (p - lowest).is_Integer or p - lowest > HIGHEST for p in powers):
        return None
    numerator = []
    for term, power in zip(terms, powers, strict=True):
        rest = Mul(*(f for f in Mul.make_args(term) if f != base**power))
        numerator += [_modulus(rest) * part for part in Add.make_args(expand(base ** (power - lowest)))]
    return base**lowest, Add(*numerator)

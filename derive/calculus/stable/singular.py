"""Where a root, or a logarithm in a product, has no derivative, the declared one.

    x / N, N = sqrt(sum x^2)     ->   where(N > 0, x/N, 0)           a norm has slope 0 at 0
    x log(y)                     ->   where(x != 0, x log(y), 0)     0 log 0 = 0, with slope 0

Nothing is guarded whose root or logarithm is plainly of a positive number: sqrt(v + eps), log(1 + exp(x)).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Abs, Expr, Mul, Not, Pow, log, preorder_traversal
from sympy.core.basic import Basic

from derive.calculus.expressions.nodes import IsZero, Positive, Where, rebuilt
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.tensor import Index, Ref
from derive.calculus.program.program import Equation, Program, map_equations
from derive.calculus.stable.signs import Signs


def null_products(program: Program) -> Program:
    """Products with a logarithm of what may be 0, as 0 where the other factors are 0."""
    if not any(holds(e.value, log) for e in program.equations()):
        return program
    signs = Signs(program)

    def guarded(equation: Equation) -> Equation:
        logarithmic = holds(equation.value, log)
        return replace(equation, value=_null(equation.value, signs)) if logarithmic else equation

    return map_equations(program, guarded)


def _null(node: Basic, signs: Signs) -> Basic:
    if isinstance(node, Ref) or not node.args or not holds(node, log):
        return node
    node = rebuilt(node, (_null(argument, signs) for argument in node.args))
    if not isinstance(node, Mul):
        return node
    logs = [f for f in node.args if isinstance(f, log) and not signs.positive(f.args[0])]
    rest = Mul(*(f for f in node.args if not isinstance(f, log) and _may_be_zero(f, signs)))
    if not logs or rest == 1:
        return node
    return Where(Not(IsZero(rest)), node, 0)


def _may_be_zero(factor: Expr, signs: Signs) -> bool:
    inverse = isinstance(factor, Pow) and factor.exp.is_negative
    return not inverse and holds(factor, Ref) and not signs.positive(factor)


def singular(program: Program) -> Program:
    """Quotients by a root that may be 0, as 0 where it is; last before emission."""
    signs = Signs(program)
    roots = _roots(program, signs)

    def guarded(equation: Equation) -> Equation:
        value = _guarded(equation.value, roots, signs)
        return equation if value == equation.value else replace(equation, value=value)

    return map_equations(program, guarded)


@dataclass(frozen=True)
class _Roots:
    """What roots are taken of, whatever the indices, and the names of roots and distances that may be 0."""

    bases: frozenset[Basic]
    names: frozenset[str]


def _roots(program: Program, signs: Signs) -> _Roots:
    bases: set[Basic] = set()
    names: set[str] = set()
    for equation in program.equations():
        whole = equation.value.as_independent(Ref, as_Add=False)[1]
        for node in nodes_of(equation.value, Pow):
            if _is_root(node.exp) and node.exp.is_positive and not signs.positive(node.base):
                bases.add(_anywhere(node.base))
                names |= {equation.name} if node == whole else set()
        names |= {equation.name} if isinstance(whole, Abs) and not signs.positive(whole) else set()
    return _Roots(frozenset(bases), frozenset(names))


def _is_root(power: Expr) -> bool:
    return bool(power.is_Rational and not power.is_Integer)


def _anywhere(base: Expr) -> Basic:
    """A value less the letters of its indices."""
    indices = dict.fromkeys(node for node in preorder_traversal(base) if isinstance(node, Index))
    return base.xreplace({index: Index(f"place {k}") for k, index in enumerate(indices)})


def _guarded(node: Basic, roots: _Roots, signs: Signs) -> Basic:
    if isinstance(node, Ref) or not node.args or not holds(node, Pow):
        return node
    node = rebuilt(node, (_guarded(argument, roots, signs) for argument in node.args))
    if not isinstance(node, Mul | Pow):
        return node
    below = [_divisor(factor, roots, signs) for factor in Mul.make_args(node)]
    for divisor in dict.fromkeys(d for d in below if d is not None):
        node = Where(Positive(divisor), node, 0)
    return node


def _divisor(factor: Expr, roots: _Roots, signs: Signs) -> Expr | None:
    """What stands below the bar and may be 0: a root, a distance, or what a root is taken of."""
    if not isinstance(factor, Pow) or not factor.exp.is_negative or not holds(factor.base, Ref):
        return None
    base = factor.base
    if signs.positive(base):
        return None
    known = isinstance(base, Abs) or (isinstance(base, Ref) and base.name in roots.names)
    known = known or (_is_root(factor.exp) and signs.nonnegative(base)) or _anywhere(base) in roots.bases
    return base if known else None

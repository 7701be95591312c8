"""Moments about the mean, from the spelling that cancels; before anything is differentiated.

    mean(x y) - mean(x) mean(y)     ->   mean((x - mean(x)) (y - mean(y)))

The left side rounds away a variance that is small against the mean's square; the right side passes over the
data twice. Chan, Golub, LeVeque, Algorithms for computing the sample variance, The American Statistician,
1983.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from sympy import Add, Expr, Mul, Pow
from sympy.core.basic import Basic

from derive.calculus.expressions.canonical import same
from derive.calculus.expressions.nodes import Range, Sum, rebuilt
from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.substitution import freshened
from derive.calculus.expressions.tensor import Ref
from derive.calculus.program.program import Equation, Program, map_equations
from derive.calculus.stable.logform import definition


@dataclass(frozen=True)
class _Mean:
    """scale * sum over the ranges of the body: what a name or a sum stands for, and how it was written."""

    scale: Expr
    total: Sum
    written: Expr


def centred_moments(program: Program) -> Program:
    """The program with every such difference about the mean."""

    def centred(equation: Equation) -> Equation:
        if not holds(equation.value, Add):
            return equation
        value = _visit(equation.value, program)
        return equation if value == equation.value else replace(equation, value=value)

    return map_equations(program, centred)


def _visit(node: Basic, program: Program) -> Basic:
    if isinstance(node, Ref) or not node.args:
        return node
    node = rebuilt(node, (_visit(argument, program) for argument in node.args))
    return _centred(node, program) if isinstance(node, Add) else node


def _centred(node: Add, program: Program) -> Expr:
    for first, second in combinations(node.args, 2):
        for product, means in ((first, second), (second, first)):
            found = _moment(product, means, program)
            if found is not None:
                return Add(found, *(term for term in node.args if term not in (first, second)))
    return node


def _moment(product: Expr, means: Expr, program: Program) -> Expr | None:
    """mean(x y) - mean(x) mean(y) about the means, None where the two terms are no such thing."""
    whole = _mean(product, program)
    if whole is None:
        return None
    for scale, left, right in _factors(means, program):
        for x, y in _split(whole.total.body):
            matched = _is_mean_of(left, x, whole.total.ranges) and _is_mean_of(right, y, whole.total.ranges)
            count = Mul(*(extent for _, extent in whole.total.ranges))
            balanced = whole.scale * count == -scale * left.scale * right.scale * count**2
            if matched and balanced:
                about_x, about_y = (_about(part, mean, whole.total) for part, mean in ((x, left), (y, right)))
                return whole.scale * Sum(about_x * about_y, *whole.total.ranges)
    return None


def _about(part: Expr, mean: _Mean, whole: Sum) -> Expr:
    count = Mul(*(extent for _, extent in whole.ranges))
    return part - freshened(mean.written, {index.name for index in whole.bound}) / (mean.scale * count)


def _mean(term: Expr, program: Program) -> _Mean | None:
    """scale * sum, through a name."""
    scale, inner = term.as_independent(Ref, as_Add=False)
    if isinstance(inner, Sum):
        return _Mean(scale, inner, term)
    if not isinstance(inner, Ref):
        return None
    meaning = definition(inner, program)
    if meaning is None:
        return None
    own, total = meaning.as_independent(Ref, as_Add=False)
    return _Mean(scale * own, total, term) if isinstance(total, Sum) else None


def _factors(term: Expr, program: Program) -> Iterator[tuple[Expr, _Mean, _Mean]]:
    """A term as a number times two means."""
    scale, inner = term.as_independent(Ref, as_Add=False)
    if isinstance(inner, Pow) and inner.exp == 2:
        mean = _mean(inner.base, program)
        if mean is not None:
            yield scale, mean, mean
    if isinstance(inner, Mul) and len(inner.args) == 2:
        left, right = (_mean(factor, program) for factor in inner.args)
        if left is not None and right is not None:
            yield scale, left, right
            yield scale, right, left


def _split(body: Expr) -> Iterator[tuple[Expr, Expr]]:
    """A body as a product of two."""
    if isinstance(body, Pow) and body.exp == 2:
        yield body.base, body.base
    if isinstance(body, Mul) and len(body.args) == 2:
        yield body.args[0], body.args[1]


def _is_mean_of(mean: _Mean, part: Expr, ranges: tuple[Range, ...]) -> bool:
    """Whether a mean runs over the part and the ranges."""
    return same(mean.total, Sum(part, *ranges))

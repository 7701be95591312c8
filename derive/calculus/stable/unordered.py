"""log(exp(a) + exp(b)) where a, b or both are minus infinity: the larger, with slope 0 where both are.

    Y[i] = a[i] + log(1 + exp(b[i] - a[i]))
    becomes
    Y[i] = max(a[i], b[i]) + where(a[i] or b[i] is finite, log(1 + exp(-|b[i] - a[i]|)), 0)

and 1/(1 + exp(b[i] - a[i])), of which the slopes are made, is 0 where neither is finite.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sympy import Abs, Add, Expr, Integer, Mul, Or, Pow, exp, log, preorder_traversal
from sympy.core.basic import Basic
from sympy.logic.boolalg import Boolean

from derive.calculus.expressions.nodes import Finite, Positive, Where, rebuilt
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.tensor import Index, Ref, refs
from derive.calculus.program.program import Equation, Program, map_equations

ONE = Integer(1)
Pairs = dict[Basic, Basic]
"""b - a -> a, at no indices."""


def unordered(program: Program) -> Program:
    """The program with every such logarithm, and what is derived of it, guarded."""
    pairs = {
        gap.xreplace(_places(gap)): lead.xreplace(_places(gap))
        for equation in program.equations()
        for _, lead, gap in _pairs(equation.value)
    }
    if not pairs:
        return program

    def guarded(equation: Equation) -> Equation:
        return replace(equation, value=_shares(_larger(equation.value), pairs))

    return map_equations(program, guarded)


def _pairs(value: Expr) -> Iterator[tuple[Add, Expr, Expr]]:
    """Each sum a + log(1 + exp(b - a)) + ..., a, and b - a."""
    for total in nodes_of(value, Add):
        for term in total.args:
            inside = term.args[0] - ONE if isinstance(term, log) else None
            if isinstance(inside, exp) and len(refs(inside)) > 1:
                for lead in total.args:
                    if lead != term and refs(inside.args[0] + lead) < refs(inside):
                        yield total, lead, inside.args[0]


def _larger(value: Expr) -> Expr:
    replaced = {}
    for total, lead, gap in _pairs(value):
        rest = (term for term in total.args if term not in (lead, log(1 + exp(gap))))
        near = Where(_ordered(lead, gap), log(1 + exp(-Abs(gap))), 0)
        replaced[total] = Add(Where(Positive(gap), lead + gap, lead), near, *rest)
    return value.xreplace(replaced)


def _shares(node: Basic, pairs: Pairs) -> Basic:
    """Products with 1/(1 + exp(b - a)), and these less a number, 0 where neither is finite."""
    if isinstance(node, Ref) or not node.args or not holds(node, exp):
        return node
    terms = node.args if isinstance(node, Add) else (node,)
    found = [_share(term, pairs) for term in terms]
    known = [each for each in found if each is not None]
    if known and all(each is not None or term.is_number for each, term in zip(found, terms, strict=True)):
        return Where(known[0], node, 0)
    return rebuilt(node, (_shares(argument, pairs) for argument in node.args))


def _share(node: Basic, pairs: Pairs) -> Boolean | None:
    """When a product with 1/(1 + exp(b - a)) is a number, None where it is something else."""
    for factor in Mul.make_args(node):
        inside = factor.base - ONE if isinstance(factor, Pow) and factor.exp.is_negative else None
        gaps = (inside.args[0], -inside.args[0]) if isinstance(inside, exp) else ()
        for gap in gaps:
            lead = pairs.get(gap.xreplace(_places(gap)))
            if lead is not None:
                return _ordered(_here(lead, gap), gap)
    return None


def _here(lead: Basic, gap: Expr) -> Basic:
    """The element a of b - a: as known from elsewhere, at the indices here."""
    return lead.xreplace({place: index for index, place in _places(gap).items()})


def _places(gap: Expr) -> dict[Index, Index]:
    """The indices of a difference, in order, as places."""
    indices = dict.fromkeys(node for node in preorder_traversal(gap) if isinstance(node, Index))
    return {index: Index(f"place {k}") for k, index in enumerate(indices)}


def _ordered(lead: Basic, gap: Expr) -> Boolean:
    """Whether one of both is finite: infinity less infinity is no number."""
    return Or(Finite(lead), Finite(lead + gap))

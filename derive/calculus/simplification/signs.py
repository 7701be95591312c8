"""Guards that a factor makes superfluous, by the signs that definitions give.

B = where(a > 0, a, 0)        where(B > 0, f B, 0)   ->   f B         f finite: all below its bars is > 0
"""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Add, Expr, Mul, Pow, exp
from sympy.core.basic import Basic

from derive.calculus.expressions.nodes import Positive, Sum, Where
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.tensor import Ref
from derive.calculus.expressions.terms import product
from derive.calculus.program.program import Equation

Definitions = Mapping[str, Equation]


def unguarded(value: Expr, values: Definitions) -> Expr:
    """The value less every guard [B > 0] before a product that has B as a factor."""
    found = {}
    for node in nodes_of(value, Where):
        if node.other == 0 and isinstance(node.condition, Positive) and _holds_itself(node, values):
            found[node] = node.chosen
    return value.xreplace(found) if found else value


def _holds_itself(node: Where, values: Definitions) -> bool:
    name = node.condition.expression
    if not isinstance(name, Ref) or name.name not in values:
        return False
    definition = values[name.name].value
    chosen = definition.chosen if isinstance(definition, Where) else definition
    if definition != Where(Positive(chosen), chosen, 0):
        return False
    factors = product(node.chosen).factors
    if name not in factors or not factors[name].is_positive or holds(node.chosen, exp):
        return False
    below = {inner.base for inner in nodes_of(node.chosen, Pow) if not inner.exp.is_nonnegative}
    return all(positive(base, values) for base in below)


def positive(value: Basic, values: Definitions) -> bool:
    """Whether a value is proved > 0 by its definition."""
    if isinstance(value, Ref):
        return value.name in values and positive(values[value.name].value, values)
    if isinstance(value, Add):
        return all(_nonnegative(term, values) for term in value.args) and any(
            positive(term, values) for term in value.args
        )
    if isinstance(value, Mul):
        return all(positive(factor, values) for factor in value.args)
    if isinstance(value, Pow):
        return positive(value.base, values)
    return isinstance(value, exp) or bool(value.is_number and value.is_positive) or _is_size(value)


def _nonnegative(value: Basic, values: Definitions) -> bool:
    if isinstance(value, Pow) and value.exp.is_even:
        return True
    if isinstance(value, (Add, Mul)):
        return all(_nonnegative(part, values) for part in value.args)
    if isinstance(value, Sum):
        return _nonnegative(value.body, values)
    if isinstance(value, Where):
        return _nonnegative(value.chosen, values) and _nonnegative(value.other, values)
    return positive(value, values) or bool(value.is_number and value.is_nonnegative)


def _is_size(value: Basic) -> bool:
    return isinstance(value, Expr) and not holds(value, Ref) and bool(value.is_positive)

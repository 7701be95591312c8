"""What an expression holds is what SymPy's walk finds."""

import pytest
from sympy import Add, Expr, Function, Mul, Pow, Rational, exp, log, sqrt

from derive.calculus.expressions.nodes import Condition, Largest, Positive, Reduction, Sum, Where
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.tensor import Index, IntegerRef, Ref, Size, TensorName

i, p, n = Index("i"), Index("p"), Size("n")
X, W, y = Ref("X", i, p), Ref("W", p, i), Ref("y", p, integer=True)

EXPRESSIONS = [
    X,
    Sum(X * W, (p, n)) + 1,
    Where(Positive(X), exp(X) / Sum(exp(Ref("X", i, y)), (p, n)), Rational(1, 2)),
    log(sqrt(X) + Largest(W, (p, n)) ** 2),
]
KINDS = [
    (Add,),
    (Mul, Pow),
    (Function,),
    (exp,),
    (log, exp),
    (Sum,),
    (Reduction,),
    (Condition,),
    (Rational,),
    (Ref,),
    (IntegerRef, Where),
    (Index, Size, TensorName),
]


@pytest.mark.parametrize("kinds", KINDS, ids=str)
@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_sympys_walk_finds_the_same(expression: Expr, kinds: tuple[type, ...]) -> None:
    assert holds(expression, *kinds) == expression.has(*kinds)
    assert nodes_of(expression, *kinds) == expression.atoms(*kinds)

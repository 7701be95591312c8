"""The logarithm of what vanishes as an exponential does: f(u), u = exp(a), f(0) = 0 and f'(0) = 1.

    log(1 - exp(-exp(a)))    ->   where(u < 1/8, a - u/2 + u^2/24 - ..., log(1 - exp(-u)))

u may underflow where a is no large number, and the slope u/(exp(u) - 1) then is 0/0; near that the slope's
own slope cancels. The polynomial is Taylor's of log(f(u)/u).
"""

from __future__ import annotations

from sympy import Add, Expr, Rational, exp, log

from derive.calculus.expressions.nodes import Positive, Where
from derive.calculus.expressions.occurrence import nodes_of
from derive.calculus.expressions.tensor import refs
from derive.calculus.stable.removable import VARIABLE, near_zero

RADIUS = Rational(1, 8)


def faint_logarithm(value: Expr) -> Expr | None:
    """The logarithm of such a value, None where it is something else."""
    inner = {node for outer in nodes_of(value, exp) for node in nodes_of(outer.args[0], exp)}
    if len(inner) != 1 or not isinstance(value, Add):
        return None
    (small,) = inner
    function = value.xreplace({small: VARIABLE})
    if refs(function) or function.subs(VARIABLE, 0) != 0 or function.diff(VARIABLE).subs(VARIABLE, 0) != 1:
        return None
    near = near_zero(log(function / VARIABLE), (RADIUS,))
    if near is None:
        return None
    rising = small.args[0] + near[1].xreplace({VARIABLE: small})
    return Where(Positive(RADIUS - small), rising, log(value))

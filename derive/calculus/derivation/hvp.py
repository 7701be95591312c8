"""X_bar_dot = d/dt vjp(X + t X_dot, Y_bar) at t = 0: the tangent of the pullback, its cotangent held fixed.

Of a scalar loss, with L_bar = 1, this is the product of its Hessian with X_dot, at the price of a few
gradients and without the Hessian. The second derivation is the first applied to its own output: programs
are closed under it. Pearlmutter, Fast Exact Multiplication by the Hessian, Neural Computation 6, 1994.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from derive.calculus.derivation.jvp import jvp
from derive.calculus.derivation.seeds import with_unit_seeds
from derive.calculus.derivation.vjp import BAR, vjp
from derive.calculus.expressions.tensor import Kind
from derive.calculus.program.program import Program


def hvp(program: Program, wrt: Sequence[str] | None = None, unit: bool = False) -> Program:
    """The joint program: inputs, Y_bar and tangents X_dot in; X_bar_dot out. `unit` makes Y_bar 1."""
    names = tuple(wrt) if wrt is not None else tuple(t.name for t in program.inputs if t.kind is Kind.REAL)
    pullback = vjp(program, names)
    if unit:
        pullback = with_unit_seeds(pullback, [name + BAR for name in program.outputs])
    return replace(jvp(pullback, names), name=program.name + "_hvp")

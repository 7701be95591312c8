"""X_bar_dot = d/dt vjp(X + t X_dot, Y_bar) at t = 0: the tangent of the pullback, its cotangent held fixed.

Of a scalar loss this is the product of its Hessian with X_dot, at the price of a few gradients and without
the Hessian. The second derivation is the first applied to its own output: programs are closed under it.
Pearlmutter, Fast Exact Multiplication by the Hessian, Neural Computation 6, 1994.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from derive.calculus.jvp import jvp
from derive.calculus.program import Program
from derive.calculus.tensor import Kind
from derive.calculus.vjp import vjp


def hvp(program: Program, wrt: Sequence[str] | None = None) -> Program:
    """The joint program: inputs, their cotangents' seeds Y_bar, and tangents X_dot in; X_bar_dot out."""
    names = tuple(wrt) if wrt is not None else tuple(t.name for t in program.inputs if t.kind is Kind.REAL)
    return replace(jvp(vjp(program, names), names), name=program.name + "_hvp")

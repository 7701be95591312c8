"""log sum exp where every term is minus infinity: minus infinity, with slope 0; last before emission.

    L = M + log(T),  E[i] = exp(x[i] - M),  T = sum_i E[i]
    becomes
    E[i] = where(M is finite, exp(x[i] - M), 0)        x_bar[i] = where(M is finite, L_bar E[i]/T, 0)

A maximum that is not finite shifts nothing: x - M is no number. Where more than M and log T is added up, as
in -log softmax, the value itself is none, and nothing is guarded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sympy import Add, Expr, Mul, Pow, exp, log
from sympy.core.basic import Basic

from derive.calculus.expressions.nodes import Finite, Sum, Where, rebuilt
from derive.calculus.expressions.tensor import Ref, refs
from derive.calculus.program.program import Equation, Program, map_equations

Sums = dict[str, tuple[Ref, Equation]]


def infinite(program: Program) -> Program:
    """The program with every such sum that stands alone guarded."""
    equations = {e.name: e for e in program.equations()}
    shifts = {e.name: e for e in equations.values() if e.frozen and not e.given}
    sums = _alone(equations, shifts)
    if not sums:
        return program
    terms = {ref.name for name in sums for ref in refs(equations[name].value)}

    def guarded(equation: Equation) -> Equation:
        if equation.name in terms:
            return replace(equation, value=_term(equation.value, shifts))
        value = _terms(equation.value, shifts) if equation.name in sums else _quotients(equation.value, sums)
        return equation if value == equation.value else replace(equation, value=value)

    return map_equations(program, guarded)


def _alone(
    equations: Mapping[str, Equation], shifts: Mapping[str, Equation]
) -> dict[str, tuple[Ref, Equation]]:
    """T -> M and the equation of T, where M + log(T) is added to nothing that is read."""
    found: Sums = {}
    for equation in equations.values():
        for total in equation.value.atoms(Add):
            read = [term for term in total.args if refs(term)]
            largest = [t for t in read if isinstance(t, Ref) and t.name in shifts]
            logs = [t.args[0] for t in read if isinstance(t, log) and isinstance(t.args[0], Ref)]
            if len(read) == 2 and len(largest) == len(logs) == 1 and logs[0].name in equations:
                defining = equations[logs[0].name]
                if isinstance(defining.value, Sum | Add):
                    places = dict(zip(logs[0].indices, defining.target.indices, strict=True))
                    found[logs[0].name] = (largest[0].xreplace(places), defining)
    return found


def _terms(total: Expr, shifts: Mapping[str, Equation]) -> Expr:
    """exp(a - M) + exp(b - M), each where M is finite."""
    return Add(*(_term(term, shifts) for term in total.args)) if isinstance(total, Add) else total


def _term(value: Expr, shifts: Mapping[str, Equation]) -> Expr:
    """exp(x - M) where M is finite, 0 else."""
    inner = value.chosen if isinstance(value, Where) else value
    largest = [ref for ref in refs(inner) if ref.name in shifts]
    if not isinstance(inner, exp) or len(largest) != 1:
        return value
    guarded = Where(Finite(largest[0]), inner, 0)
    return Where(value.condition, guarded, value.other) if isinstance(value, Where) else guarded


def _quotients(node: Basic, sums: Sums) -> Basic:
    """A quotient by T, 0 where M is not finite."""
    if isinstance(node, Ref) or not node.args or not node.has(Pow):
        return node
    node = rebuilt(node, (_quotients(argument, sums) for argument in node.args))
    if not isinstance(node, Mul | Pow):
        return node
    for factor in Mul.make_args(node):
        base = factor.base if isinstance(factor, Pow) and factor.exp.is_negative else None
        if isinstance(base, Ref) and base.name in sums:
            largest, defining = sums[base.name]
            places = dict(zip(defining.target.indices, base.indices, strict=True))
            return Where(Finite(largest.xreplace(places)), node, 0)
    return node

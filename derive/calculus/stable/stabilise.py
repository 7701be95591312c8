"""Stable forms, found before anything is differentiated, on equations, so that a slice, a reshape or a
name between an exponential and its logarithm hides nothing.

    log(S[i,y[i]]), S = exp(Z)/sum exp(Z)     ->  Z[i,y[i]] - M[i] - log T[i]
    exp(Z)/sum exp(Z)                         ->  E/T, E = exp(Z - M), T = sum E
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Mul, Pow, exp, log

from derive.calculus.expressions.nodes import Range, Sum
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.tensor import Ref, refs
from derive.calculus.program.program import Equation, Program, expanded
from derive.calculus.simplification.simplify import named_forward
from derive.calculus.stable.differences import early_differences, inverse_functions
from derive.calculus.stable.logform import LogForm, definition
from derive.calculus.stable.moments import centred_moments
from derive.calculus.stable.removable import removable
from derive.calculus.stable.scaled import scaled_roots
from derive.calculus.stable.shift import Shifts, shifted
from derive.calculus.stable.singular import null_products
from derive.calculus.stable.written_sums import written_sums


def stabilise(program: Program) -> Program:
    """The program with logarithms of exponentials opened and their sums shifted by the maximum."""
    program = inverse_functions(early_differences(removable(centred_moments(program))))
    logform = LogForm(program)
    shifts = Shifts(program, {t.name: t for t in program.locals}, logform)
    statements = expanded(program, lambda equation, outer: _shifted(equation, outer, program, shifts))
    stable = replace(program, statements=statements, locals=tuple(shifts.locals.values()))
    return named_forward(null_products(stable))


def _shifted(
    equation: Equation, outer: tuple[Range, ...], program: Program, shifts: Shifts
) -> list[Equation]:
    """The equation with its sums of exponentials shifted, behind those that name maxima and sums.

    In a recurrence they have its index as an axis and are equations of the same turn.
    """
    opened = _opened_quotients(_opened_logs(equation.value, shifts.logform), program)
    whole = replace(equation, ranges=(*outer, *equation.ranges))
    value = written_sums(whole, shifted(whole, opened, shifts), shifts)
    value = scaled_roots(whole, value, shifts)
    named = [replace(e, ranges=tuple(r for r in e.ranges if r not in outer)) for e in shifts.taken()]
    return [*named, replace(equation, value=value)]


def _opened_logs(value: Expr, logform: LogForm) -> Expr:
    """The value with every logarithm of exponentials seen through."""
    found = {node: logform(node.args[0]) for node in nodes_of(value, log)}
    replaced = {node: new for node, new in found.items() if new is not None and new != node}
    return value.xreplace(replaced) if replaced else value


def _opened_quotients(value: Expr, program: Program) -> Expr:
    """E/T by their definitions, where T is a sum of exponentials that has a name."""
    replaced = {}
    for node in nodes_of(value, Mul):
        below = [f.base for f in node.args if isinstance(f, Pow) and f.exp.is_negative]
        if any(isinstance(base, Ref) and _sums_exponentials(base, program) for base in below):
            replaced[node] = _spelled(node, program)
    return value.xreplace(replaced) if replaced else value


def _sums_exponentials(ref: Ref, program: Program) -> bool:
    value = _spelled(ref, program)
    return isinstance(value, Sum) and holds(value, exp)


def _spelled(value: Expr, program: Program) -> Expr:
    """The value with names of exponentials, and of their sums, replaced by what they stand for."""
    replaced = {}
    for ref in refs(value):
        meaning = definition(ref, program)
        if meaning is None or not isinstance(meaning, exp | Sum):
            continue
        meaning = _spelled(meaning, program) if isinstance(meaning, Sum) else meaning
        if holds(meaning, exp):
            replaced[ref] = meaning
    return value.xreplace(replaced)

"""Carried: what one step of a recurrence hands to the next is computed at the end of the step.

    for l<L reversed:
        Z_bar[l+1,j] = where(l = L - 1, Y_bar[j], 0) + where(l <= L - 2, B_bar[l+1,j] + C_bar[l+1,j], 0)
        B_bar[l,j] = .. Z_bar[l+1,j] ..
        C_bar[l,j] = .. B_bar[l,j] ..
    Z_bar[0,j] = B_bar[0,j] + C_bar[0,j]
becomes
    Z_bar[L,j] = Y_bar[j]
    for l<L reversed:
        B_bar[l,j] = .. Z_bar[l+1,j] ..
        C_bar[l,j] = .. B_bar[l,j] ..
        Z_bar[l,j] = B_bar[l,j] + C_bar[l,j]

Only Z_bar is needed by another step then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sympy import Add, Expr, Integer

from derive.calculus.expressions.nodes import IsZero, Nonnegative, Where
from derive.calculus.expressions.substitution import substitute
from derive.calculus.program.program import Equation, Program, Recurrence, Statement


def carried(program: Program) -> Program:
    """The program whose reversed recurrences compute at their end what the next step begins with."""
    found = list(program.statements)
    for place, statement in enumerate(found):
        if isinstance(statement, Recurrence) and statement.reverse:
            for equation in statement.equations:
                changed = _changed(equation, statement, found[place + 1 :])
                if changed is not None:
                    before, loop, last = changed
                    rest = [other for other in found[place + 1 :] if other is not last]
                    return carried(program.with_statements((*found[:place], before, loop, *rest)))
    return program


def _changed(
    head: Equation, loop: Recurrence, after: Sequence[Statement]
) -> tuple[Equation, Recurrence, Statement] | None:
    """The boundary, the recurrence, and what it makes superfluous."""
    index, extent = loop.index, loop.extent
    parts = _parts(head, loop)
    if parts is None or index + 1 not in head.target.indices:
        return None
    boundary, step = parts
    if boundary.references and {one.name for one in loop.equations} & boundary.reads:
        return None
    behind = substitute(head.target, {index: index - 1})
    end = replace(head, target=behind, value=substitute(step.value, {index: index - 1}))
    last = next((one for one in after if _is(one, end, {index: Integer(0)})), None)
    if last is None or any(
        head.name in other.reads for other in after[: after.index(last)] if isinstance(other, Equation)
    ):
        return None
    first = replace(
        head,
        target=substitute(head.target, {index: extent - 1}),
        value=substitute(boundary.value, {index: extent - 1}),
    )
    others = tuple(one for one in loop.equations if one is not head)
    return first, replace(loop, equations=(*others, end)), last


def _parts(head: Equation, loop: Recurrence) -> tuple[Equation, Equation] | None:
    """What the first step begins with, and what the others do."""
    found: dict[str, list[Expr]] = {"first": [], "others": []}
    for term in Add.make_args(head.value):
        if not isinstance(term, Where) or term.other != 0:
            return None
        gap = term.condition.expression if isinstance(term.condition, (IsZero, Nonnegative)) else None
        if gap is None:
            return None
        ahead = loop.index - loop.extent + 1
        if isinstance(term.condition, IsZero) and gap in (ahead, -ahead):
            found["first"].append(term.chosen)
        elif isinstance(term.condition, Nonnegative) and gap == -ahead - 1:
            found["others"].append(term.chosen)
        else:
            return None
    if not found["first"] or not found["others"]:
        return None
    return replace(head, value=Add(*found["first"])), replace(head, value=Add(*found["others"]))


def _is(statement: Statement, end: Equation, fixed: dict[Expr, Expr]) -> bool:
    """Whether a statement is an equation at a fixed step."""
    if not isinstance(statement, Equation) or len(statement.loops) != len(end.loops):
        return False
    renamed = dict(zip(end.loops, statement.loops, strict=True))
    target = substitute(end.target, {**fixed, **renamed})
    value = substitute(end.value, {**fixed, **renamed})
    return bool(statement.target == target and statement.value == value)

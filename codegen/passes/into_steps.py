"""Into steps: what one step of a recurrence decides is computed in the step, while that is near.

    for l<L: Z_bar[l+1,i,j] = ..
    W_bar[l,p,j] = sum_{i<m} G[l,i,p] Z_bar[l+1,i,j]    [l<L, p<n, j<d]
becomes
    for l<L: Z_bar[l+1,i,j] = ..; W_bar[l,p,j] = sum_{i<m} G[l,i,p] Z_bar[l+1,i,j]    [p<n, j<d]

What of it is needed in its own step alone then need not be kept for the others (`one_step`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sympy.core.basic import Basic

from codegen.passes.verify import names_of, reads_of
from derive.calculus.expressions.substitution import substitute
from derive.calculus.expressions.tensor import Ref
from derive.calculus.program.program import Equation, Program, Recurrence, Statement


def into_steps(program: Program) -> Program:
    """The program whose recurrences hold what reads of them one step at a time."""
    found: list[Statement] = []
    for statement in program.statements:
        place = _home(statement, found)
        if place is None:
            found.append(statement)
            continue
        loop = found[place]
        assert isinstance(statement, Equation)
        assert isinstance(loop, Recurrence)
        moved = _as_step(statement, loop, found)
        assert moved is not None
        found[place] = replace(loop, equations=_inserted(loop, moved))
    return program.with_statements(tuple(found))


def near(program: Program) -> Program:
    """The program whose steps compute each value right before the first that reads it in the step.

    A value that the step reads nowhere, or that reads what comes later, stays where it is.
    """
    changed = [
        replace(one, equations=_near(one.equations)) if isinstance(one, Recurrence) else one
        for one in program.statements
    ]
    return program.with_statements(tuple(changed))


def _home(statement: Statement, before: Sequence[Statement]) -> int | None:
    """The recurrence that an equation may be a part of: the last of those before that it reads."""
    if isinstance(statement, Recurrence) or statement.accumulates:
        return None
    for place in range(len(before) - 1, -1, -1):
        one = before[place]
        if isinstance(one, Recurrence) and names_of(one) & statement.reads:
            between = {name for other in before[place + 1 :] for name in names_of(other)} - names_of(one)
            own = statement.name in {name for other in before for name in names_of(other)}
            fits = not own and not between & statement.reads and _as_step(statement, one, before) is not None
            return place if fits else None
    return None


def _as_step(equation: Equation, loop: Recurrence, before: Sequence[Statement]) -> Equation | None:
    """The equation at one step; None where it is not of one, or reads what the step does not compute."""
    axes = [pair for pair in equation.ranges if pair[1] == loop.extent and pair[0] in equation.target.indices]
    for pair in axes:
        if loop.index in equation.loops and loop.index != pair[0]:
            continue
        renamed: dict[Basic, Basic] = {pair[0]: loop.index}
        target = substitute(equation.target, renamed)
        assert isinstance(target, Ref)
        moved = replace(
            equation,
            target=target,
            ranges=tuple(other for other in equation.ranges if other != pair),
            value=substitute(equation.value, renamed),
        )
        if _of_the_step(moved, loop, before):
            return moved
    return None


def _of_the_step(moved: Equation, loop: Recurrence, before: Sequence[Statement]) -> bool:
    """Whether all that an equation reads of a recurrence is there at the same step."""
    names = names_of(loop)
    read = [ref for ref in moved.references if ref.name in names]
    pairs = [(ref, one) for ref in read for one in loop.equations if one.name == ref.name]
    there = all(_there(ref, one, loop, before) for ref, one in pairs)
    return loop.index in moved.target.indices and bool(read) and there


def _there(ref: Ref, made: Equation, loop: Recurrence, before: Sequence[Statement]) -> bool:
    """Whether an element is computed by this step, or by one before it or a boundary."""
    behind = _behind(ref, made, loop)
    if behind is None or behind < 0:
        return False
    late = (name for one in before[_place(loop, before) :] if one is not loop for name in names_of(one))
    return behind == 0 or ref.name not in late


def _behind(ref: Ref, made: Equation, loop: Recurrence) -> int | None:
    """How many steps before this one an element was computed; None where that is not one number."""
    at = [n for n, index in enumerate(made.target.indices) if index.has(loop.index)]
    gaps = {made.target.indices[n] - ref.indices[n] for n in at if made.target.indices[n] not in made.loops}
    if len(gaps) != 1 or not (gap := gaps.pop()).is_Integer:
        return None
    return -int(gap) if loop.reverse else int(gap)


def _place(loop: Recurrence, before: Sequence[Statement]) -> int:
    return next(n for n, one in enumerate(before) if one is loop)


def _inserted(loop: Recurrence, moved: Equation) -> tuple[Equation, ...]:
    """The equations of a step with one more, right after the last of this step that it reads."""
    own = [
        n
        for n, one in enumerate(loop.equations)
        if any(_behind(ref, one, loop) == 0 for ref in moved.references if ref.name == one.name)
    ]
    after = max(own, default=-1) + 1
    return (*loop.equations[:after], moved, *loop.equations[after:])


def _near(equations: tuple[Equation, ...]) -> tuple[Equation, ...]:
    found: list[Equation] = []
    for one in reversed(equations):
        first = next((n for n, other in enumerate(found) if one.name in other.reads), 0)
        alone = sum(other.name == one.name for other in equations) == 1
        writes = {other.name for other in found[:first]}
        found.insert(first if alone and not writes & reads_of(one) else 0, one)
    return tuple(found)

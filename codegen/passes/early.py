"""Early: a sum that is a part of a late value is computed before the recurrence that it need not wait for.

    H_bar[i,k] = ..                                     H_bar[i,k] = ..
    for l<L reversed: Z_bar[l,i,j] = ..                 E_bar_sum[k,j] = sum_i H_bar[i,k] N[i,j]
    E_bar_1[x[i],j] += Z_bar[0,i,j]                     for l<L reversed: Z_bar[l,i,j] = ..
    E_bar[k,j] = E_bar_1[k,j] + sum_i H_bar[i,k] N[i,j]     E_bar_1[x[i],j] += Z_bar[0,i,j]
                                                        E_bar[k,j] = E_bar_1[k,j] + E_bar_sum[k,j]

H_bar and N need not be held through the recurrence; E_bar_sum must be, so it has to be smaller than they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from sympy import Add, Expr

from codegen.extents import elements
from codegen.passes.hoist import fresh_name
from codegen.passes.verify import names_of, reads_of
from derive.calculus.expressions.nodes import Sum
from derive.calculus.expressions.tensor import Ref, Tensor, refs
from derive.calculus.program.program import Equation, Program, Recurrence, Statement


def early(program: Program, given: Set[str], sizes: Mapping[str, int]) -> Program:
    """The program whose sums wait for no recurrence where they need not; what is `given` takes no room."""
    for one in program.statements:
        terms = one.value.args if isinstance(one, Equation) and isinstance(one.value, Add) else ()
        for term in terms:
            current = program.defining(one.name) if isinstance(one, Equation) else ()
            if len(current) == 1 and not current[0].accumulates and isinstance(term, Sum):
                program = _with_early(program, current[0], term, given, sizes)
    return program


def _with_early(
    program: Program, late: Equation, term: Expr, given: Set[str], sizes: Mapping[str, int]
) -> Program:
    """The program with a term of an equation on its own, where that lets go of more than it holds."""
    before = program.statements[: program.statements.index(late)]
    own = _for_it_alone(late, term, program)
    others = [one for one in before if one not in own]
    reads = {ref.name for ref in refs(term)}.union(*(one.reads for one in own))
    made = max((n for n, one in enumerate(others) if reads & names_of(one)), default=-1) + 1
    place = next((n for n in range(made, len(others)) if isinstance(others[n], Recurrence)), None)
    if place is None:
        return program
    beyond = {name for one in others[place:] for name in reads_of(one)}
    own_names = {one.name for one in own}
    freed = sum(elements(program.tensor(name), sizes) for name in reads - given - own_names - beyond)
    target = program.tensor(late.name)
    if freed <= elements(target, sizes):
        return program
    part = Ref(fresh_name(f"{late.name}_sum", set(program.tensors)), *late.target.indices)
    summed = replace(late, target=part, value=term, given=False)
    whole = replace(late, value=late.value.xreplace({term: part}))
    after = program.statements[len(before) + 1 :]
    statements = (*others[:place], *own, summed, *others[place:], whole, *after)
    return program.with_statements(statements, [Tensor(part.name, target.axes, target.kind)])


def _for_it_alone(late: Equation, term: Expr, program: Program) -> list[Equation]:
    """What is computed for a term of an equation alone, in order."""
    own: list[Equation] = []
    for one in reversed(program.statements[: program.statements.index(late)]):
        if isinstance(one, Equation) and _alone(one, late, term, own, program):
            own.insert(0, one)
    return own


def _alone(one: Equation, late: Equation, term: Expr, own: Sequence[Statement], program: Program) -> bool:
    """Whether only the term, or what is computed for it alone, reads a value."""
    if one.accumulates or len(program.defining(one.name)) > 1 or one.name in program.outputs:
        return False
    readers = [other for other in program.equations() if one.name in other.reads]
    rest = {ref.name for ref in refs(late.value - term)} if late in readers else set()
    return bool(readers) and one.name not in rest and all(other is late or other in own for other in readers)

"""Selected: what a sum over windows leaves out of a value is left out where the value is made.

    Z_dot[i] = sum_p X[i,p] W[p]
    P[h] = max_{u<2} Z[2 h + u]
    P_dot[h] = sum_{u<2} where(Z[2 h + u] == P[h], Z_dot[2 h + u], 0)
becomes
    P[h] = max_{u<2} Z[2 h + u]
    Z_dot[i] = sum_p X[i,p] W[p]
    Z_dot_selected[i] = where(Z[i] == P[i//2], Z_dot[i], 0)
    P_dot[h] = sum_{u<2} Z_dot_selected[2 h + u]

Z_dot is not stored then, and what is selected of it may lie where Z lay, which is read there last. Windows
must not overlap: each element is of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sympy import Expr, expand
from sympy.core.basic import Basic

from codegen.passes.hoist import fresh_name
from derive.calculus.expressions.nodes import FloorDiv, Sum, Where, free_indices, reduces
from derive.calculus.expressions.tensor import Index, IntegerRef, Ref, refs
from derive.calculus.program.program import Equation, Program, Statement


def selected(program: Program) -> Program:
    """The program that selects before it sums, where nothing else reads what is selected from."""
    for one in program.statements:
        if isinstance(one, Equation) and isinstance(one.value, Sum):
            program = _selected(program, one, one.value)
    return program


def _selected(program: Program, reader: Equation, summed: Sum) -> Program:
    """The program in which one sum has been changed, where it can be."""
    body = summed.body
    chosen = body.chosen if isinstance(body, Where) and body.other == 0 else None
    made = _made_for(reader, chosen, program) if isinstance(chosen, Ref) else None
    if made is None or not isinstance(chosen, Ref):
        return program
    elements = _elements(chosen, reader, summed, made)
    value = body.xreplace(elements) if elements else body
    if not elements or not _whole(value, made):
        return program
    name = fresh_name(f"{made.name}_selected", set(program.tensors))
    whole = replace(made, target=Ref(name, *made.loops), value=value, given=False)
    summing = replace(reader, value=summed.xreplace({body: Ref(name, *chosen.indices)}))
    statements: list[Statement] = []
    for one in program.statements:
        statements += [made, whole, summing] if one is reader else [] if one is made else [one]
    return program.with_statements(tuple(statements), [replace(program.tensor(made.name), name=name)])


def _made_for(reader: Equation, chosen: Ref, program: Program) -> Equation | None:
    """The equation of a value that is a sum, and that this one alone reads; its loops are its indices."""
    makers = program.defining(chosen.name)
    readers = [one for one in program.equations() if chosen.name in one.reads]
    if len(makers) != 1 or readers != [reader] or chosen.name in program.outputs:
        return None
    (made,) = makers
    plain = made in program.statements and reduces(made.value) and made.target.indices == made.loops
    return made if plain and not made.accumulates else None


def _elements(chosen: Ref, reader: Equation, summed: Sum, made: Equation) -> dict[Basic, Basic]:
    """2 h + u as i, then h as i//2; nothing where windows overlap or leave elements out."""
    wide, left = dict(summed.ranges), dict(reader.ranges)
    inside: dict[Basic, Basic] = {}
    outside: dict[Basic, Basic] = {}
    for index, (loop, extent) in zip(chosen.indices, made.ranges, strict=True):
        own = next((u for u in wide if index.has(u)), None)
        if own is None:
            outside[index] = loop
            whole = isinstance(index, Index) and left.pop(index, None) == extent
        else:
            width = wide.pop(own)
            h = next((h for h in left if index == width * h + own), None)
            whole = h is not None and expand(width * left.pop(h) - extent) == 0
            inside[index] = loop
            outside |= {h: FloorDiv(loop, width)} if h is not None else {}
        if not whole:
            return {}
    return {**_refs(summed.body, inside, outside)} if not wide and not left else {}


def _refs(body: Expr, inside: Mapping[Basic, Basic], outside: Mapping[Basic, Basic]) -> dict[Basic, Basic]:
    """Every element that a body reads, by the indices of the value that is selected from."""
    both = {**outside, **inside}
    return {
        ref: Ref(
            ref.name,
            *(both[index] if index in both else index.xreplace(dict(outside)) for index in ref.indices),
        )
        for ref in refs(body)
    }


def _whole(value: Expr, made: Equation) -> bool:
    """Whether all that a value reads is of its own element, or of that element's window."""
    free = free_indices(value)
    return not any(isinstance(ref, IntegerRef) for ref in refs(value)) and free <= set(made.loops)

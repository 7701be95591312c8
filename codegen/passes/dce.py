"""Dead equations: what no output needs, goes.

    Z[i,j] = sum_{p<n} X[i,p] W[p,j]
    S[i,j] = 1/(1 + exp(-Z[i,j]))        nobody reads S
    Y[i,j] = Z[i,j]**2                   -> Y
becomes
    Z[i,j] = sum_{p<n} X[i,p] W[p,j]
    Y[i,j] = Z[i,j]**2                   -> Y
"""

from __future__ import annotations

from dataclasses import replace

from codegen.passes.verify import names_of, reads_of
from derive.calculus.program.program import Equation, Program, Recurrence, Statement


def dce(program: Program) -> Program:
    """The program without the equations and the declarations that no output needs."""
    needed = set(program.outputs)
    kept: list[Statement] = []
    for statement in reversed(program.statements):
        if names_of(statement) & needed:
            alive = _alive(statement, needed)
            needed |= reads_of(alive)
            kept.append(alive)
    statements = tuple(reversed(kept))
    defined = {name for statement in statements for name in names_of(statement)}
    declared = tuple(tensor for tensor in program.locals if tensor.name in defined)
    return replace(program, statements=statements, locals=declared)


def _alive(statement: Statement, needed: set[str]) -> Statement:
    """A recurrence without the equations that neither its later readers nor its own steps need."""
    if not isinstance(statement, Recurrence):
        return statement
    wanted: set[str] = set()
    while True:
        live = tuple(e for e in statement.equations if e.name in needed | wanted)
        grown = {name for equation in live for name in _own_reads(equation, statement)}
        if grown <= wanted:
            return replace(statement, equations=live)
        wanted |= grown


def _own_reads(equation: Equation, recurrence: Recurrence) -> set[str]:
    return reads_of(equation) & names_of(recurrence)

"""Order: definitions stay as they are, and a result that nothing else reads follows what it needs.

Z3_bar[i,j] = ..                            Z3_bar[i,j] = ..
A1_bar[i,j] = .. Z3_bar ..                  W2_bar[p,j] = sum_{i<m} Z2[i,p] Z3_bar[i,j]
W1_bar[p,j] = sum_{i<m} X[i,p] A1_bar[i,j]  A1_bar[i,j] = .. Z3_bar ..
W2_bar[p,j] = sum_{i<m} Z2[i,p] Z3_bar[i,j] W1_bar[p,j] = sum_{i<m} X[i,p] A1_bar[i,j]
"""

from __future__ import annotations

from codegen.passes.verify import names_of, reads_of
from derive.calculus.program.program import Program


def order(program: Program) -> Program:
    """The program with each result right after the last statement that it reads."""
    reads = [reads_of(statement) - names_of(statement) for statement in program.statements]
    read_by_others = {name for names in reads for name in names}
    last: dict[str, int] = {}
    places = []
    for number, statement in enumerate(program.statements):
        names = names_of(statement)
        needs = max((last.get(name, -1) for name in reads[number] | names), default=-1)
        result = not names & read_by_others and needs >= 0
        places.append((needs, 1, number) if result else (number, 0, number))
        last |= dict.fromkeys(names, number)
    return program.with_statements(tuple(program.statements[number] for *_, number in sorted(places)))

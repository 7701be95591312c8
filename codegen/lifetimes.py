"""When a value is dead: after the last statement that reads it.

E[i,q] = exp(H[i,q] - M[i])
T[i] = sum_{q<k} E[i,q]
S[i,j] = E[i,j]/T[i]            E dies here: S may take its place
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from codegen.passes.verify import names_of, reads_of
from derive.calculus.program import Program


def deaths(program: Program, inlined: Set[str] = frozenset()) -> Mapping[str, frozenset[str]]:
    """For each name, the locals that are read last where it is defined; outputs and inputs never die.

    What is inlined is computed where it is read, and so are its operands.
    """
    last: dict[str, int] = {}
    for number, statement in reversed(list(enumerate(program.statements))):
        names = names_of(statement)
        place = (
            max((last.get(name, number) for name in names), default=number) if names <= inlined else number
        )
        for name in reads_of(statement):
            last[name] = max(place, last.get(name, place))
    mortal = {tensor.name for tensor in program.locals} - set(program.outputs)
    dying: dict[int, set[str]] = {}
    for name in sorted(mortal & set(last)):
        dying.setdefault(last[name], set()).add(name)
    return {
        name: frozenset(dying.get(number, ()))
        for number, statement in enumerate(program.statements)
        for name in names_of(statement)
    }

"""When a value is dead: after the last statement that reads it.

E[i,q] = exp(H[i,q] - M[i])
T[i] = sum_{q<k} E[i,q]
S[i,j] = E[i,j]/T[i]            E dies here: S may take its place

In a recurrence only that dies which its step computed for itself: the rest is there for the next step too.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from codegen.passes.verify import names_of, reads_of
from derive.calculus.program.program import Program, Recurrence


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
    found = {
        name: frozenset(dying.get(number, ()))
        for number, statement in enumerate(program.statements)
        for name in names_of(statement)
    }
    for statement in program.statements:
        if isinstance(statement, Recurrence):
            found |= _in_a_step(statement, program, inlined)
    return found


def _in_a_step(loop: Recurrence, program: Program, inlined: Set[str]) -> dict[str, frozenset[str]]:
    """The same inside of a step: what is no array over the steps, and read in its own step alone."""
    found: dict[str, set[str]] = {equation.name: set() for equation in loop.equations}
    readers = [other.reads for other in program.equations() if other not in loop.equations]
    for equation in loop.equations:
        name = equation.name
        alone = len(program.defining(name)) == 1 and name not in program.outputs and name not in inlined
        if not alone or equation.target.has(loop.index) or any(name in reads for reads in readers):
            continue
        last = [other.name for other in loop.equations if name in other.reads]
        if last and len(program.defining(last[-1])) == 1 and last[-1] not in inlined:
            found[last[-1]].add(name)
    return {name: frozenset(dead) for name, dead in found.items()}

"""In outputs: what rows make for themselves alone lies where their output is to lie.

    E[i,j] = exp(Z[i,j] - M[i]); T[i] = sum_{q<k} E[i,q]      E lies where S is to lie
    S[i,j] = E[i,j]/T[i]                                      each element of S replaces that of E

So less memory is touched. Where an output may lie on an input nothing else does: it would write over what of
the input is still to be read. And only rows of whole vectors are taken: the caller's are not padded, and a
last part that is written and read back as one may take longer than the arena.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import replace

from sympy import Expr

from codegen.overwriting import overwriting
from codegen.tuned.arena.in_place import takes
from codegen.tuned.groups.groups import Rows, Step, names_of, reads_of
from codegen.tuned.storage import Stored
from derive.calculus.program.program import Program


def in_outputs(
    program: Program, steps: tuple[Step, ...], stored: Mapping[str, Stored], whole: Callable[[Expr], bool]
) -> dict[str, Stored]:
    """Where every tensor lies, what can in the place of an output; `whole` rows end with a whole vector."""
    found, free = dict(stored), set(program.outputs) - set(overwriting(program))
    for step in steps:
        if not isinstance(step, Rows) or not whole(step.lane[1]):
            continue
        others = [one for one in steps if one is not step]
        made = frozenset[str]().union(*map(names_of, others))
        read = frozenset[str]().union(*map(reads_of, others))
        alone = step.again - made - read - set(program.outputs)
        found |= _of_rows(step, alone, step.names & free - made, found)
    return found


def _of_rows(
    rows: Rows, alone: Set[str], outputs: Set[str], stored: Mapping[str, Stored]
) -> Mapping[str, Stored]:
    """What rows alone make and read, the last first: where an output and all that lies there follow it."""
    there = {output: [output] for output in sorted(outputs)}
    for name in [one.name for one in reversed(rows.equations) if one.name in alone]:
        for output, later in there.items():
            place = replace(stored[name], start=stored[output].start, padded=stored[output].padded)
            changed = {**stored, name: place}
            if all(takes(rows, new, name, changed) for new in later):
                stored = changed
                later.append(name)
                break
    return stored

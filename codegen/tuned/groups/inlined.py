"""Inlined: a sum over a small window is computed where it is read, once for all elements of that window.

    n[h] = sum_{u<2} [Z[2 h + u] == P[h]]
    A[h] = where(Z[h] == P[h//2], B[h//2]/n[h//2], 0)

    for each k:  n = [Z[2 k] == P[k]] + [Z[2 k + 1] == P[k]]      then A[2 k] and A[2 k + 1]

n is not stored. A may still lie where Z lay: all that the sum reads are elements of its own window, which are
read before any of them is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import replace

from sympy.core.basic import Basic

from codegen.tuned.groups.groups import Group, Step, reads_of
from codegen.tuned.small_windows import is_small
from derive.calculus.expressions.nodes import FloorDiv, Range, reduces
from derive.calculus.expressions.substitution import substitute
from derive.calculus.expressions.tensor import Ref, refs
from derive.calculus.program.program import Equation

Once = Callable[[Group], bool]
"""Whether a group computes all its sums once for a window."""


def inlined(steps: Iterable[Step], once: Once, kept: Set[str]) -> list[Step]:
    """The steps without the groups whose sums others compute for themselves."""
    found = list(steps)
    for step in list(found):
        sums = step.first if isinstance(step, Group) and len(step.equations) == 1 else None
        if sums is None or sums.name in kept or not is_small(sums.value) or sums.target.indices != sums.loops:
            continue
        readers = [one for one in found if sums.name in reads_of(one)]
        reader = _with(readers[0], sums) if len(readers) == 1 else None
        if reader is not None and once(reader):
            found = [reader if one is readers[0] else one for one in found if one is not step]
    return found


def in_its_window(ref: Ref, ranges: Iterable[Range], target: Ref) -> bool:
    """Whether an element that a sum reads is of the window of the target: 2 (h//2) + u, of u < 2."""
    bound = dict(ranges)
    for index, own in zip(ref.indices, target.indices, strict=True):
        wide = [extent for u, extent in bound.items() if index == extent * FloorDiv(own, extent) + u]
        if index != own and not wide:
            return False
    return True


def _with(reader: Step, sums: Equation) -> Group | None:
    """The group that computes a sum wherever it reads it."""
    if (
        not isinstance(reader, Group)
        or reader.block
        or any(reduces(one.value) for one in reader.equations[:1])
    ):
        return None
    if any(sums.name in one.reads for one in reader.equations[1:]):
        return None
    value: dict[Basic, Basic] = {}
    for ref in refs(reader.first.value):
        if ref.name == sums.name:
            value[ref] = substitute(sums.value, dict(zip(sums.loops, ref.indices, strict=True)))
    first = replace(reader.first, value=reader.first.value.xreplace(value))
    return replace(reader, equations=(first, *reader.equations[1:]), inside=(*reader.inside, sums))

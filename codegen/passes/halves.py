"""The two halves of a derived program: what needs no cotangent, and the pullback.

    Z[i,j] = sum_{p<n} X[i,p] W[p,j]                        forward
    L = sum_i Z[i,0]^2                                      forward
    Z_bar[i,j] = 2 Z[i,0] L_bar [j = 0]                     backward, for it reads L_bar
    W_bar[p,j] = sum_{i<m} X[i,p] Z_bar[i,j]                backward, for it reads Z_bar

What crosses are the residuals: Z.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from functools import cached_property

from codegen.passes.verify import names_of, reads_of
from derive.calculus.program.program import Program, Statement


@dataclass(frozen=True)
class Halves:
    """The statements before and after the cotangents enter, each in order."""

    forward: tuple[Statement, ...]
    backward: tuple[Statement, ...]

    @cached_property
    def computed(self) -> frozenset[str]:
        """What the forward half defines."""
        return frozenset(name for statement in self.forward for name in names_of(statement))

    @cached_property
    def crossing(self) -> frozenset[str]:
        """What the forward half defines and the backward half reads."""
        return self.computed.intersection(name for one in self.backward for name in reads_of(one))


def halves(program: Program, seeds: Iterable[str]) -> Halves:
    """The halves of a program whose cotangents enter as `seeds`."""
    moved: Set[str] = set(seeds)
    forward: list[Statement] = []
    backward: list[Statement] = []
    for statement in program.statements:
        late = bool((reads_of(statement) | names_of(statement)) & moved)
        moved = moved | names_of(statement) if late else moved
        (backward if late else forward).append(statement)
    return Halves(tuple(forward), tuple(backward))

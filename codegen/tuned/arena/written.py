"""What phases write: in whole vectors what others read; in single numbers, every equation of a group.

A group whose sums no vectors compute is written equation by equation, so that each needs a place:

    H_bar[a,j] = ..; N_bar[a,j] = H_bar[a,j] (1 - Z[a,j])      N_bar too, though nothing else reads it
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from codegen.c.source import identifiers
from codegen.tuned.groups.groups import Nest, Step, Turns, groups_of, key_of
from codegen.tuned.phase import Phase
from codegen.tuned.spelling.scene import pointer


def as_written(step: Step, phases: Mapping[tuple[str, ...], Phase]) -> Step:
    """The step with all that its phases write as what it stores."""
    groups = tuple(_with_mentioned(group, phases[key_of(group)]) for group in groups_of(step))
    return replace(step, groups=groups) if isinstance(step, Turns) else groups[0]


def _with_mentioned(group: Nest, one: Phase) -> Nest:
    words = identifiers((*one.lines, *one.finish))
    return replace(group, stored=group.stored | {name for name in group.names if pointer(name) in words})

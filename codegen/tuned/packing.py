"""Packing once: what every turn of a recurrence reads alike is packed in the first of them.

    H[t] = sum_q A[t,q] U[j,q]        if (t == T - 1) FN(pack)(.., U, .., panels);

Panels have one place. So that holds where nothing else of the turn packs anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from codegen.c_source import identifiers
from codegen.tuned.contraction import contraction
from codegen.tuned.groups import Group, Nest, Step, Turns, groups_of, key_of, names_of
from codegen.tuned.phase import Phase
from codegen.tuned.phases import in_turn
from codegen.tuned.scene import Scene
from derive.calculus.nodes import free_indices

Phases = Mapping[tuple[str, ...], Phase]


def packing_once(
    lists: tuple[tuple[Step, ...], ...], phases: Phases, scene: Scene
) -> Iterator[tuple[Nest, Scene]]:
    """The groups of turns that pack a factor for all turns, and the scene that says in which."""
    counts = Counter(key_of(group) for steps in lists for step in steps for group in groups_of(step))
    for step in (step for steps in lists for step in steps if isinstance(step, Turns)):
        packing = [group for group in step.groups if "panels" in identifiers(phases[key_of(group)].lines)]
        if len(packing) == 1 and counts[key_of(packing[0])] == 1 and _alike(packing[0], step, scene):
            inside = in_turn(scene, step)
            first = f"{inside.scalar().integer(step.extent)} - 1" if step.reverse else "0"
            yield packing[0], replace(inside, once=f"{step.index.name} == {first}")


def _alike(group: Nest, step: Turns, scene: Scene) -> bool:
    """Whether no turn changes the factor that a group packs."""
    found = contraction(group.first, scene.stored) if isinstance(group, Group) else None
    if found is None or group.block is not None or found.right.name in names_of(step):
        return False
    return step.index not in {i for index in found.right.indices for i in free_indices(index)}

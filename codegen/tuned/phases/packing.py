"""Packing once: what every turn of a recurrence reads alike is packed in the first of them.

    H[t] = sum_q A[t,q] U[j,q]        if (t == T - 1) FN(pack)(.., U, .., panels);

Panels have one place. So that holds where nothing else of the turn packs anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from codegen.c.source import identifiers
from codegen.tuned.groups.groups import Group, Nest, Step, Turns, groups_of, key_of, names_of
from codegen.tuned.phase import Phase
from codegen.tuned.phases.phases import in_turn
from codegen.tuned.products.contraction import contraction
from codegen.tuned.spelling.scene import Scene
from derive.calculus.expressions.nodes import free_indices

Phases = Mapping[tuple[str, ...], Phase]


def packing_once(
    lists: tuple[tuple[Step, ...], ...], phases: Phases, scene: Scene
) -> Iterator[tuple[Nest, Scene]]:
    """The groups of turns that pack a factor for all turns, and the scene that says in which."""
    found: dict[tuple[str, ...], list[tuple[Nest, Step]]] = {}
    for step in (step for steps in lists for step in steps):
        for group in groups_of(step):
            found.setdefault(key_of(group), []).append((group, step))
    for uses in found.values():
        group, step = uses[0]
        if isinstance(step, Turns) and all(_packs_alone(one, other, phases, scene) for one, other in uses):
            inside = in_turn(scene, step)
            first = f"{inside.scalar().integer(step.extent)} - 1" if step.reverse else "0"
            if len({_way(other) for _, other in uses}) == 1:
                yield group, replace(inside, once=f"{step.index.name} == {first}")


def _way(step: Step) -> tuple[object, ...] | None:
    """How turns follow each other: the same function serves only those that begin alike."""
    return (step.index, step.extent, step.reverse) if isinstance(step, Turns) else None


def _packs_alone(group: Nest, step: Step, phases: Phases, scene: Scene) -> bool:
    """Whether a group packs what no turn changes, and nothing else of the turns packs anything."""
    if not isinstance(step, Turns) or not _alike(group, step, scene):
        return False
    packing = [one for one in step.groups if "panels" in identifiers(phases[key_of(one)].lines)]
    return packing == [group]


def _alike(group: Nest, step: Turns, scene: Scene) -> bool:
    """Whether no turn changes the factor that a group packs."""
    found = contraction(group.first, scene.stored) if isinstance(group, Group) else None
    if found is None or group.block is not None or found.right.name in names_of(step):
        return False
    return step.index not in {i for index in found.right.indices for i in free_indices(index)}

"""Phases: each group of equations as one function of the kernel part, a contraction with its finish.

/* A1[i,j] = sum_{q<n} X[i,q] W1[q,j]; Z2[i,j] = where(A1[i,j] > 0, A1[i,j], 0) */
static void FN(Z2)(FN(task) *x)
{
    FN(pack)(W1, D, 1, N, D, 4, panels);
    FN(contract)((FN(product)){1, 1, N, N, 0, 0, 1, 0, 0, 0}, b->m, M, D, 4, 1, X, panels, FN(Z2_finish), x);
}
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from sympy.core.basic import Basic

from codegen.c.letters import free_letter, lettered
from codegen.c.nest import render
from codegen.printers.to_c import Used
from codegen.printers.to_text import equation_text
from codegen.tuned.groups.gathered import relettered as moved_sum
from codegen.tuned.groups.groups import Group, Nest, Rows, Step, Turns
from codegen.tuned.groups.portions import in_portions
from codegen.tuned.groups.rows import relettered
from codegen.tuned.phase import Phase
from codegen.tuned.phases.contracted import contracted
from codegen.tuned.phases.row_nests import rows_nest
from codegen.tuned.products.contraction import Contraction, Zeros, contraction, steps
from codegen.tuned.products.limits import Regions, limits
from codegen.tuned.products.straight import is_small, is_straight
from codegen.tuned.products.walk import walk_of
from codegen.tuned.spelling.around import loops_around, needed, within
from codegen.tuned.spelling.nests import group_nest
from codegen.tuned.spelling.scene import TAKEN, Scene, pointer, value
from codegen.tuned.storage import at
from derive.calculus.expressions.nodes import Range
from derive.calculus.expressions.tensor import Index, Ref

EMPTY: Regions = MappingProxyType({})


def phase(
    group: Nest, scene: Scene, gradients: frozenset[str], zeros: Zeros, region: Regions = EMPTY
) -> Phase:
    """The function of a group."""
    group = _rows_lettered(group, scene) if isinstance(group, Rows) else _lettered(group, scene)
    turns = sorted(str(index.name) for index in frozenset().union(*(e.open_indices for e in group.equations)))
    made = _phase(group, scene, gradients, zeros, region)
    return replace(made, turn=turns[0] if turns else "", portioned=in_portions(group))


def outer_loops(group: Nest, scene: Scene, zeros: Zeros) -> tuple[Range, ...] | None:
    """The loops around a group's own, where others may share them; None where threads share it otherwise."""
    if isinstance(group, Rows):
        return group.outer
    found = contraction(group.first, scene.stored, zeros)
    found = None if found is None else _ordered(found, scene)
    if found is None:
        nodes = group_nest(group, replace(scene, used=Used(), called=Used()))
        return group.first.ranges[: loops_around(nodes, group.first.ranges)]
    if is_straight(found, scene):
        return None
    walk = walk_of(found, scene)
    return None if walk.packed and not walk.around else found.outer


def is_tiled(group: Nest, scene: Scene, zeros: Zeros) -> bool:
    """Whether a group is a product of tiles."""
    found = contraction(group.first, scene.stored, zeros) if isinstance(group, Group) else None
    found = None if found is None else _ordered(found, scene)
    return found is not None and not found.dots and not is_straight(found, scene)


def _phase(group: Nest, scene: Scene, gradients: frozenset[str], zeros: Zeros, region: Regions) -> Phase:
    texts = tuple(equation_text(equation) for equation in group.equations)
    name = group.equations[-1].name
    around = group.first.ranges[: group.block.loops if group.block else 0]
    if isinstance(group, Rows):
        lines = needed(render(within(rows_nest(group, scene, zeros), around)))
        return Phase(name, texts, lines, small=is_small(group, scene))
    found = contraction(group.first, scene.stored, zeros)
    found = None if found is None else _ordered(found, scene)
    if found is None:
        lines = needed(render(within(group_nest(group, scene), around)))
        return Phase(name, texts, lines, small=is_small(group, scene))
    return contracted(found, group, scene, texts, gradients, limits(found, zeros, region))


def in_turn(scene: Scene, step: Step) -> Scene:
    """The scene of a step's groups: the index of a recurrence is open there."""
    return replace(scene, extents={step.index: step.extent}) if isinstance(step, Turns) else scene


def _rows_lettered(rows: Rows, scene: Scene) -> Rows:
    """Rows with index letters that nothing else is called by."""
    free = {str(index.name) for equation in rows.equations for index in equation.open_indices}
    taken = {*TAKEN, *map(pointer, scene.stored), *map(value, scene.stored), *free}
    renamed: dict[Basic, Basic] = {}
    for index, _ in (*rows.outer, rows.lane):
        renamed[index] = free_letter(index, taken)
        taken.add(str(renamed[index]))
    return relettered(rows, renamed)


def _lettered(group: Group, scene: Scene) -> Group:
    """The group with index letters that nothing else is called by."""
    free = {str(index.name) for equation in group.equations for index in equation.open_indices}
    taken = {*TAKEN, *map(pointer, scene.stored), *map(value, scene.stored), *free}
    first = lettered(group.first, taken)
    renamed: dict[Basic, Basic] = dict(zip(group.first.loops, first.loops, strict=True))
    others = []
    for equation in group.equations[1:]:
        if equation in group.sums:
            others.append(moved_sum(equation, renamed))
            continue
        moved = replace(
            equation,
            target=at(equation.target, renamed),
            ranges=first.ranges,
            value=equation.value.xreplace(renamed),
        )
        others.append(lettered(moved, taken, dict(zip(first.loops, first.loops, strict=True))))
    return replace(group, equations=(first, *others))


def _ordered(found: Contraction, scene: Scene) -> Contraction | None:
    """The contraction with rows that are evenly spaced in its left factor; the others are loops around."""
    if len(found.sums) > 3:
        return None
    if found.dots:
        return found
    stored = scene.stored[found.left.name]
    place = {
        index: stored.order.index(next(iter(steps(found.left, index) or {0: 0}))) for index, _ in found.rows
    }
    rows = sorted(found.rows, key=lambda r: place[r[0]])
    kept = [rows[-1]]
    for above in reversed(rows[:-1]):
        below = kept[0]
        whole = below[1] == stored.tensor.shape[stored.order[place[below[0]]]] and _fixed(below, scene)
        padded = place[below[0]] == len(stored.order) - 1 and stored.padded
        if place[above[0]] + 1 != place[below[0]] or not whole or padded:
            break
        kept.insert(0, above)
    outer = tuple(r for r in found.equation.ranges if r in found.outer or (r in rows and r not in kept))
    right = scene.stored[found.right.name]
    depth = {
        index: right.order.index(next(iter(steps(found.right, index) or {0: 0}))) for index, _ in found.sums
    }
    ordered = tuple(sorted(found.sums, key=lambda r: depth[r[0]]))
    return _folded(replace(found, rows=tuple(kept), outer=outer, sums=ordered), scene)


def _folded(found: Contraction, scene: Scene) -> Contraction:
    """The contraction with one sum for those that both factors go through without a gap."""
    sums, folded = list(found.sums), list(found.folded)
    place = 0
    while place + 1 < len(sums) and not found.bounds:
        above, below = sums[place : place + 2]
        if all(_follows(ref, above[0], below, scene) for ref in (found.left, found.right)):
            sums[place : place + 2] = [(below[0], above[1] * below[1])]
            folded.append(above[0])
        else:
            place += 1
    return replace(found, sums=tuple(sums), folded=tuple(folded))


def _follows(ref: Ref, above: Index, below: Range, scene: Scene) -> bool:
    """Whether an element moves by an index as it does by the end of the one below."""
    stored, outer, inner = scene.stored[ref.name], steps(ref, above), steps(ref, below[0])
    if outer is None or inner is None or [*outer.values(), *inner.values()] != [1, 1]:
        return False
    (axis,), (next_axis,) = outer, inner
    at = stored.order.index(next_axis)
    whole = stored.extent(next_axis) == below[1] and at + 1 < len(stored.order) and _fixed(below, scene)
    return whole and stored.order.index(axis) + 1 == at


def _fixed(extent: Range, scene: Scene) -> bool:
    """Whether an index goes as far at every call: a smaller batch leaves a gap behind its last example."""
    return scene.sizes.batch not in map(str, extent[1].free_symbols)

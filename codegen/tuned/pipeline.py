"""The passes, in order, from a network's programs to a `Tuned`, verified between (`verify`):

narrow        what is kept for the pullback, and what is held of one step of a recurrence   memory
fuse          equations that are computed where the one before is finished, in groups     fusion
rows          groups that go over the same rows, row by row; what is made again there      rows, unstored
              counts of maxima, sums, sums over windows                         ties, gathered, inlined
blocks        groups that follow each other for one example after the other               blocks, rolling
              runs that go through the examples in portions, with room for one           portions
layout        which axes lie innermost, which outermost                       layout, outermost, places
contractions  groups that are sums of products of two tensors, as register tiles          contraction
phases        each group as a function: its loops, the finish of its tiles      phases, nests, packing
lifetimes     from when to when each value is needed, and one place for many              lifetimes, arena
gradients     of a small network side by side, as its parameters lie                      gradients
kernels       the tiles of each contraction for each kernel set                           tiles, kernels
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import prod

from codegen.c.network import CNetwork
from codegen.passes.taken import hosts_of, taken
from codegen.passes.verify import verify
from codegen.plan.pipeline import Watch, silent
from codegen.plan.plan import Plan
from codegen.printers.to_c import Used
from codegen.tuned.arena.arena import Arena, constant
from codegen.tuned.arena.lifetimes import lifetimes_arenas, panels_of
from codegen.tuned.draft import Draft
from codegen.tuned.functions import ITEMS
from codegen.tuned.groups.blocks import Outer, blocked, placed_single
from codegen.tuned.groups.fusion import fused
from codegen.tuned.groups.gathered import gathered
from codegen.tuned.groups.groups import (
    Nest,
    Step,
    groups_of,
    key_of,
    names_of,
    reads_of,
    with_last,
    with_stored,
)
from codegen.tuned.groups.inlined import inlined
from codegen.tuned.groups.memory import narrowed
from codegen.tuned.groups.portions import LARGE, Portions, portioned
from codegen.tuned.groups.rolling import rolled
from codegen.tuned.groups.rows import rowed
from codegen.tuned.groups.ties import counted
from codegen.tuned.groups.unstored import unstored
from codegen.tuned.groups.views import views
from codegen.tuned.layout.layout import innermost, margined
from codegen.tuned.layout.outermost import outermost
from codegen.tuned.layout.places import placed, places
from codegen.tuned.own_names import functions
from codegen.tuned.phase import Phase
from codegen.tuned.phases.gradients import are_together, side_by_side
from codegen.tuned.phases.packing import packing_once
from codegen.tuned.phases.phases import in_turn, is_tiled, outer_loops, phase
from codegen.tuned.phases.row_nests import lane, vectorised
from codegen.tuned.products.contraction import Zeros, contraction, zeros_of
from codegen.tuned.products.limits import regions
from codegen.tuned.spelling.nests import along as in_vectors
from codegen.tuned.spelling.nests import computes_once
from codegen.tuned.spelling.scene import Scene
from codegen.tuned.storage import Stored
from codegen.tuned.verification.verify import verified
from derive.calculus.expressions.tensor import Tensor


@dataclass(frozen=True)
class Tuned:
    """A network's steps in order, the phases of each, and where everything lies."""

    c: CNetwork
    lists: Mapping[str, tuple[Step, ...]]
    phases: Mapping[tuple[str, ...], Phase]
    arenas: Mapping[int, Arena]
    scene: Scene
    moved: tuple[Tensor, ...] = ()
    together: bool = False

    @property
    def prefix(self) -> str:
        """What names of the file begin with."""
        return self.c.name

    def panels(self, one: Phase) -> str:
        """Where a phase's packed factors lie."""
        return f"x->w + {constant(panels_of(one))}"


def tuned(c: CNetwork, watch: Watch = silent) -> Tuned:
    """The tuned form of a network, whatever its bytes."""
    return laid_out(replace(c, plan=narrowed(c.plan)), watch)


def laid_out(c: CNetwork, watch: Watch = silent, narrow: bool = False) -> Tuned:
    """The tuned form of a network whose programs keep what they will; `watch` sees each pass, verified.

    `narrow`: as little is stored as can be, even of what is at hand.
    """
    hosts = hosts_of(c.plan.vjp, {tensor.name for tensor in c.plan.residuals})
    while hosts:
        found = _laid_out(c, silent, narrow, hosts)
        apart = {new for one in found.arenas.values() for new in hosts if not lies_in(one, new, hosts[new])}
        if not apart:
            return found if watch is silent else _laid_out(c, watch, narrow, hosts)
        hosts = {new: old for new, old in hosts.items() if new not in apart}
    return _laid_out(c, watch, narrow, {})


def lies_in(one: Arena, new: str, old: str) -> bool:
    """Whether a value has the place of another."""
    return one.offsets.get(new) == one.offsets.get(old)


def _laid_out(c: CNetwork, watch: Watch, narrow: bool, hosts: Mapping[str, str]) -> Tuned:
    """The tuned form of a network; some of its pullback take the places of residuals, their `hosts`."""
    c = replace(c, plan=replace(c.plan, vjp=verify(taken(c.plan.vjp, hosts), "taken")))
    plan = c.plan
    outputs = ((*plan.loss.outputs, plan.network.output), plan.vjp.outputs, plan.jvp.outputs)
    programs = (plan.loss, plan.vjp, plan.jvp)
    grouped = [fused(one.statements, out, narrow) for one, out in zip(programs, outputs, strict=True)]
    equations = [e for steps in grouped for step in steps for e in step.equations]
    lists = dict(zip(("loss", "vjp", "jvp"), grouped, strict=True))
    draft = _seen(Draft(plan, lists), "fuse", watch)
    stored = places(plan)
    inside = innermost(equations, stored, plan.batch_size)
    moved_data = tuple(s.tensor for s in plan.batch if s.tensor.name in inside)
    stored = {name: placed(one, name in inside) for name, one in stored.items()}
    stored |= {t.name: margined(stored[t.name], equations, plan.size) for t in moved_data}
    zeros = zeros_of(equations)
    stored = outermost(equations, stored, zeros)
    draft = _seen(replace(draft, stored=stored), "layout", watch)
    alone = c.sizes if plan.network.most > 1 else replace(c.sizes, batch="")
    scene = Scene(plan.network.name, alone, stored, Used(), Used())
    gradients = frozenset(f"{t.name}_bar" for t in plan.trained)
    whole = frozenset(name for out in outputs for name in out) - {t.name for t in plan.residuals}
    region = regions(equations, whole, lambda one: contraction(one, stored, zeros) is not None)
    for key, out in zip(lists, outputs, strict=True):
        lists[key] = _in_rows(lists[key], frozenset(out), hosts, scene, zeros)
    draft = verified(replace(draft, lists=lists), "rows")
    outer = partial(outer_loops, scene=scene, zeros=zeros)
    draft = _in_blocks(draft, outer, partial(is_tiled, scene=scene, zeros=zeros), whole, hosts)
    stored, lists, scene = dict(draft.stored), dict(draft.lists), replace(scene, stored=draft.stored)
    steps = (lists["loss"], lists["vjp"], lists["jvp"])
    made = partial(phase, zeros=zeros, region=region)
    phases = without_views(named(_functions(steps, scene, gradients, made)), steps, stored)
    draft = _seen(replace(draft, phases=phases), "phases", watch)
    together = are_together(plan, phases.values())
    if together:
        stored |= side_by_side(plan, stored)
        scene = replace(scene, stored=stored)
    arenas = lifetimes_arenas(plan, steps, phases, stored, ITEMS)
    _seen(replace(draft, stored=stored, arenas=arenas), "lifetimes", watch)
    return Tuned(c, lists, phases, arenas, scene, moved_data, together)


def _in_rows(
    steps: tuple[Step, ...], outputs: frozenset[str], hosts: Mapping[str, str], scene: Scene, zeros: Zeros
) -> tuple[Step, ...]:
    """The steps of a list row by row, what is computed near others in their groups."""
    along, fits = partial(lane, scene=scene, zeros=zeros), partial(vectorised, scene=scene, zeros=zeros)
    vectors = partial(in_vectors, scene=scene)
    found = unstored(rowed(steps, along, fits), outputs.union(hosts))
    found = gathered(counted(found, vectors), vectors)
    found = inlined(found, partial(computes_once, scene=scene), outputs)
    return with_stored(with_last(found, hosts), outputs)


def _functions(
    lists: tuple[tuple[Step, ...], ...], scene: Scene, gradients: frozenset[str], made: Callable[..., Phase]
) -> dict[tuple[str, ...], Phase]:
    """The function of each group, those of the pullback with gradients that may be given away."""
    phases: dict[tuple[str, ...], Phase] = {}
    for step in (step for one in lists for step in one):
        for group in groups_of(step):
            trained = gradients if step in lists[1] else frozenset()
            phases[key_of(group)] = made(group, in_turn(scene, step), trained)
    once = packing_once(lists, phases, scene)
    return phases | {key_of(group): made(group, turn, frozenset()) for group, turn in once}


def without_views(
    phases: Mapping[tuple[str, ...], Phase], lists: tuple[tuple[Step, ...], ...], stored: Mapping[str, Stored]
) -> dict[tuple[str, ...], Phase]:
    """The phases; what is a view of something else needs none."""
    found = dict(phases)
    seen = views(lists, stored)
    for group in (group for one in lists for step in one for group in groups_of(step)):
        if seen.keys() & group.names:
            found[key_of(group)] = replace(found[key_of(group)], lines=(), view=True)
    return found


def _in_blocks(
    draft: Draft, outer: Outer, tiled: Callable[[Nest], bool], outputs: frozenset[str], kept: Iterable[str]
) -> Draft:
    """The draft with blocks and room for one turn, of some for all, and the list of the forward pass."""
    plan = draft.plan
    leaving = outputs | {tensor.name for tensor in plan.residuals}
    found = blocked(draft.lists, outer, plan.size, draft.stored, leaving)
    stored = rolled(found.lists, placed_single(draft.stored, found), leaving.union(kept), plan.size)
    given = Portions(
        stored, plan.batch_size, leaving.union(kept), partial(is_large, plan=plan, stored=stored), tiled
    )
    lists, stored = portioned(found.lists, given)
    lists["forward"] = ancestors(lists["loss"], plan.network.output)
    return verified(replace(draft, lists=lists, stored=stored), "blocks")


def is_large(name: str, plan: Plan, stored: Mapping[str, Stored]) -> bool:
    """Whether a tensor takes so much room beside what is kept that it is worth a run of portions."""
    return prod(plan.size(extent) for extent in stored[name].tensor.shape) > LARGE * plan.kept_elements()


def _seen(draft: Draft, after: str, watch: Watch) -> Draft:
    """The draft after a pass, verified and shown."""
    watch(after, verified(draft, after))
    return draft


def named(phases: Mapping[tuple[str, ...], Phase]) -> dict[tuple[str, ...], Phase]:
    """Phases with names of their own: two of one name are numbered, as is one that the kernels have."""
    found: dict[tuple[str, ...], Phase] = {}
    taken = set(functions())
    for key, one in phases.items():
        name, number = one.name, 2
        while name in taken:
            name, number = f"{one.name}_{number}", number + 1
        taken.add(name)
        lines = tuple(line.replace(f"FN({one.name}_finish)", f"FN({name}_finish)") for line in one.lines)
        found[key] = replace(one, name=name, lines=lines)
    return found


def ancestors(steps: tuple[Step, ...], output: str) -> tuple[Step, ...]:
    """The steps that an output needs."""
    needed_names = {output}
    kept: list[Step] = []
    for step in reversed(steps):
        if names_of(step) & needed_names:
            kept.append(step)
            needed_names |= reads_of(step)
    return tuple(reversed(kept))

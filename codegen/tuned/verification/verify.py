"""What a draft must be after each pass of the planner; complaints name the tensor and what is wrong.

fuse     every equation is in one group, after what it reads; what others read is stored
layout   every tensor has a place, its axes in some order, zeros wherever windows reach
blocks   what has room for a single value, or a portion, is needed in one block, for the values of its loops
phases   every group has a function of its own name, which touches all that its equations name
arena    what is needed at once lies apart, within the arena, on whole cache lines       verify_arena
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Set

from sympy import Expr

from codegen.c.source import identifiers
from codegen.passes.verify import BrokenProgram
from codegen.tuned.draft import Draft
from codegen.tuned.groups.gathered import gathers
from codegen.tuned.groups.groups import Block, Group, Nest, Step, groups_of, key_of, names_of
from codegen.tuned.groups.portions import in_portions
from codegen.tuned.groups.rolling import overtaken, turn_axes
from codegen.tuned.layout.layout import halo
from codegen.tuned.spelling.scene import pointer
from codegen.tuned.storage import Stored
from codegen.tuned.verification.verify_arena import misplaced
from derive.calculus.expressions.nodes import Largest, Reduction, reduces
from derive.calculus.program.program import Program, equations_of


def verified(draft: Draft, after: str) -> Draft:
    """The draft itself; BrokenProgram, naming the pass, where it is not one."""
    for complaint in complaints(draft):
        raise BrokenProgram(f"after {after}, {draft.name}: {complaint}\n{draft}")
    return draft


def complaints(draft: Draft) -> Iterator[str]:
    """Everything wrong with a draft."""
    for key, program in programs(draft).items():
        yield from _lost(program, draft.lists[key])
        yield from _unordered(key, draft)
        yield from (
            complaint
            for group in _groups(draft.lists[key])
            if isinstance(group, Group)
            for complaint in _uneven(group)
        )
    yield from _unstored(draft)
    if draft.stored:
        yield from _nowhere(draft)
        yield from overtaken(draft.stored, draft.lists, draft.plan.size)
        turns = turn_axes(draft.stored, draft.lists)
        for steps in draft.lists.values():
            yield from _of_other_heads(steps, draft.stored, turns)
            yield from _of_other_portions(steps, draft.stored)
    if draft.phases:
        yield from _without_function(draft)
    for item, arena in draft.arenas.items():
        yield from misplaced(draft, arena, item)


def programs(draft: Draft) -> dict[str, Program]:
    """The programs that the lists were made of."""
    return {"loss": draft.plan.loss, "vjp": draft.plan.vjp, "jvp": draft.plan.jvp}


def _groups(steps: tuple[Step, ...]) -> tuple[Nest, ...]:
    return tuple(group for step in steps for group in groups_of(step))


def _lost(program: Program, steps: tuple[Step, ...]) -> Iterator[str]:
    wanted = Counter(
        equation.name for statement in program.statements for equation in equations_of(statement)
    )
    found = Counter(equation.name for step in steps for equation in step.equations)
    found.update(one.name for group in _groups(steps) if isinstance(group, Group) for one in group.inside)
    stored = Counter(name for group in _groups(steps) for name in group.stored)
    for name in sorted(wanted | found):
        again = wanted[name] == 1 < found[name]  # in the registers of several groups
        if wanted[name] != found[name] and not again:
            yield f"{program.name} defines {name} {wanted[name]} times, its groups {found[name]} times"
        if stored[name] > wanted[name]:
            yield f"{program.name} defines {name} {wanted[name]} times, but {stored[name]} groups store it"


def _unordered(key: str, draft: Draft) -> Iterator[str]:
    """What is read before it is there."""
    known = {tensor.name for tensor in programs(draft)[key].inputs}
    for step in draft.lists[key]:
        for group in groups_of(step):
            own = names_of(step)  # a recurrence reads what its other turns left
            for name in sorted(group.reads - own - known):
                yield f"{group.equations[-1].name} reads {name} before it is defined"
        known |= {name for group in groups_of(step) for name in group.stored}


def _uneven(group: Group) -> Iterator[str]:
    """What the finish of a group may not hold: another sum, other loops, elements of another place."""
    first, *others = group.equations
    places = {equation.name: equation.target.indices for equation in group.equations}
    for equation in others:
        if equation in group.sums and gathers(group, equation):
            continue
        if reduces(equation.value) and not first.value.has(Largest):
            yield f"{equation.name} sums where {first.name} is finished"
        if equation.ranges != first.ranges:
            yield f"{equation.name} has other loops than {first.name}, with which it is computed"
        for ref in equation.references:
            if ref.name in group.names and _elsewhere(ref.indices, places[ref.name], len(equation.loops)):
                yield f"{equation.name} reads {ref} where {first.target} is finished"
    unknown = group.stored - group.names
    if unknown:
        yield f"{first.name} stores {', '.join(sorted(unknown))}, which it does not define"


def _elsewhere(read: tuple[Expr, ...], place: tuple[Expr, ...], loops: int) -> bool:
    """Whether an element is another one of the same turn; what other turns left is in memory."""
    turn = len(place) - loops
    return read[:turn] == place[:turn] and read != place


def _unstored(draft: Draft) -> Iterator[str]:
    """What a training step, or a step of tangents, leaves in registers though others read it."""
    plan, lists = draft.plan, draft.lists
    leaving = {*plan.loss.outputs, *plan.vjp.outputs, plan.network.output}
    yield from _left(_groups((*lists["loss"], *lists["vjp"])), leaving)
    yield from _left(_groups(lists["jvp"]), set(plan.jvp.outputs))


def _left(groups: tuple[Nest, ...], leaving: Set[str]) -> Iterator[str]:
    stored = {name for group in groups for name in group.stored}
    names = {name for group in groups for name in group.names}
    for name in sorted((leaving & names) - stored):
        yield f"{name} leaves the step but is stored nowhere"
    for group in groups:
        for name in sorted((names & group.reads) - stored):
            yield f"{group.equations[-1].name} reads {name}, which is stored nowhere"


def _nowhere(draft: Draft) -> Iterator[str]:
    plan, equations = draft.plan, [e for step in draft.statements for e in step.equations]
    named = {ref.name for e in equations for ref in (e.target, *e.references)}
    yield from (f"{name} lies nowhere" for name in sorted(named - set(draft.stored)))
    for name in sorted(named & set(draft.stored)):
        one = draft.stored[name]
        if sorted(one.order) != list(range(len(one.tensor.axes))):
            yield f"{name} has {len(one.tensor.axes)} axes in the order {one.order}"
        if one.halo:
            reach = halo(name, equations, plan.size, one)
            for axis, wide, there in zip(one.tensor.axes, reach, one.halo, strict=True):
                if there < wide:
                    yield f"windows reach {wide} beyond axis {axis} of {name}, where {there} zeros lie"


def _of_other_heads(
    steps: tuple[Step, ...], stored: Mapping[str, Stored], turns: Mapping[str, tuple[int, ...]]
) -> Iterator[str]:
    """What has room for a single value, but is read where that is another one by then."""
    blocks: dict[str, set[Block | None]] = {}
    for group in _groups(steps):
        for equation in group.equations:
            around = equation.loops[: group.block.loops if group.block else 0]
            for ref in (*equation.references, equation.target):
                single = stored[ref.name].single if ref.name in group.stored | group.reads else ()
                single = tuple(axis for axis in single if axis not in turns[ref.name])
                if single:
                    blocks.setdefault(ref.name, set()).add(group.block)
                if any(ref.indices[axis] not in around for axis in single):
                    yield f"{equation.name} needs {ref}, but {ref.name} has room for a single value there"
    for name in (name for name, among in blocks.items() if len(among) > 1):
        yield f"{name} has room for a single value, but not in one block"


def _of_other_portions(steps: tuple[Step, ...], stored: Mapping[str, Stored]) -> Iterator[str]:
    """What has room for a portion of the examples, but is needed outside of one run of portions."""
    runs: dict[str, set[Block | None]] = {}
    for group in _groups(steps):
        for name in group.stored | group.reads:
            if stored[name].portion is not None:
                runs.setdefault(name, set()).add(group.block if in_portions(group) else None)
    for name, found in runs.items():
        if None in found or len(found) > 1:
            yield f"{name} has room for a portion of the examples, but not in one run"


def _without_function(draft: Draft) -> Iterator[str]:
    for name, count in Counter(one.name for one in draft.phases.values()).items():
        if count > 1:
            yield f"{count} functions are called {name}"
    for group in _groups(draft.statements):
        one, last = draft.phases.get(key_of(group)), group.equations[-1].name
        if one is None:
            yield f"{last} has no function"
            continue
        words = identifiers((*one.lines, *one.finish))
        if one.view:
            continue
        for name in sorted((group.reads | group.stored) - {one.gradient}):
            if pointer(name) not in words:
                yield f"the function of {last} does not touch {name}"
        if "".join(one.lines).count("{") != "".join(one.lines).count("}"):
            yield f"the function of {last} closes not what it opens"
        if one.shape is not None:
            sums = [n for r in group.first.value.atoms(Reduction) for _, n in r.ranges]
            terms = [draft.plan.size(extent) for extent in sums]
            yield from _other_sizes(draft, group, terms)


def _other_sizes(draft: Draft, group: Nest, terms: list[int]) -> Iterator[str]:
    """A contraction of other rows, columns or terms than its equation has."""
    one, size = draft.phases[key_of(group)], draft.plan.size
    assert one.shape is not None
    product = 1
    for term in terms:
        product *= term
    if size(one.terms) != product:
        yield f"{one.name} sums {size(one.terms)} terms, its equation {product}"
    elements = 1
    for _, extent in group.first.ranges:
        elements *= size(extent)
    rows, columns = (size(extent) for extent in one.shape)
    if elements % (rows * columns):
        yield f"{one.name} is computed as {rows} x {columns}, but has {elements} elements"

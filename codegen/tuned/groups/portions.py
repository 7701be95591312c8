"""Portions: what a run of groups alone needs has room for a portion of the examples, one after the other.

    G[i,k] = f(sum_j N[i,j] W[j,k])               for the examples of one portion, then of the next:
    Z[i,j] = sum_k G[i,k] V[k,j]                      G has room for those of one
    V_bar[k,j] = sum_i G[i,k] Z_bar[i,j]              what sums over examples goes on with its sum

Every group of a run reads and writes what is of the same example, or is one sum over the examples, so that
portions may follow each other. A run begins where what it alone needs is LARGE beside what is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, replace

from sympy import Expr

from codegen.accumulation import ACCUMULATED, Accumulation, accumulation
from codegen.tuned.groups.groups import Block, Nest, Step, Turns, groups_of, reads_of
from codegen.tuned.storage import PORTIONS, Stored
from derive.calculus.expressions.nodes import Sum
from derive.calculus.expressions.tensor import IntegerRef
from derive.calculus.program.program import Equation

Lists = Mapping[str, tuple[Step, ...]]
LARGE = 1 / 16
"""What takes less than this part of what is kept is not worth a run."""


@dataclass(frozen=True)
class Portions:
    """What decides whether groups go portion by portion.

    `whole` is needed outside of its run whatever reads it; `large` says what is worth a run, `tiled` which
    groups are products of tiles, whose finish goes on with a sum.
    """

    stored: Mapping[str, Stored]
    batch: Expr
    whole: Set[str]
    large: Callable[[str], bool]
    tiled: Callable[[Nest], bool]

    def axis(self, name: str) -> int | None:
        """The axis of the examples, outermost, of a value of the arena that may have room for a portion."""
        one = self.stored[name]
        axis = one.order[0] if one.order and one.start.startswith("x->w") else None
        free = axis is not None and axis not in one.single and name not in self.whole
        return axis if free and axis is not None and one.tensor.shape[axis] == self.batch else None


def portioned(lists: Lists, given: Portions) -> tuple[dict[str, tuple[Step, ...]], dict[str, Stored]]:
    """The lists with their runs, and where everything lies, what only a run needs with room for a portion."""
    marked = {key: tuple(_in_turns(step, steps, given) for step in steps) for key, steps in lists.items()}
    kept = {group.block for group, names in _handed_on(marked, given) if any(map(given.large, names))}
    found = {key: tuple(_only(step, kept) for step in steps) for key, steps in marked.items()}
    alone = {name for _, names in _handed_on(found, given) for name in names}
    stored = {
        name: replace(one, portion=given.axis(name)) if name in alone else one
        for name, one in given.stored.items()
    }
    return found, stored


def in_portions(group: Nest) -> bool:
    """Whether a group goes portion by portion."""
    return group.block is not None and group.block.portions > 1


def _in_turns(step: Step, steps: tuple[Step, ...], given: Portions) -> Step:
    """The step with its runs, where it is a recurrence."""
    if not isinstance(step, Turns):
        return step
    outside = {name for other in steps if other is not step for name in reads_of(other)}
    groups = list(step.groups)
    for place, group in enumerate(groups):
        names = [
            name for name in group.stored - outside if given.axis(name) is not None and given.large(name)
        ]
        last = max((_last_reader(name, place, groups) for name in names), default=0)
        run = groups[place : last + 1]
        if run[1:] and all(one.block is None and _by_examples(one, given) for one in run):
            block = Block(run[-1].equations[-1].name, 0, PORTIONS)
            groups[place : last + 1] = [replace(one, block=block) for one in run]
    return replace(step, groups=tuple(groups))


def _last_reader(name: str, place: int, groups: list[Nest]) -> int:
    """The last group that reads what one leaves; 0 where one before it does, in another turn."""
    readers = [n for n, other in enumerate(groups) if name in other.reads]
    return readers[-1] if readers and readers[0] > place else 0


def _by_examples(group: Nest, given: Portions) -> bool:
    """Whether all of a group is of one example after the other, or it is a sum over the examples."""
    forms = [(one, accumulation(one.value)) for one in group.equations]
    if any(form is None or one.accumulates or _counts(form, given.batch) for one, form in forms):
        return False
    if all(_own(one, one.target.indices, given) for one in group.equations):
        return True
    (one, form), *more = forms
    assert form is not None
    plain = (
        form.kind == Sum.operator and form.start == 0 and form.finish == ACCUMULATED and len(form.terms) == 1
    )
    return not more and plain and given.tiled(group) and _own(one, (), given)


def _own(equation: Equation, target: tuple[Expr, ...], given: Portions) -> bool:
    """Whether an equation reads of every tensor the example of its target, or of a sum over examples."""
    form = accumulation(equation.value)
    assert form is not None
    ranges = equation.ranges if target else tuple(pair for term in form.terms for pair in term.ranges)
    rows = [index for index, extent in ranges if extent == given.batch]
    if len(rows) != 1:
        return False
    refs = (*equation.references, *((equation.target,) if target else ()))
    for ref in refs:
        one = given.stored[ref.name]
        axes = [axis for axis, extent in enumerate(one.tensor.shape) if extent == given.batch]
        inside = one.start.startswith("x->w") and not isinstance(ref, IntegerRef)
        if [ref.indices[axis] for axis in axes] != rows[: len(axes)] or (axes and not inside):
            return False
    return not target or rows[0] in target


def _counts(form: Accumulation | None, batch: Expr) -> bool:
    """Whether a value depends on how many examples there are."""
    assert form is not None
    parts = (form.start, form.finish, *(part for term in form.terms for part in (term.body, term.condition)))
    return any(part.has(batch) for part in parts)


def _handed_on(lists: Lists, given: Portions) -> Iterator[tuple[Nest, frozenset[str]]]:
    """The groups of runs, each with what it leaves that only its run needs, in every list."""
    places: dict[str, set[tuple[str, Block | None]]] = {}
    groups = [(key, group) for key, steps in lists.items() for step in steps for group in groups_of(step)]
    for key, group in groups:
        for name in group.stored | group.reads:
            places.setdefault(name, set()).add((key, group.block if in_portions(group) else None))
    for _, group in groups:
        if in_portions(group):
            alone = {name for name in group.stored if given.axis(name) is not None}
            yield group, frozenset(n for n in alone if _of_one_run(places[n]))


def _of_one_run(found: set[tuple[str, Block | None]]) -> bool:
    """Whether every list needs a value in one run alone."""
    return all(block is not None for _, block in found) and len({key for key, _ in found}) == len(found)


def _only(step: Step, kept: Set[Block | None]) -> Step:
    """The step without the runs that are worth nothing."""
    if not isinstance(step, Turns):
        return step
    left = [in_portions(one) and one.block not in kept for one in step.groups]
    groups = (replace(one, block=None) if out else one for one, out in zip(step.groups, left, strict=True))
    return replace(step, groups=tuple(groups))

"""What the tuned steps keep of the forward half: as little as can be without much work done twice.

    Xhat[l,i,j] = r[l,i] (Z[l,i,j] - mu[l,i])       Z, mu and r are kept, Xhat is computed again
    P[l,i,t,q] = exp(sum_n Q K) / T[l,i,t]          Q and K are kept, not a square of numbers for each step

Vectors compute a function of an element in less time than moving it takes, so that nothing elementwise is
kept beside what it is made of. What a recurrence would keep of all its steps is computed again, sums
included, where that takes a hundredth more work for every SAVES hundredths less of what is kept. Each step
does all that it alone decides, gradients of weights too, and what only it reads has no axis for the steps.
"""

from __future__ import annotations

from dataclasses import replace

from codegen.passes.dce import dce
from codegen.passes.early import early
from codegen.passes.halves import halves
from codegen.passes.into_steps import into_steps, near
from codegen.passes.inverses import inverses
from codegen.passes.one_step import one_step
from codegen.passes.recompute import recompute
from codegen.passes.selected import selected
from codegen.passes.together import together
from codegen.passes.verify import verify
from codegen.passes.waiting import waiting
from codegen.plan.keep import Task
from codegen.plan.memory import beside
from codegen.plan.plan import Plan
from codegen.plan.split import entering, split
from codegen.tuned.small_windows import is_small
from derive.calculus.expressions.nodes import reduces
from derive.calculus.program.carried import carried
from derive.calculus.program.program import Program, Recurrence, equations_of

TRAINING = 3
"""A step's work for that of its forward half: each product has two of its kind in the pullback."""
SAVES = 6
"""What is computed again must free so many times its part of the work."""
WORTH = 1 / 32
"""Less of what is kept is not worth a line."""
SMALL = 16
"""So many times smaller are sums that are kept, lest they be computed again for something else."""


def narrowed(plan: Plan) -> Plan:
    """The plan whose programs keep, and hold of a step, what they must."""
    task = task_of(plan)
    return with_kept(plan, task, kept_by_cost(task))


def task_of(plan: Plan) -> Task:
    """What the tuned steps choose among: the derived program, each step doing what it alone decides."""
    network = plan.network
    joint = verify(into_steps(plan.memory.choice.task.program), "into_steps")
    sizes = {**network.sizes, network.batch: network.most}
    return Task(joint, entering(joint, network), sizes, lambda _: {})


def kept_by_cost(task: Task) -> frozenset[str]:
    """What is kept where no bytes are counted."""
    return without_windows(task, fewer(task, least(task)))


def with_kept(plan: Plan, task: Task, kept: frozenset[str]) -> Plan:
    """The plan whose pullback computes again all but these."""
    network, joint = plan.network, task.program
    program = dce(verify(recompute(joint, task.seeds, kept), "recompute"))
    program = verify(near(verify(waiting(program), "waiting")), "near")
    program = verify(together(program), "together")
    program = verify(one_step(verify(carried(program), "carried")), "one_step")
    late = task.late(program)
    loss, pullback, residuals = split(program, network, late)
    given = {tensor.name for tensor in joint.inputs}
    pullback = verify(early(pullback, given, task.sizes), "early")
    loss, pullback = (verify(inverses(one), "inverses") for one in (loss, pullback))
    others = beside({"forward": plan.forward, "jvp": plan.jvp}, program, (loss, pullback), joint)
    pushed = verify(selected(others["jvp"]), "selected")
    return replace(plan, forward=others["forward"], loss=loss, vjp=pullback, jvp=pushed, residuals=residuals)


def without_windows(task: Task, kept: frozenset[str]) -> frozenset[str]:
    """What is kept, without sums over small windows of what is, that only elementwise equations read.

    Whoever reads such a sum goes through its window anyway: it is computed there again, once for each.
    """
    backward = [e for statement in task.parts.backward for e in equations_of(statement)]
    for name in sorted(kept & set(task.candidates)):
        again = task.again(kept - {name})
        readers = [one for one in backward if name in one.reads]
        elementwise = all(not reduces(one.value) and not one.accumulates for one in readers)
        if (
            is_small(task.candidates[name].equation.value)
            and set(again) == {name, *task.again(kept)}
            and elementwise
        ):
            kept = kept - {name}
    return kept


def least(task: Task) -> frozenset[str]:
    """What is kept where everything is computed again that takes no reduction and frees some bytes."""
    kept = task.parts.crossing
    for name in sorted(kept & set(task.candidates), key=lambda one: (-task.bytes([one]), one)):
        again = task.again(kept - {name})
        if name in again and task.pointwise(again):
            smaller = crossing(task, kept - {name})
            if task.bytes(smaller) < task.bytes(crossing(task, kept)):
                kept = smaller
    return kept


def fewer(task: Task, kept: frozenset[str]) -> frozenset[str]:
    """What is kept of every step of a recurrence, without what sums of little work make again."""
    stepwise = {e.name for one in task.parts.forward if isinstance(one, Recurrence) for e in one.equations}
    work = TRAINING * sum(task.work.values())
    for name in sorted(kept & set(task.candidates) & stepwise, key=lambda one: (-task.bytes([one]), one)):
        if name in task.again(kept - {name}):
            smaller = kept - {name} | small(task, kept - {name}, task.bytes([name]))
            more = (task.more(smaller) - task.more(kept)) / work
            before, after = (task.bytes(crossing(task, one)) for one in (kept, smaller))
            kept = smaller if before - after > max(WORTH, SAVES * more) * before else kept
    return kept


def small(task: Task, kept: frozenset[str], room: int) -> frozenset[str]:
    """Sums on the way to what is computed again, as those of a row, that take little room themselves."""
    sums = [name for name in task.again(kept) if not task.pointwise((name,))]
    return frozenset(name for name in sums if SMALL * task.bytes([name]) <= room)


def crossing(task: Task, kept: frozenset[str]) -> frozenset[str]:
    """What crosses from one half to the other where `kept` is kept."""
    program: Program = recompute(task.program, task.seeds, kept)
    return halves(program, task.seeds | task.late(program)).crossing

"""The passes, in order, verified between.

    common_denominators  terms whose numerators cancel over powers of one sum
    unordered log(exp(a) + exp(b)) where a, b or both are minus infinity
    stable   ratios of exponentials and their logarithms by exp(-|a|): they neither overflow nor cancel
    differences  1 + erf(a), exp(a) - 1, sqrt(1 + a) - 1 by functions that have them whole
    singular quotients by a root that is 0 are 0, as declared
    infinite log sum exp over minus infinities is minus infinity, with slope 0
    centred  what moves with no score reads distances from the maximum
    horner   long polynomials are nested
    split    an axis that chooses among terms is filled place by place
    hoist    reductions inside expressions become equations of their own
    tabulate functions inside sums are called once for each value of their own indices
    cse      nothing whole is computed twice
    quotients  a dividend beside its divisor is read as the quotient that has a name
    dce      nothing dead is computed
    order    a result follows what it needs

Then, on what is derived of a loss or a layer (`codegen.plan.keep` decides, by cost or for a budget):

    recompute  the pullback computes again what is not kept
    one_step   what only its own step of a recurrence reads has no axis for the steps
    split      the loss and its pullback become functions of their own, the residuals between them

A target adds its own after them: fusion, layout, lifetimes have their place there.
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import Protocol

from codegen.passes.cse import cse
from codegen.passes.dce import dce
from codegen.passes.hoist import hoist
from codegen.passes.order import order
from codegen.passes.quotients import quotients
from codegen.passes.split import split
from codegen.passes.tabulate import tabulate
from codegen.passes.verify import verify
from derive.calculus.program.program import Program
from derive.calculus.stable.centred import centred
from derive.calculus.stable.common import common_denominators
from derive.calculus.stable.differences import differences
from derive.calculus.stable.forms import fast_forms, stable_forms
from derive.calculus.stable.infinite import infinite
from derive.calculus.stable.polynomials import horner
from derive.calculus.stable.singular import singular
from derive.calculus.stable.unordered import unordered

Pass = Callable[[Program], Program]


class Shown(Protocol):
    """What a pass gives: a program, or what is planned of one. Its text is what is shown."""

    @property
    def name(self) -> str:
        """Whose passes these are."""

    @property
    def statements(self) -> Sized:
        """What is counted."""


Watch = Callable[[str, Shown], None]

PASSES: tuple[Pass, ...] = (
    differences,
    singular,
    infinite,
    centred,
    horner,
    split,
    hoist,
    tabulate,
    cse,
    quotients,
    dce,
    order,
)
TARGET_PASSES: dict[str, tuple[Pass, ...]] = {"numpy": (), "c": ()}


FORMS: dict[str, Pass] = {"stable": stable_forms, "fast": fast_forms}


def silent(_: str, __: Shown) -> None:
    """Watch nothing."""


def lowered(
    program: Program, target: str | None = None, forms: str = "stable", watch: Watch = silent
) -> Program:
    """The program after every pass, those of the target included; `watch` sees each result."""
    program = verify(program, "derivation")
    watch("derivation", program)
    for one in (
        common_denominators,
        unordered,
        FORMS[forms],
        *PASSES,
        *(TARGET_PASSES[target] if target else ()),
    ):
        passed = one(program)
        if passed is not program:
            program = verify(passed, one.__name__)
            watch(one.__name__, program)
    return program

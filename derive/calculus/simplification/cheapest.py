"""The cheapest form of one value, modulo definitions: folded, multiplied out, collected; shortened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from sympy import Add, Expr, Rational, exp, preorder_traversal

from derive.calculus.expressions.canonical import unified
from derive.calculus.expressions.cost import operations
from derive.calculus.expressions.nodes import Positive, Sum, Where
from derive.calculus.expressions.normal import normal
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.tensor import Index
from derive.calculus.expressions.terms import absorbed, collected, distributed
from derive.calculus.program.program import Equation
from derive.calculus.rules.branches import BRANCHES
from derive.calculus.rules.closed import CLOSED
from derive.calculus.rules.rewriting import rewritten
from derive.calculus.simplification.branches import joined
from derive.calculus.simplification.budget import multiplies_out
from derive.calculus.simplification.folding import Folder
from derive.calculus.simplification.signs import unguarded
from derive.calculus.simplification.sums import merged_sums, nested


def simplified_equation(equation: Equation, folder: Folder, outer: Mapping[Index, Expr]) -> Equation:
    """One equation in its cheapest form."""
    extents = {**outer, **dict(equation.ranges)}
    if folder.budget is not None:
        folder.budget.enter(equation)
    return replace(equation, value=best(equation.value, folder, extents))


def best(value: Expr, folder: Folder, extents: Mapping[Index, Expr]) -> Expr:
    """The cheapest of: folded; folded, multiplied out, folded and collected; each with definitions
    solved for what stands inside them or not.
    """
    candidates = _forms(value, folder, extents, solving=False)
    if holds(value, exp):
        candidates += [rewritten(form, CLOSED) for form in candidates]
    if holds(value, Where):
        candidates += [rewritten(form, BRANCHES) for form in candidates]
    if folder.solves(value):
        candidates += [
            form for form in _forms(value, folder, extents, solving=True) if not folder.divides(form)
        ]
    candidates = list(dict.fromkeys(candidates))
    first = candidates[0] if len(candidates) == 1 else min(candidates, key=_effort)
    shorter = _shorter(first, folder)
    return _clipped(first if shorter == first else min(first, shorter, key=_effort))


def _clipped(form: Expr) -> Expr:
    """The form with its branches in one spelling, where that is no dearer."""
    if not holds(form, Where):
        return form
    found = rewritten(form, BRANCHES)
    return found if operations(found) <= operations(form) else form


def _effort(form: Expr) -> tuple[int, int]:
    return operations(form), _length(form)


def _shorter(form: Expr, folder: Folder) -> Expr:
    """A form without superfluous guards, numbers before brackets and products repeated in sums."""
    present = nodes_of(form, Sum, Positive, Rational)
    sums = [node for node in present if isinstance(node, Sum)]
    if any(isinstance(node, Positive) for node in present):
        form = unguarded(form, folder.values)
    if any(len(node.ranges) > 1 for node in sums):
        form = nested(form)
    if any(isinstance(node, Rational) and abs(node) != 1 for node in present):
        form = absorbed(form)
    return merged_sums(form) if len(sums) > 1 else form


def _forms(value: Expr, folder: Folder, extents: Mapping[Index, Expr], solving: bool) -> list[Expr]:
    folded = normal(folder.fold(value, solving), extents)
    if not holds(folded, Add):
        return [folded]
    folded = joined(unified(folded))
    spread = normal(distributed(folded), extents) if multiplies_out(folded) else folded
    grouped = collected(folded)
    if spread == folded == grouped:
        return [folded]
    gathered = normal(collected(unified(folder.fold(spread, solving))), extents)
    forms = [folded, joined(normal(folder.fold(gathered, solving), extents))]
    return forms if spread == folded else [*forms, joined(grouped)]


@cache
def _length(value: Expr) -> int:
    return sum(1 for _ in preorder_traversal(value))

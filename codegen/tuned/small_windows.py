"""Small windows: sums of so few terms that they are spelled out, or computed again where they are read."""

from __future__ import annotations

from math import prod

from sympy import Integer, true
from sympy.core.basic import Basic

from codegen.accumulation import Term, accumulation
from derive.calculus.expressions.nodes import Sum
from derive.calculus.expressions.tensor import refs

MOST = 9
"""The elements of a window, of which each has a register."""


def is_small_term(term: Term) -> bool:
    """Whether a term has so few elements, whichever they are."""
    extents = [extent for _, extent in term.ranges]
    fixed = all(isinstance(extent, Integer) for extent in extents)
    bounds = term.condition != true and not refs(term.condition)
    return fixed and 1 < prod(int(extent) for extent in extents) <= MOST and not bounds


def is_small(found: Basic) -> bool:
    """Whether this is a sum over a small window."""
    form = accumulation(found) if isinstance(found, Sum) else None
    return form is not None and all(map(is_small_term, form.terms))

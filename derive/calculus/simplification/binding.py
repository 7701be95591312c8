"""Matching of a definition's right side: the loops under which a pattern is a target, up to bound names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sympy import Add, Expr
from sympy.core.basic import Basic

from derive.calculus.expressions.canonical import same
from derive.calculus.expressions.nodes import free_indices
from derive.calculus.expressions.substitution import substitute
from derive.calculus.expressions.tensor import Index, Ref, names_read, ordered_refs


def matches(pattern: Any, target: Any, loops: frozenset[Index]) -> Iterator[dict[Index, Expr]]:
    """The bindings of loops under which a pattern is the target, up to bound names."""
    if isinstance(pattern, Ref):
        if isinstance(target, Ref) and target.name == pattern.name:
            binding = _unified(pattern, target, loops, {})
            if binding is not None and substitute(pattern, binding) == target:
                yield binding
        return
    if pattern.func != target.func or not names_read(pattern) <= names_read(target):
        return
    wanted = loops & free_indices(pattern)
    for binding in _bindings(pattern, target, wanted, {}):
        if same(substitute(pattern, binding), target):
            yield binding


def _bindings(
    pattern: Basic, target: Basic, wanted: frozenset[Index], binding: dict[Index, Expr]
) -> Iterator[dict[Index, Expr]]:
    """Bindings of all wanted indices, each reference that binds most of what is missing in turn."""
    missing = wanted - binding.keys()
    if not missing:
        yield binding
        return
    lead = max(ordered_refs(pattern), key=lambda ref: len(free_indices(ref) & missing))
    if not free_indices(lead) & missing:
        index = min(missing, key=str)
        for place in sorted(target.free_symbols - set(binding.values()), key=str):
            if isinstance(place, Index):
                yield from _bindings(pattern, target, wanted, {**binding, index: place})
        return
    for candidate in ordered_refs(target):
        if candidate.name == lead.name:
            found = _unified(lead, candidate, missing, binding)
            if found is not None and found.keys() & missing:
                yield from _bindings(pattern, target, wanted, found)


def _unified(
    pattern: Ref, target: Ref, loops: frozenset[Index], known: dict[Index, Expr]
) -> dict[Index, Expr] | None:
    """What is known, and what each loop of a reference must be: H[t+1,j] at H[s,q] binds t to s - 1."""
    binding = dict(known)
    if len(pattern.indices) != len(target.indices):
        return None
    for p, t in zip(pattern.indices, target.indices, strict=True):
        if isinstance(p, Index):
            if p in loops and binding.setdefault(p, t) != t:
                return None
        elif isinstance(p, Add):
            shift, index = p.as_coeff_Add()
            if index in loops and shift.is_Integer and binding.setdefault(index, t - shift) != t - shift:
                return None
    return binding

"""Matching of a pattern with letters: sums and products in any order, numbers moved across.

    a + b*exp(a)   matches   x + 3*exp(x)          a := x, b := 3
    exp(-a)        matches   exp(x)                a := -x
    log(1 + c)     matches   log(x + 1)            c := x

At the root a pattern that is a sum or a product may match a part; what it leaves is given back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sympy import Add, Expr, Mul, Pow, S, Symbol
from sympy.core.basic import Basic

from derive.calculus.rules.row import LETTERS

Binding = Mapping[Symbol, Expr]
_LETTERS = frozenset(LETTERS.values())


def match_part(pattern: Expr, target: Expr) -> tuple[Binding, Expr] | None:
    """A binding under which the pattern is part of the target, and the rest: target = op(pattern, rest)."""
    if isinstance(pattern, Add | Mul):
        operation = type(pattern)
        parts = operation.make_args(target)
        if len(parts) < len(pattern.args):
            return None
        for binding, rest in _some(pattern.args, parts, {}, operation):
            return binding, operation(*rest)
        return None
    whole = next(match(pattern, target, {}), None)
    if whole is not None:
        return whole, S.One
    return None


def match(pattern: Basic, target: Basic, binding: Binding) -> Iterator[Binding]:
    """Every binding under which the pattern is the target."""
    if pattern in _LETTERS:
        yield from _bind(pattern, target, binding)
    elif not pattern.has(*_LETTERS):
        if pattern == target:
            yield binding
    elif isinstance(pattern, Mul) and _scaled_letter(pattern):
        number, letter = pattern.as_coeff_Mul()
        yield from _bind(letter, target / number, binding)
    elif isinstance(pattern, Add | Mul):
        yield from _commuting(pattern, target, binding)
    elif isinstance(pattern, Pow) and not isinstance(target, Pow):
        return
    elif pattern.func == target.func and len(pattern.args) == len(target.args):
        yield from _in_order(pattern.args, target.args, binding)


def _scaled_letter(pattern: Mul) -> bool:
    number, rest = pattern.as_coeff_Mul()
    return rest in _LETTERS and number != 1


def _bind(letter: Basic, target: Basic, binding: Binding) -> Iterator[Binding]:
    if not isinstance(target, Expr):
        return
    if letter not in binding:
        yield {**binding, letter: target}
    elif binding[letter] == target:
        yield binding


def _in_order(patterns: Sequence[Basic], targets: Sequence[Basic], binding: Binding) -> Iterator[Binding]:
    if not patterns:
        yield binding
        return
    for found in match(patterns[0], targets[0], binding):
        yield from _in_order(patterns[1:], targets[1:], found)


def _commuting(pattern: Add | Mul, target: Basic, binding: Binding) -> Iterator[Binding]:
    operation = type(pattern)
    parts = operation.make_args(target)
    for found, rest in _some(_hardest_first(pattern.args), parts, binding, operation):
        if not rest:
            yield found


def _hardest_first(patterns: Sequence[Basic]) -> list[Basic]:
    """A bare letter last: it takes all that is left."""
    return sorted(patterns, key=lambda p: (p in _LETTERS, not p.has(*_LETTERS), -p.count_ops()))


def _some(
    patterns: Sequence[Basic], parts: Sequence[Expr], binding: Binding, operation: type
) -> Iterator[tuple[Binding, tuple[Expr, ...]]]:
    """Bindings that match every pattern to a part of its own, and the parts that are left."""
    if not patterns:
        yield binding, tuple(parts)
        return
    first, *others = _hardest_first(patterns)
    if first in _LETTERS and not others:
        for found in _bind(first, operation(*parts), binding):
            yield found, ()
    for position, part in enumerate(parts):
        rest = (*parts[:position], *parts[position + 1 :])
        for found in match(first, part, binding):
            yield from _some(others, rest, found, operation)

"""Matching of a pattern with letters: sums and products in any order, numbers moved across.

    a + b*exp(a)   matches   x + 3*exp(x)          a := x, b := 3
    exp(-a)        matches   exp(x)                a := -x
    log(1 + c)     matches   log(x + 1)            c := x
    1 - a^2        matches   1 - 4*x^2             a := 2*x

At the root a pattern that is a sum or a product may match a part; what it leaves is given back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from sympy import Abs, Add, And, Expr, Mul, Not, Pow, S, Symbol, sqrt
from sympy.core.basic import Basic

from derive.calculus.expressions.nodes import Nonnegative, Positive, Where
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
    whole = min(match(pattern, target, {}), key=minus_signs, default=None)
    return None if whole is None else (whole, S.One)


def minus_signs(binding: Binding) -> int:
    """How many letters stand for something with a minus before it."""
    values = (value for value in binding.values() if not value.is_number)
    return sum(bool(value.as_coeff_Mul()[0].is_negative) for value in values)


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
    elif isinstance(pattern, Add | Mul | And):
        yield from _commuting(pattern, target, binding)
    elif isinstance(pattern, Pow) and not isinstance(target, Pow):
        yield from _squared(pattern, target, binding)
    elif isinstance(pattern, Where | Positive | Nonnegative | Abs):
        yield from _spelled(pattern, target, binding)
    elif pattern.func == target.func and len(pattern.args) == len(target.args):
        yield from _in_order(pattern.args, target.args, binding)


def _squared(pattern: Pow, target: Basic, binding: Binding) -> Iterator[Binding]:
    """a^2 against 4 x^2: a is 2 x or -2 x."""
    if pattern.exp == 2 and isinstance(target, Mul):
        roots = [sqrt(f) if f.is_Rational else _halved(f) for f in target.args]
        if all(root is not None and (root.is_Rational or not root.is_number) for root in roots):
            yield from match(pattern.base, Mul(*roots), binding)
            yield from match(pattern.base, -Mul(*roots), binding)


def _halved(factor: Expr) -> Expr | None:
    """x of x^2."""
    even = isinstance(factor, Pow) and factor.exp.is_Integer and factor.exp % 2 == 0
    return Pow(factor.base, factor.exp / 2) if even else None


def _spelled(pattern: Basic, target: Basic, binding: Binding) -> Iterator[Binding]:
    """A branch in either order of its arms; > and >= alike; |x| as |-x|."""
    if isinstance(pattern, Where):
        for spelling in _spellings(target):
            yield from _in_order(pattern.args, spelling.args, binding)
    elif isinstance(pattern, Abs):
        for inside in (target.args[0], -target.args[0]) if isinstance(target, Abs) else ():
            yield from match(pattern.args[0], inside, binding)
    else:
        compared = _positive(target)
        if compared is not None and not compared.is_integer:
            yield from match(pattern.args[0], compared, binding)


def _spellings(target: Basic) -> Iterator[Where]:
    """A branch, and the same with its arms exchanged."""
    if not isinstance(target, Where):
        return
    yield target
    condition = target.condition
    if isinstance(condition, Not):
        yield Where(condition.args[0], target.other, target.chosen)
    elif isinstance(condition, Positive | Nonnegative):
        opposite = Nonnegative if isinstance(condition, Positive) else Positive
        yield Where(opposite(-condition.expression), target.other, target.chosen)


def _positive(condition: Basic) -> Expr | None:
    """What a condition says to be positive, or not negative."""
    if isinstance(condition, Not):
        opposite = _positive(condition.args[0])
        return None if opposite is None else -opposite
    return condition.expression if isinstance(condition, Positive | Nonnegative) else None


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


def _commuting(pattern: Add | Mul | And, target: Basic, binding: Binding) -> Iterator[Binding]:
    operation = type(pattern)
    parts = sorted(operation.make_args(target), key=str) if operation is And else operation.make_args(target)
    if operation is Mul and any(f.free_symbols and f.free_symbols <= binding.keys() for f in pattern.args):
        yield from _divided(pattern, target, binding)
        return
    for found, rest in _some(pattern.args, parts, binding, operation):
        if not rest:
            yield found


def _divided(pattern: Mul, target: Basic, binding: Binding) -> Iterator[Binding]:
    """b d f(a) against 2 f(x), all but d known: d is what is left of the target over what is known."""
    known = Mul(*(f.xreplace(dict(binding)) for f in pattern.args if f.free_symbols <= binding.keys()))
    unknown = tuple(factor for factor in pattern.args if not factor.free_symbols <= binding.keys())
    quotient = target / known
    if _length(quotient) > _length(target):
        quotient = -(target / -known)
    if not unknown:
        if quotient == 1:
            yield binding
    elif known.is_number or quotient.is_number or _length(quotient) < _length(target):
        for found, rest in _some(unknown, Mul.make_args(quotient), binding, Mul):
            if not rest:
                yield found


@cache
def _length(expression: Expr) -> int:
    """SymPy's count of operations, which walks all of an expression."""
    return int(expression.count_ops())


@cache
def _hardest_first(patterns: tuple[Basic, ...]) -> tuple[Basic, ...]:
    """A bare letter last: it takes all that is left."""
    return tuple(sorted(patterns, key=lambda p: (p in _LETTERS, not p.has(*_LETTERS), -_length(p))))


def _some(
    patterns: tuple[Basic, ...], parts: Sequence[Expr], binding: Binding, operation: type
) -> Iterator[tuple[Binding, tuple[Expr, ...]]]:
    """Bindings that match every pattern to a part of its own, and the parts that are left."""
    if not patterns:
        yield binding, tuple(parts)
        return
    hardest = _hardest_first(patterns)
    first, others = hardest[0], hardest[1:]
    if first in _LETTERS and not others:
        for found in _bind(first, operation(*parts), binding):
            yield found, ()
    for position, part in enumerate(parts):
        rest = (*parts[:position], *parts[position + 1 :])
        for found in match(first, part, binding):
            yield from _some(others, rest, found, operation)

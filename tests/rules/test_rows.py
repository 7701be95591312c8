"""Every row of the rules: equal sides at 10,000 points of its domain, and no one-place mutant is.

The points lie on both sides of 0 between 1e-12 and 1e3, besides zeros, subnormals and huge numbers, where
hundreds of digits stand against cancellation.
"""

from __future__ import annotations

import gc
import importlib
import pkgutil
import sys
from collections.abc import Iterator
from functools import _lru_cache_wrapper, cache
from typing import Any

import numpy as np
import pytest
from sympy import Expr

from codegen.plan.plan import plan_layer
from derive.calculus import rules
from derive.calculus.definition.define import define
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.nodes import Nonnegative, Positive, Where
from derive.calculus.expressions.tensor import Axis, Index, Ref, Size, Tensor
from derive.calculus.program.program import Equation, Program
from derive.calculus.rules.row import Row
from derive.calculus.stable import removable
from derive.check.evaluate import evaluate
from derive.check.variants import variants

COUNT = 10_000
DIGITS, BOUND = 100, 1e-50
MANY_DIGITS = 800
SPECIAL = (0.0, -0.0, 5e-324, -5e-324, 2.3e-308, 1e-200, -1e-30, 0.5, -0.5, 1.0, -1.0, 40.0, -40.0, 1e4, -1e4)
HUGE = (1e300, -1e300)
I, N = Index("i"), Size("n")
UPPER_FIRST = "where(x[i] > 2, 2 x[i] - 2, where(x[i] < -2, -2 x[i] - 2, x[i]^2/2))"
LOWER_FIRST = "where(x[i] < -2, -2 x[i] - 2, where(x[i] > 2, 2 x[i] - 2, x[i]^2/2))"
NEEDED = {
    "log near one": "log(1 + sin(x[i]))",
    "exponential near one": "exp(-x[i]^2) - 1",
    "one less an exponential": "1 - exp(-x[i]^2)",
    "one and an error function": "1 + erf(x[i])",
    "one less an error function": "1 - erf(x[i])",
    "one less a cosine": "1 - cos(x[i])",
    "root near one": "sqrt(1 + sin(x[i])) - 1",
    "difference of squares": "1/(1 - x[i]^2)",
    "one and a share of a longer root": "1 + x[i]/sqrt(x[i]^2 + 4)",
    "a number and a longer root": "x[i] + sqrt(x[i]^2 + 4)",
    "inverse hyperbolic sine": "log(x[i] + sqrt(x[i]^2 + 1))",
    "inverse hyperbolic cosine": "log(x[i] + sqrt(x[i]^2 - 1))",
    "inverse hyperbolic tangent": "log((1 + x[i])/(1 - x[i]))",
    "inverse hyperbolic tangent by two logarithms": "log(1 + x[i]) - log(1 - x[i])",
    "logistic": "log(1 + exp(x[i]^2))",
    "hyperbolic tangent": "log(exp(x[i]) + exp(-x[i]))",
    "hyperbolic tangent by the logistic": "log(1 + exp(2 x[i])) - x[i]",
    "a sign beyond a bound is a clip": "where(abs(x[i]) <= 2, x[i]^2/2, 2 abs(x[i]) - 2)",
    "a sign beyond a squared bound is a clip": "where(x[i]^2 <= 4, x[i]^2/2, 2 abs(x[i]) - 2)",
    "a sign outside an interval is a clip": "where(-2 <= x[i] and x[i] <= 2, x[i]^2/2, 2 abs(x[i]) - 2)",
    "a sign times the smaller magnitude is a clip": "min(abs(x[i]), 2) (abs(x[i]) - min(abs(x[i]), 2)/2)",
    "less what exceeds a bound in magnitude": "x[i]^2/2 - max(abs(x[i]) - 2, 0)^2/2",
    "less what exceeds two bounds": "x[i]^2/2 - max(x[i] - 2, 0)^2/2 - max(-x[i] - 2, 0)^2/2",
    "less an excess": "x[i]^2/2 - max(x[i] - 2, 0)^2/2",
    "and a shortfall": "x[i]^2/2 - max(-x[i] - 2, 0)^2/2",
    "two bounds, the upper first, are a clip": UPPER_FIRST,
    "two bounds, the lower first, are a clip": LOWER_FIRST,
}
"""Each law and a formula that is derived or emitted otherwise without it."""
READERS = {
    "logistic": ["hyperbolic tangent by the logistic"],
    "difference of squares": [
        "inverse hyperbolic tangent",
        "inverse hyperbolic tangent by two logarithms",
    ],
    "one and a share of a longer root": ["a number and a longer root"],
}
"""The laws whose patterns another law writes, or whose formulas have it in their slopes."""

SERIES = (removable._near_cancelling, removable.near_zero)
"""Taylor's, of what they are given; they know no row, and take half of the time."""


@cache
def rows() -> dict[str, Row]:
    """Every row of every table of the rules, by its law."""
    found: dict[str, Row] = {}
    for module in pkgutil.iter_modules(rules.__path__):
        held = vars(importlib.import_module(f"{rules.__name__}.{module.name}")).values()
        tables = [one for one in held if isinstance(one, tuple) and one and isinstance(one[0], Row)]
        found |= {row.law: row for table in tables for row in table}
    return found


def values(row: Row, sides: list[Expr], points: dict[str, Any], digits: int) -> list[Any]:
    """Expressions of the letters at points, in so many digits."""
    letters = {str(s).removeprefix("any "): s for s in row.letters}
    change = {symbol: Ref(letter, I) for letter, symbol in letters.items()}
    inputs = tuple(Tensor(letter, (Axis("n", N),)) for letter in letters)
    names = [f"side{number}" for number in range(len(sides))]
    program = Program(
        "law",
        inputs,
        tuple(
            Equation(Ref(name, I), ((I, N),), side.xreplace(change))
            for name, side in zip(names, sides, strict=True)
        ),
        tuple(names),
        tuple(Tensor(name, (Axis("n", N),)) for name in names),
    )
    found = evaluate(program, points, number=digits)
    return [found[name] for name in names]


def drawn(row: Row, count: int, seed: int = 0) -> dict[str, Any]:
    """Points of the row's domain."""
    rng = np.random.default_rng(seed)
    names = [str(s).removeprefix("any ") for s in row.letters]
    size = 4 * count if row.domain is not None else count
    points = {n: rng.choice([-1, 1], size) * 10.0 ** rng.uniform(-12, 3, size) for n in names}
    return inside(row, points, count)


def special(row: Row) -> dict[str, Any]:
    names = [str(s).removeprefix("any ") for s in row.letters]
    grid = np.meshgrid(*([np.array(SPECIAL + HUGE * (len(names) == 1))] * len(names)))
    return inside(row, {n: g.ravel() for n, g in zip(names, grid, strict=True)}, None)


def inside(row: Row, points: dict[str, Any], count: int | None) -> dict[str, Any]:
    if row.domain is not None:
        (held,) = values(row, [Where(row.domain, 1, 0)], points, 20)
        points = {name: array[held.astype(float) == 1] for name, array in points.items()}
    assert count is None or all(array.size >= count for array in points.values())
    return {name: array[:count] for name, array in points.items()}


def errors(left: Any, right: Any, digits: int = DIGITS) -> Iterator[float]:
    """Relative, where the left side has a value; infinite where only the right has none.

    What lies beyond the digits of 1 is no error of a law: 1 + erf(-30) cancels hundreds of them.
    """
    floor = 10.0 ** -min(digits - 10, 300)
    for a, b in zip(left, right, strict=True):
        if a == a:  # noqa: PLR0124 - nan is not itself
            off = abs(a - b)
            error = (off - floor) / max(abs(a), abs(b)) if off > floor else a - a
            yield float(error) if error == error else 0.0 if a == b else np.inf  # noqa: PLR0124


def largest_error(left: Any, right: Any, digits: int = DIGITS) -> float:
    return max(errors(left, right, digits), default=0.0)


def agree(left: Any, right: Any) -> bool:
    """Whether no error reaches the bound; the first that does is enough."""
    return all(error < BOUND for error in errors(left, right))


@pytest.mark.parametrize("law", rows())
def test_the_two_sides_agree_on_the_domain(law: str) -> None:
    row = rows()[law]
    for points, digits in ((drawn(row, COUNT), DIGITS), (special(row), MANY_DIGITS)):
        left, right = values(row, [row.pattern, row.replacement], points, digits)
        assert largest_error(left, right, digits) < BOUND
    assert row.source, f"{law} names no source"


def undefined(left: Any, right: Any) -> bool:
    """Whether the right side has no value somewhere where the left has one."""
    return any(a == a and b != b for a, b in zip(left, right, strict=True))  # noqa: PLR0124


@pytest.mark.parametrize("law", [law for law, row in rows().items() if row.pattern.has(Positive)])
def test_a_branch_that_agrees_at_its_boundary_may_be_closed(law: str) -> None:
    row = rows()[law]
    open_ = row.pattern.atoms(Positive)
    closed = row.pattern.xreplace({one: Nonnegative(one.expression) for one in open_})
    for points in (drawn(row, COUNT), special(row), boundaries(row)):
        left, right = values(row, [closed, row.replacement], points, DIGITS)
        assert largest_error(left, right) < BOUND


def boundaries(row: Row) -> dict[str, Any]:
    """Points of the domain whose letters are small whole numbers: many meet a bound."""
    names = [str(s).removeprefix("any ") for s in row.letters]
    grid = np.meshgrid(*([np.arange(-3.0, 5.0)] * len(names)))
    return inside(row, {n: g.ravel() for n, g in zip(names, grid, strict=True)}, None)


@pytest.mark.parametrize("law", rows())
def test_every_mutant_of_a_replacement_is_caught(law: str) -> None:
    row = rows()[law]
    points = drawn(row, 40, seed=1)
    if row.pattern.has(Where):
        points = {name: np.concatenate([points[name], more]) for name, more in boundaries(row).items()}
    changed = list(variants(row.replacement, (), {}))
    assert changed
    sides = values(row, [row.pattern, *(side for _, side in changed)], points, DIGITS)
    missed = [
        done
        for (done, _), side in zip(changed, sides[1:], strict=True)
        if agree(sides[0], side) and not undefined(sides[0], side)
    ]
    assert not missed


def clear() -> None:
    """Forget what was derived under other rows."""
    for held in gc.get_objects():
        cached = isinstance(held, _lru_cache_wrapper) and held not in SERIES
        if cached and str(held.__module__).startswith(("derive.cal", "codegen")):
            held.cache_clear()


def derivations(formula: str) -> str:
    """Value and first derivatives of a formula: as they are derived, and as they are emitted."""
    program = define(f"f(x[n]) -> Y\n    Y[i] = {formula}")
    return "\n".join(map(str, (vjp(program), *plan_layer(program).programs.values())))


@cache
def unchanged() -> dict[str, str]:
    """The formulas of all rows, with every row there."""
    return {law: derivations(formula) for law, formula in NEEDED.items()}


def taken_out(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row leaves every table of every module."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("derive.", "codegen.")):
            for key, held in list(vars(module).items()):
                if isinstance(held, tuple) and any(one is row for one in held):
                    monkeypatch.setattr(module, key, tuple(one for one in held if one is not row))


def test_every_row_has_a_formula_that_needs_it() -> None:
    assert set(NEEDED) == set(rows())


@pytest.mark.parametrize("law", NEEDED)
def test_a_row_is_missed_when_it_is_taken_out(law: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert law in rows(), f"the row {law!r} is gone, and its formula is emitted as it was typed"
    right = unchanged()
    taken_out(rows()[law], monkeypatch)
    clear()
    try:
        wrong = [other for other, formula in NEEDED.items() if derivations(formula) != right[other]]
    finally:
        clear()
    assert wrong == [law, *READERS.get(law, [])]

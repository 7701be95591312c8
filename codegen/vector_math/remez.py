"""min_q max_u |w(u) (g(u) - q(u))| over polynomials q whose coefficients are working-precision numbers.

Remez' exchange on a grid of Chebyshev points gives the best q with real coefficients. Rounding all of them
at once costs up to half an ulp in each. So the leading one is rounded, and what it has lost goes to the rest,

    g(u) = c0 + u g1(u),     w1(u) = u w(u),

which is fitted anew, and so on to the last (Brisebarre, Muller, Tisserand, "Computing machine-efficient
polynomial approximations", ACM TOMS 32, 2006, rounds by lattices; one after the other is enough here).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mpmath
from mpmath import mpf

DENSITY = 12
"""Grid points for each coefficient: the maximum between two of them is within 1 % of what is seen."""


@dataclass(frozen=True)
class Target:
    """g and w >= 0 at the points of a grid, in increasing order."""

    points: tuple[mpf, ...]
    values: tuple[mpf, ...]
    weights: tuple[mpf, ...]

    def without(self, leading: mpf) -> Target:
        """(g - c0)/u and u w."""
        pairs = zip(self.points, self.values, self.weights, strict=True)
        rest = [(u, (g - leading) / u, abs(u) * w) for u, g, w in pairs]
        return Target(*(tuple(column) for column in zip(*rest, strict=True)))


def sampled(
    value: Callable[[mpf], mpf], weight: Callable[[mpf], mpf], domain: tuple[mpf, mpf], size: int
) -> Target:
    """The grid for `size` coefficients; 0 is left out, where quotients have only limits."""
    low, high = domain
    count = DENSITY * (size + 2)
    angles = (mpmath.cos(mpmath.pi * place / (count - 1)) for place in range(count - 1, -1, -1))
    points = tuple(u for u in ((low + high + (high - low) * angle) / 2 for angle in angles) if u)
    return Target(points, tuple(map(value, points)), tuple(abs(weight(u)) for u in points))


def minimax(target: Target, size: int) -> list[mpf]:
    """The best `size` coefficients, the constant one first."""
    target = _heavy(target)
    last = len(target.points) - 1
    chosen = [round(last * place / size) for place in range(size + 1)]
    for _ in range(40):
        coefficients, level = _levelled(target, size, chosen)
        errors = deviations(target, coefficients)
        extremes = _alternating(errors, size + 1)
        largest = max(map(abs, errors))
        if len(extremes) <= size or largest <= abs(level) * (1 + mpf(2) ** -20) or extremes == chosen:
            break
        chosen = extremes
    return coefficients


def rounded_minimax(target: Target, size: int, rounding: Callable[[mpf], mpf]) -> list[mpf]:
    """The coefficients, each rounded before the next ones are fitted."""
    coefficients: list[mpf] = []
    for left in range(size, 0, -1):
        leading = rounding(minimax(target, left)[0])
        coefficients.append(leading)
        target = target.without(leading)
    return coefficients


def deviations(target: Target, coefficients: Sequence[mpf]) -> list[mpf]:
    """w (g - q) at the points of the grid."""
    pairs = zip(target.points, target.values, target.weights, strict=True)
    return [w * (g - polynomial(coefficients, u)) for u, g, w in pairs]


def polynomial(coefficients: Sequence[mpf], u: mpf) -> mpf:
    """c0 + u (c1 + u (c2 + ..))."""
    total = mpf(0)
    for coefficient in reversed(coefficients):
        total = total * u + coefficient
    return total


def _heavy(target: Target) -> Target:
    """Where errors count: next to a zero of the weight the exchange only loses its way."""
    least = max(target.weights) / 2**8
    rows = zip(target.points, target.values, target.weights, strict=True)
    return Target(*(tuple(column) for column in zip(*(row for row in rows if row[2] > least), strict=True)))


def _levelled(target: Target, size: int, chosen: Sequence[int]) -> tuple[list[mpf], mpf]:
    """q and E with w (g - q) = E, -E, E, .. at the chosen points."""
    matrix, right = mpmath.matrix(size + 1), mpmath.matrix(size + 1, 1)
    for row, place in enumerate(chosen):
        u, power = target.points[place], target.weights[place]
        for column in range(size):
            matrix[row, column] = power
            power *= u
        matrix[row, size] = (-1) ** row
        right[row] = target.weights[place] * target.values[place]
    solution = mpmath.lu_solve(matrix, right)
    return [solution[column] for column in range(size)], solution[size]


def _alternating(errors: Sequence[mpf], count: int) -> list[int]:
    """Where the error is extreme between two changes of sign; the `count` neighbours that are largest."""
    places: list[int] = []
    for place, error in enumerate(errors):
        if places and (error > 0) == (errors[places[-1]] > 0):
            if abs(error) > abs(errors[places[-1]]):
                places[-1] = place
        elif error:
            places.append(place)
    while len(places) > count:
        del places[0 if abs(errors[places[0]]) < abs(errors[places[-1]]) else -1]
    return places

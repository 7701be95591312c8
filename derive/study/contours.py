"""Closed curves around {field > level}, by marching squares. Lorensen, Cline, SIGGRAPH 1987, in the plane.

A cell has corners a b / d c. Each side whose ends differ is crossed once, where the field, linear along the
side, meets the level. Curves keep the region on their left as they pass through a cell, so a crossing is left
in one way only, and following `next crossing` closes each curve.
"""

from collections.abc import Sequence

import numpy as np

from derive.runtime.buffers import Array

Crossing = tuple[int, int, int]  # row, column, 0: along the row, 1: along the column
Place = tuple[float, float]  # column, row

# The sides of a cell as crossings, from its corner a.
TOP, RIGHT, BOTTOM, LEFT = (0, 0, 0), (0, 1, 1), (1, 0, 0), (0, 0, 1)

# Corners above the level (a = 8, b = 4, c = 2, d = 1) -> the passages: from a side to a side.
PASSAGES = {
    1: ((BOTTOM, LEFT),),
    2: ((RIGHT, BOTTOM),),
    3: ((RIGHT, LEFT),),
    4: ((TOP, RIGHT),),
    5: ((TOP, RIGHT), (BOTTOM, LEFT)),
    6: ((TOP, BOTTOM),),
    7: ((TOP, LEFT),),
    8: ((LEFT, TOP),),
    9: ((BOTTOM, TOP),),
    10: ((LEFT, TOP), (RIGHT, BOTTOM)),
    11: ((RIGHT, TOP),),
    12: ((LEFT, RIGHT),),
    13: ((BOTTOM, RIGHT),),
    14: ((LEFT, BOTTOM),),
}


def contours(field: Array, level: float) -> list[list[Place]]:
    """Curves as (column, row) in units of the grid; at the border of the field they follow it."""
    depth = 1e6 * (1 + float(np.abs(field).max()) + abs(level))
    padded = np.pad(field.astype(float), 1, constant_values=level - depth)
    following = _passages(padded > level)
    curves = []
    while following:
        start, crossing = next(iter(following.items()))
        curve = [_place(padded, level, start)]
        while crossing != start:
            curve.append(_place(padded, level, crossing))
            crossing = following.pop(crossing)
        del following[start]
        curves.append(curve)
    return curves


def _passages(above: Array) -> dict[Crossing, Crossing]:
    """The crossing that follows each crossing."""
    cases = 8 * above[:-1, :-1] + 4 * above[:-1, 1:] + 2 * above[1:, 1:] + above[1:, :-1]
    following = {}
    for row, column in np.argwhere((cases > 0) & (cases < 15)).tolist():
        for (r, c, side), (to_r, to_c, to_side) in PASSAGES[int(cases[row, column])]:
            following[row + r, column + c, side] = (row + to_r, column + to_c, to_side)
    return following


def _place(padded: Array, level: float, crossing: Crossing) -> Place:
    """Where the field, linear between the ends of a side, is the level; the padding is one cell wide."""
    row, column, side = crossing
    first, second = padded[row, column], padded[row + side, column + 1 - side]
    share = float((level - first) / (second - first))
    return column - 1 + share * (1 - side), row - 1 + share * side


def shortened(curve: Sequence[Place], tolerance: float = 0.6) -> list[Place]:
    """The curve without the places that lie this near to the chord of what stays. Douglas, Peucker, 1973."""
    places = np.array(curve)
    keep = np.zeros(len(places), dtype=bool)
    keep[[0, -1]] = True
    spans = [(0, len(places) - 1)]
    while spans:
        first, last = spans.pop()
        away = _distances(places[first : last + 1])
        if len(away) > 2 and away.max() > tolerance:
            middle = first + int(away.argmax())
            keep[middle] = True
            spans += [(first, middle), (middle, last)]
    return [place for place, kept in zip(curve, keep.tolist(), strict=True) if kept]


def _distances(places: Array) -> Array:
    """From the chord between the first and the last place; from the place where both are one."""
    chord, offsets = places[-1] - places[0], places - places[0]
    length = float(np.hypot(*chord))
    if length == 0:
        return np.hypot(*offsets.T)
    return np.abs(chord[0] * offsets[:, 1] - chord[1] * offsets[:, 0]) / length

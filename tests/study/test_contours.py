"""Marching squares: the curves part what is above the level from what is not."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.runtime.buffers import Array
from derive.study.contours import PASSAGES, Place, contours, shortened

ALONG = np.linspace(-1.0, 1.0, 41)
CELL = 2 / 40


def disc(radius: float) -> Array:
    return radius - np.hypot(*np.meshgrid(ALONG, ALONG))


def area(curve: list[Place]) -> float:
    """Of a polygon, by the shoelace formula; its sign says which way the curve runs."""
    x, y = np.array(curve).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def around(curves: list[list[Place]], column: int, row: int) -> int:
    """How many edges a ray to the right of the place crosses; the ray runs a little below the row."""
    y = row + 1e-3
    crossed = 0
    for curve in curves:
        for (x1, y1), (x2, y2) in zip(curve, curve[1:] + curve[:1], strict=True):
            if (y1 > y) != (y2 > y):
                crossed += column < x1 + (y - y1) * (x2 - x1) / (y2 - y1)
    return crossed


def test_a_disc() -> None:
    curves = contours(disc(0.6), 0.0)
    assert len(curves) == 1
    assert abs(area(curves[0])) * CELL**2 == pytest.approx(np.pi * 0.6**2, rel=3e-3)
    radii = CELL * np.hypot(*(np.array(curves[0]) - 20).T)
    assert np.abs(radii - 0.6).max() < 2e-3


def test_a_hole_runs_the_other_way() -> None:
    ring = np.minimum(disc(0.8), -disc(0.4))
    areas = sorted((area(curve) * CELL**2 for curve in contours(ring, 0.0)), key=abs)
    assert len(areas) == 2
    assert areas[0] * areas[1] < 0
    assert abs(areas[0] + areas[1]) == pytest.approx(np.pi * (0.8**2 - 0.4**2), rel=1e-2)


def test_nothing_and_everything() -> None:
    assert contours(disc(0.6), 5.0) == []
    [border] = contours(disc(0.6), -5.0)
    assert abs(area(border)) == pytest.approx(40 * 40, rel=1e-3)
    assert np.min(border) >= -1e-3
    assert np.max(border) <= 40 + 1e-3


@given(st.integers(0, 2**32), st.integers(2, 9), st.integers(2, 9))
def test_every_sample_is_on_its_side(seed: int, rows: int, columns: int) -> None:
    field = np.random.default_rng(seed).uniform(-1, 1, (rows, columns))
    curves = contours(field, 0.1)
    for row in range(rows - 1):  # the last row lies on the border, where the ray leaves the picture
        for column in range(columns):
            assert around(curves, column, row) % 2 == (field[row, column] > 0.1), (row, column)


def test_every_side_is_entered_and_left_as_the_corners_say() -> None:
    for case, passages in PASSAGES.items():
        sides = [side for passage in passages for side in passage]
        assert len(set(sides)) == len(sides)
        if case not in (5, 10):  # the two saddles keep their diagonals apart
            assert PASSAGES[15 - case] == tuple(passage[::-1] for passage in passages)


@given(st.integers(0, 2**32), st.floats(0.01, 3.0))
def test_shortening_keeps_within_the_tolerance(seed: int, tolerance: float) -> None:
    steps = np.random.default_rng(seed).normal(size=(40, 2))
    curve = [(float(x), float(y)) for x, y in np.cumsum(steps, axis=0)]
    short = shortened(curve, tolerance)
    assert short[0] == curve[0]
    assert short[-1] == curve[-1]
    places = [curve.index(place) for place in short]
    for first, last in pairwise(places):
        start, chord = np.array(curve[first]), np.subtract(curve[last], curve[first])
        for place in curve[first : last + 1]:
            offset = np.subtract(place, start)
            assert abs(chord[0] * offset[1] - chord[1] * offset[0]) <= (tolerance + 1e-9) * np.hypot(*chord)


def test_shortening_a_line_and_a_loop() -> None:
    assert shortened([(float(i), 2.0 * i) for i in range(9)], 0.1) == [(0.0, 0.0), (8.0, 16.0)]
    square = [(0.0, 0.0), (5.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0), (0.0, 0.0)]
    assert shortened(square, 0.1) == [place for place in square if place != (5.0, 0.0)]

"""The regions as an SVG: a row for each class, a column for each problem, the test points over them.

Every shape has a class of the style sheet, so that colours follow the reader's light or dark scheme; the
background is left open.
"""

from collections.abc import Iterator, Sequence
from math import log
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from derive.runtime.atomic import write_atomically
from derive.runtime.buffers import Array
from derive.runtime.data.dataset import Split

from .contours import Place, contours, shortened
from .experiment import Problem, Result, percent
from .plane import EXTENT, REACH

SIDE, GAP, MARGIN = 248, 20, 24  # of a panel, between panels, around all
HEAD, TOP = 30, 62  # above the panels of a row, above all rows
ROW = HEAD + SIDE + 42  # the last for the caption and what parts the rows
UNITS = 1000  # of a panel's own coordinates, which are integers
SHOWN = 400  # points in a panel

TITLE = "Three hypothesis classes on points that no line separates"

# Bands of certainty: outside them the likelier class has odds of 9 to 1 or more.
BANDS = (("weak zero", -log(9)), ("weak one", 0.0), ("sure one", log(9)))

STYLE = f"""\
text {{ font: 12.5px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #57606a; }}
.title {{ font-size: 16px; font-weight: 600; fill: #24292f; }}
.strong {{ font-weight: 600; fill: #24292f; }}
.formula {{ font: 15px "Latin Modern Math", "STIX Two Text", Cambria, Georgia, serif; fill: #24292f; }}
path {{ fill-rule: evenodd; }}
.sure.zero {{ fill: #c3d9f0; }} .weak.zero {{ fill: #e1ecf7; }}
.sure.one {{ fill: #f5cfae; }} .weak.one {{ fill: #fbe8d7; }}
.border {{ fill: none; stroke: #3d444d; stroke-width: {1.3 * UNITS / SIDE:.1f}; stroke-linejoin: round; }}
.points {{ fill: none; stroke-linecap: round; stroke-width: {3.4 * UNITS / SIDE:.1f}; }}
.points.zero {{ stroke: #0b5cad; }} .points.one {{ stroke: #bc4c00; }}
.frame {{ fill: none; stroke: #8c959f; stroke-opacity: .55; }}
@media (prefers-color-scheme: dark) {{
  text {{ fill: #9198a1; }} .title, .strong, .formula {{ fill: #e6edf3; }}
  .sure.zero {{ fill: #15314f; }} .weak.zero {{ fill: #122335; }}
  .sure.one {{ fill: #55331a; }} .weak.one {{ fill: #33241a; }}
  .border {{ stroke: #d0d7de; }}
  .points.zero {{ stroke: #6cb6ff; }} .points.one {{ stroke: #f69d50; }}
}}
"""


def write(path: Path, results: Sequence[Result], problems: dict[str, Problem]) -> None:
    """Draw into `path`, whole or not at all."""
    write_atomically(path, [draw(results, problems).encode()])


def draw(results: Sequence[Result], problems: dict[str, Problem]) -> str:
    """The SVG's text; a function of results and points alone."""
    labels = list(dict.fromkeys(result.hypothesis.label for result in results))
    columns = {name: MARGIN + i * (SIDE + GAP) for i, name in enumerate(problems)}
    width = 2 * MARGIN + len(columns) * (SIDE + GAP) - GAP
    lines = [*_opening(width, TOP + len(labels) * ROW), "<defs>"]
    for name, problem in problems.items():
        lines += _points(name, problem.data.test)
    lines.append("</defs>")
    for index, label in enumerate(labels):
        row = [result for result in results if result.hypothesis.label == label]
        lines += _row(row, columns, TOP + index * ROW)
    return "\n".join([*lines, "</svg>\n"])


def _opening(width: int, height: int) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{TITLE}">'
    )
    yield f"<style>\n{STYLE}</style>"
    yield f'<text class="title" x="{MARGIN}" y="32">{TITLE}</text>'
    yield f'<text x="{width - MARGIN}" y="32" text-anchor="end">faint: odds below 9 to 1</text>'


def _row(results: Sequence[Result], columns: dict[str, int], top: int) -> Iterator[str]:
    hypothesis = results[0].hypothesis
    yield (
        f'<text x="{MARGIN}" y="{top + 18}"><tspan class="strong">{escape(hypothesis.label)}</tspan>'
        f'<tspan class="formula" dx="12">{escape(hypothesis.formula)}</tspan>'
        f'<tspan dx="12">{escape(hypothesis.meaning)}</tspan></text>'
    )
    for result in results:
        yield from _panel(result, columns[result.problem], top + HEAD)


def _panel(result: Result, left: int, top: int) -> Iterator[str]:
    """A viewport of its own, which cuts off what lies outside."""
    yield f'<svg x="{left}" y="{top}" width="{SIDE}" height="{SIDE}" viewBox="0 0 {UNITS} {UNITS}">'
    yield f'<path class="sure zero" d="M0 0H{UNITS}V{UNITS}H0z"/>'
    for kind, level in BANDS:
        yield f'<path class="{kind}" d="{_region(result.margin, level)}"/>'
    yield f'<path class="border" d="{_region(result.margin, 0.0)}"/>'
    yield f'<use href="#{result.problem}"/>'
    yield "</svg>"
    yield f'<rect class="frame" x="{left}" y="{top}" width="{SIDE}" height="{SIDE}"/>'
    yield from _caption(result, left, top + SIDE + 18)


def _caption(result: Result, left: int, baseline: int) -> Iterator[str]:
    errors = f"error {percent(result.train_error)} train, {percent(result.test_error)} test"
    yield f'<text class="strong" x="{left}" y="{baseline}">{escape(result.problem)}</text>'
    yield f'<text x="{left + SIDE}" y="{baseline}" text-anchor="end">{errors}</text>'


def _region(margin: Array, level: float) -> str:
    """The region {margin > level}: closed curves, filled where an odd number of them is around."""
    cell = 2 * REACH / (len(margin) - 1)
    curves = contours(margin, level)
    return "".join(
        _closed([(_units(cell * column - REACH), _units(cell * row - REACH)) for column, row in curve])
        for curve in curves
    )


def _units(x: float) -> float:
    """The picture's [-EXTENT, EXTENT] -> [0, UNITS]."""
    return UNITS * (x + EXTENT) / (2 * EXTENT)


def _closed(curve: Sequence[Place]) -> str:
    """M, then l in whole units, each place relative to the one before, then z."""
    whole = np.rint(shortened(curve)).astype(int)
    steps = [step for step in np.diff(whole, axis=0).tolist() if any(step)]
    return f"M{_pair(whole[0].tolist())}l{''.join(map(_pair, steps))}z" if steps else ""


def _pair(pair: Sequence[int]) -> str:
    """Two integers in as few characters as SVG allows after another: " 3-4", "-3 4"."""
    return "".join(f"{each}" if each < 0 else f" {each}" for each in pair)


def _points(problem: str, split: Split) -> Iterator[str]:
    """A dot for each point: a line of no length with a round cap."""
    X, y = split.X[:SHOWN], split.y[:SHOWN]
    yield f'<g id="{problem}">'
    for label, kind in enumerate(("zero", "one")):
        dots = "".join(f"M{_pair(_dot(point))}h0" for point in X[y == label])
        yield f'<path class="points {kind}" d="{dots}"/>'
    yield "</g>"


def _dot(point: Array) -> tuple[int, int]:
    return round(_units(point[0])), round(_units(-point[1]))

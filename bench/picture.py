"""The race on one thread as an SVG: a row a case, a dot a contestant at how often our step fits into its own.

The scale is logarithmic; a line through a dot is the range over the rounds. Colours follow the reader's
scheme.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, floor, log10
from xml.sax.saxutils import escape

from bench.cases import CASES
from bench.results import Line, Report, best_of_ours, grouped, racing, ratio

LEFT, WIDTH, ROW, TOP, MARGIN = 330, 520, 34, 92, 24
TITLE = "A training step, or a layer alone, over the fastest of ours"
CLASSES = ("numpy", "torch_eager", "torch_forced", "torch_compiled", "torch_graph", "jax", "ours")
NAMES = (
    "NumPy by hand",
    "PyTorch eager",
    "AVX-512 forced",
    "PyTorch compiled",
    "whole step",
    "JAX jit",
    "ours",
)
COLOURS = ("#0b5cad", "#bc4c00", "#8a3b00", "#d18616", "#e6b450", "#1a7f37", "#24292f")
DARK = ("#6cb6ff", "#f69d50", "#c46a2b", "#e3b341", "#f2cc60", "#57ab5a", "#e6edf3")


def _rules(colours: Sequence[str]) -> str:
    pairs = zip(CLASSES, colours, strict=True)
    return " ".join(f".{name} {{ fill: {colour}; stroke: {colour}; }}" for name, colour in pairs)


STYLE = f"""\
text {{ font: 12.5px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #57606a; }}
.title {{ font-size: 16px; font-weight: 600; fill: #24292f; }}
.grid {{ stroke: #8c959f; stroke-opacity: .35; }}
{_rules(COLOURS)}
@media (prefers-color-scheme: dark) {{
  text {{ fill: #9198a1; }} .title {{ fill: #e6edf3; }}
  {_rules(DARK)}
}}
"""


def draw(report: Report) -> str:
    """The SVG's text; a function of the report alone."""
    races = [(case, lines) for (case, threads), lines in grouped(report).items() if threads == 1]
    races = [(case, lines) for case, lines in races if best_of_ours(lines)]
    spans = [(least, most) for _, lines in races for _, _, least, most in _dots(lines)] or [(1.0, 1.0)]
    low = floor(log10(min(least for least, _ in spans)))
    high = max(ceil(log10(max(most for _, most in spans))), low + 1)
    height = TOP + len(races) * ROW + MARGIN
    width = LEFT + WIDTH + MARGIN
    box = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-label="{TITLE}">',
        f"<style>\n{STYLE}</style>",
        f'<text class="title" x="{MARGIN}" y="26">{TITLE}</text>',
        *_legend(),
        *_grid(low, high, height),
    ]
    for index, (case, lines) in enumerate(races):
        out += _race(case, lines, TOP + index * ROW + ROW / 2, low, high)
    return "\n".join([*out, "</svg>\n"])


def _dots(lines: Sequence[Line]) -> Iterator[tuple[Line, float, float, float]]:
    """Each contestant with its ratio: median, least, most."""
    best = best_of_ours(lines)
    assert best is not None
    for line in racing(lines):
        if not line.name.startswith("called_"):
            yield line, *ratio(line, best)


def _place(value: float, low: int, high: int) -> float:
    return LEFT + WIDTH * (log10(value) - low) / (high - low)


def _grid(low: int, high: int, height: int) -> Iterator[str]:
    for power in range(low, high + 1):
        x = _place(10.0**power, low, high)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{height - MARGIN}"/>'
        yield f'<text x="{x:.1f}" y="{TOP - 12}" text-anchor="middle">{10.0**power:g}</text>'


def _race(case: str, lines: Sequence[Line], y: float, low: int, high: int) -> Iterator[str]:
    yield f'<text x="{LEFT - 14}" y="{y + 4:.1f}" text-anchor="end">{escape(CASES[case].title)}</text>'
    for line, middle, least, most in _dots(lines):
        colour = "ours" if line.ours else line.name
        ends = f'x1="{_place(least, low, high):.1f}" x2="{_place(most, low, high):.1f}"'
        said = escape(f"{line.title}: {middle:.3g}")
        yield f'<g class="{colour}"><title>{said}</title><line {ends} y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<circle cx="{_place(middle, low, high):.1f}" cy="{y:.1f}" r="4.5"/></g>'


def _legend() -> Iterator[str]:
    x = float(MARGIN)
    for name, title in zip(CLASSES, NAMES, strict=True):
        yield f'<circle class="{name}" cx="{x + 5:.1f}" cy="48" r="4.5"/>'
        yield f'<text x="{x + 15:.1f}" y="52">{title}</text>'
        x += 32 + 6.6 * len(title)

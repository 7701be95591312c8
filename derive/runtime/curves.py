"""The curves of a run as an SVG: loss, and for a classifier the error in percent, over the epochs.

Colours follow the reader's light or dark scheme; the background is left open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from .atomic import write_atomically
from .errors import CheckpointError
from .log import Record
from .ticks import label, ticks

WIDTH, HEIGHT = 380, 250  # of a panel's axes
LEFT, RIGHT, TOP, BOTTOM = 62, 26, 62, 52  # around them

STYLE = """\
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #57606a; }
.title { font-size: 14px; font-weight: 600; fill: #24292f; }
.axis { stroke: #8c959f; stroke-width: 1; fill: none; }
.grid { stroke: #8c959f; stroke-opacity: .25; stroke-width: 1; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.train { stroke: #0969da; } .test { stroke: #d1570a; }
circle.train { fill: #0969da; } circle.test { fill: #d1570a; }
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1; } .title { fill: #e6edf3; }
  .train { stroke: #58a6ff; } .test { stroke: #f0883e; }
  circle.train { fill: #58a6ff; } circle.test { fill: #f0883e; }
}
"""


@dataclass(frozen=True)
class Curve:
    """A named line through (epoch, value); `kind` is its colour."""

    kind: str
    title: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Panel:
    """Axes with curves."""

    title: str
    unit: str
    curves: tuple[Curve, ...]


def write(path: Path, records: Sequence[Record]) -> None:
    """Draw the log into `path`. Raise CheckpointError where the disk refuses."""
    try:
        write_atomically(path, [draw(records).encode()])
    except OSError as error:
        raise CheckpointError(
            f"the curves {path} can't be written: {error.strerror}; free space there"
        ) from None


def draw(records: Sequence[Record]) -> str:
    """The log as SVG: a panel for the loss, and one for the error where it is known."""
    epochs = [record for record in records if "epoch" in record]
    title = next((f"{r['run']['network']} on {r['run']['data']}" for r in records if "run" in r), "training")
    panels = [panel for panel in (_loss(epochs), _error(epochs)) if panel.curves]
    width = len(panels) * (LEFT + WIDTH + RIGHT) or LEFT + RIGHT
    height = TOP + HEIGHT + BOTTOM
    quoted = escape(title, {'"': "&quot;"})
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{quoted}">'
    )
    body = [
        line for i, panel in enumerate(panels) for line in _panel(panel, i * (LEFT + WIDTH + RIGHT) + LEFT)
    ]
    return "\n".join(
        [
            opening,
            f"<style>\n{STYLE}</style>",
            f'<text class="title" x="{LEFT}" y="22">{escape(title)}</text>',
            *body,
            "</svg>\n",
        ]
    )


def _points(epochs: Sequence[Record], name: str, scale: float = 1) -> tuple[tuple[float, float], ...]:
    return tuple((r["epoch"], scale * r[name]) for r in epochs if r.get(name) is not None)


def _loss(epochs: Sequence[Record]) -> Panel:
    measured = any("train_loss" in r for r in epochs)
    train = _points(epochs, "train_loss" if measured else "loss")
    return _filled("loss", "", train, _points(epochs, "test_loss"))


def _error(epochs: Sequence[Record]) -> Panel:
    return _filled("error", " %", _points(epochs, "train_error", 100), _points(epochs, "test_error", 100))


def _filled(
    title: str, unit: str, train: tuple[tuple[float, float], ...], test: tuple[tuple[float, float], ...]
) -> Panel:
    curves = (Curve("train", "train", train), Curve("test", "test", test))
    return Panel(title, unit, tuple(curve for curve in curves if curve.points))


def _panel(panel: Panel, left: float) -> list[str]:
    xs = [x for curve in panel.curves for x, _ in curve.points]
    ys = [y for curve in panel.curves for _, y in curve.points]
    across = [t for t in ticks(0, max(xs), 6) if t == int(t)]
    up = ticks(min(0.0, *ys), max(ys))

    def x_of(x: float) -> float:
        return round(left + WIDTH * x / across[-1], 2)

    def y_of(y: float) -> float:
        return round(TOP + HEIGHT * (up[-1] - y) / (up[-1] - up[0]), 2)

    lines = _grid(
        panel, left, [(y_of(t), f"{label(t)}{panel.unit}") for t in up], [(x_of(t), label(t)) for t in across]
    )
    for curve in panel.curves:
        places = [(x_of(x), y_of(y)) for x, y in curve.points]
        path = " ".join(f"{x},{y}" for x, y in places)
        lines.append(f'<polyline class="curve {curve.kind}" points="{path}"/>')
        lines += [
            f'<circle class="{curve.kind}" cx="{x}" cy="{y}" r="2.5"/>'
            for x, y in places
            if len(places) <= 40
        ]
    return lines + _legend(panel, left)


def _grid(
    panel: Panel, left: float, up: list[tuple[float, str]], across: list[tuple[float, str]]
) -> list[str]:
    right, bottom = left + WIDTH, TOP + HEIGHT
    lines = [f'<text x="{left}" y="{TOP - 14}">{escape(panel.title)}</text>']
    for y, text in up:
        lines.append(f'<path class="grid" d="M{left} {y}H{right}"/>')
        lines.append(f'<text x="{left - 9}" y="{y + 4}" text-anchor="end">{escape(text)}</text>')
    for x, text in across:
        lines.append(f'<path class="axis" d="M{x} {bottom}v5"/>')
        lines.append(f'<text x="{x}" y="{bottom + 20}" text-anchor="middle">{text}</text>')
    lines.append(f'<path class="axis" d="M{left} {bottom}H{right}"/>')
    return [*lines, f'<text x="{left + WIDTH / 2}" y="{bottom + 40}" text-anchor="middle">epoch</text>']


def _legend(panel: Panel, left: float) -> list[str]:
    lines = []
    for i, curve in enumerate(reversed(panel.curves)):
        x = left + WIDTH - 70 * (i + 1) + 8
        lines.append(f'<path class="curve {curve.kind}" d="M{x} {TOP - 18}h20"/>')
        lines.append(f'<text x="{x + 26}" y="{TOP - 14}">{escape(curve.title)}</text>')
    return lines

"""The picture: a panel for each run, its regions where the margins say, the same bytes each time."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from derive.runtime.buffers import Array
from derive.study import picture, plane
from derive.study.experiment import HYPOTHESES, Problem, Result

SVG = "{http://www.w3.org/2000/svg}"
PROBLEMS = {name: Problem(plane.points(name, 40, 30), 0.4) for name in plane.PROBLEMS}


def margins(radius: float) -> Array:
    """Class 1 outside a circle."""
    x = plane.grid(61)
    return (8 * (np.hypot(x[:, 0], x[:, 1]) - radius)).reshape(61, 61)


def results() -> list[Result]:
    return [
        Result(hypothesis, name, 0.125, 0.5, margins(0.5 + 0.1 * i), "numpy")
        for i, hypothesis in enumerate(HYPOTHESES)
        for name in PROBLEMS
    ]


def absolute(path: str) -> Array:
    """The places of the first curve of `M x y l dx dy ... z`."""
    start, steps = path.rstrip("z").split("l")
    numbers = [int(text) for text in re.findall(r"-?\d+", start + " " + steps)]
    return np.cumsum(np.array(numbers).reshape(-1, 2), axis=0)


def test_a_panel_for_each_run() -> None:
    root = ET.fromstring(picture.draw(results(), PROBLEMS))
    panels = root.findall(f"{SVG}svg")
    assert len({(panel.get("x"), panel.get("y")) for panel in panels}) == 9
    assert [use.get("href") for use in root.iter(f"{SVG}use")] == [f"#{name}" for name in PROBLEMS] * 3
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert texts.count("error 12.5 % train, 50.0 % test") == 9
    assert [text[:2] for text in texts if re.match(r"H\d", text)] == ["H1", "H4", "H5"]
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for panel in panels:
        assert float(panel.attrib["x"]) + float(panel.attrib["width"]) < width
        assert float(panel.attrib["y"]) + float(panel.attrib["height"]) < height


def test_the_border_lies_where_the_margin_is_zero() -> None:
    root = ET.fromstring(picture.draw(results(), PROBLEMS))
    for i, panel in enumerate(root.findall(f"{SVG}svg")):
        border = next(path for path in panel if path.get("class") == "border")
        curves = [curve + "z" for curve in border.attrib["d"].split("z")[:-1]]
        circle = min(map(absolute, curves), key=lambda places: float(np.abs(places - 500).max()))
        radii = 2 * plane.EXTENT / picture.UNITS * np.hypot(*(circle - 500).T)
        assert radii == pytest.approx(0.5 + 0.1 * (i // 3), abs=0.01)


def test_the_bands_lie_one_in_the_other() -> None:
    root = ET.fromstring(picture.draw(results(), PROBLEMS))
    panel = root.find(f"{SVG}svg")
    assert panel is not None
    paths = {path.attrib["class"]: path.attrib["d"] for path in panel if path.tag == f"{SVG}path"}
    assert list(paths) == ["sure zero", "weak zero", "weak one", "sure one", "border"]
    assert paths["border"] == paths["weak one"]
    holes = [
        min(np.ptp(absolute(curve + "z"), axis=0).max() for curve in paths[kind].split("z")[:-1])
        for kind in ("weak zero", "weak one", "sure one")
    ]
    assert holes == sorted(holes)
    assert holes[0] < 0.7 * holes[2]


def test_dots_are_the_test_points_of_their_class() -> None:
    root = ET.fromstring(picture.draw(results(), PROBLEMS))
    [zero, one] = next(group for group in root.iter(f"{SVG}g") if group.get("id") == "rings")
    for path, radius in ((zero, 0.5), (one, 1.0)):
        dots = re.findall(r"M (-?\d+) ?(-?\d+)h0", path.attrib["d"])
        assert len(dots) == 15
        places = 2 * plane.EXTENT / picture.UNITS * (np.array(dots, dtype=int) - 500)
        assert np.hypot(*places.T) == pytest.approx(radius, abs=0.25)
    assert absolute_first(zero) == pytest.approx(PROBLEMS["rings"].data.test.X[0, :2], abs=2e-3)


def absolute_first(path: ET.Element) -> Array:
    x, y = map(int, re.findall(r"-?\d+", path.attrib["d"])[:2])
    return 2 * plane.EXTENT / picture.UNITS * np.array([x - 500, 500 - y])


def test_the_picture_is_a_function_of_the_results() -> None:
    assert picture.draw(results(), PROBLEMS) == picture.draw(results(), PROBLEMS)

"""Table, picture and page of a report made by hand."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bench.cases import CASES
from bench.page import BEGIN, END, write
from bench.picture import draw
from bench.results import Limits, Report
from bench.table import HEAD, duration, markdown, share, size, titled
from derive.errors import DeriveError
from tests.bench.conftest import MakeLine

SVG = "{http://www.w3.org/2000/svg}"


def test_rows_of_a_race(report: Report) -> None:
    ((title, rows, remarks),) = titled(report)
    assert title == "mlp2: 784-100-10, batch 100, 1 thread"
    assert [row[0] for row in rows] == ["EMITTED_C", "CALLED_C", "NUMPY", "JAX"]
    assert all(len(row) == len(HEAD) for row in rows)
    assert rows[0][3:] == ("1", "0.08 of peak", "10 us", "2 MB", "840 B", "300 ms", "20.4 KB")
    assert rows[2][3] == "2 (2 to 2)"
    assert remarks[0] == "TORCH_EAGER does not race: it computes something else <&>"
    assert remarks[1] == "a call from Python adds 2 us to the step of target c"


def test_a_layer_has_a_share_of_bandwidth(make_line: MakeLine) -> None:
    case = CASES["softmax"]
    line = make_line("numpy", medians=(1.0,))
    assert share(case, line, Limits("softmax", 1, bandwidth=(2.0 * case.bytes,))) == "0.50 of bandwidth"
    assert share(case, line, Limits("softmax", 1)) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.5, "1.5 s"), (0.15, "150 ms"), (7.2e-8, "72 ns"), (1234.0, "1234 s"), (0.0, "0 ns")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_sizes() -> None:
    assert [size(count) for count in (None, 840, 20_416, 4_670_000)] == ["", "840 B", "20.4 KB", "4.67 MB"]


def test_markdown_has_a_row_a_contestant(report: Report) -> None:
    text = markdown(report)
    assert text.count("\n| ") == 2 + 4
    assert "* date: a day" in text
    assert "* peak, 1 thread(s): 200 GFLOP/s (100 to 300)" in text
    assert "vendor" not in text


def test_the_picture_is_well_formed(report: Report, make_line: MakeLine) -> None:
    odd = make_line("jax", title='<b> & "c"')
    root = ET.fromstring(draw(Report({}, (*report.lines[:1], *report.lines[2:], odd), ())))
    assert root.tag == f"{SVG}svg"
    titles = [each.text for each in root.iter(f"{SVG}title")]
    assert titles == ["EMITTED_C: 1", '<b> & "c": 1', "NUMPY: 2"]
    width = float(root.get("width", "0"))
    assert all(0 <= float(dot.get("cx", "-1")) <= width for dot in root.iter(f"{SVG}circle"))


def test_a_picture_of_nothing_is_well_formed() -> None:
    assert ET.fromstring(draw(Report({}, (), ()))).tag == f"{SVG}svg"


def test_the_page_keeps_its_words(report: Report, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n", encoding="utf-8")
    write(page, report)
    once = page.read_text(encoding="utf-8")
    assert once.startswith("before\n\n")
    assert once.endswith(f"{END}\n\nafter\n")
    assert "old" not in once
    assert (tmp_path / "images" / "page.svg").is_file()
    write(page, report)
    assert page.read_text(encoding="utf-8") == once


def test_a_page_without_a_place_is_refused(report: Report, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("words", encoding="utf-8")
    with pytest.raises(DeriveError, match="has no place for the tables"):
        write(page, report)
    assert page.read_text(encoding="utf-8") == "words"


def test_our_own_scaling_is_said(report: Report, make_line: MakeLine) -> None:
    two = make_line("emitted_c", 0.8e-3, threads=2)
    _, (_, _, remarks) = titled(Report({}, (*report.lines, two), ()))
    assert remarks == ["EMITTED_C: 1.25 times as fast as on one thread"]
    (_, _, alone), *_ = titled(Report({}, (two,), ()))
    assert alone == []

"""The page of the documentation: what stands between two marks is written anew, the words around are kept."""

from __future__ import annotations

from pathlib import Path

from bench.picture import draw
from bench.results import Report
from bench.table import markdown
from derive.errors import DeriveError

BEGIN, END = "<!-- measured -->", "<!-- end of what was measured -->"


def write(page: Path, report: Report) -> tuple[Path, Path]:
    """Put the tables into the page and the picture into images/ beside it; give both paths."""
    text = page.read_text(encoding="utf-8")
    picture = page.parent / "images" / f"{page.stem}.svg"
    changed = replaced(
        text, f"![{report.machine.get('date', '')}](images/{picture.name})\n\n{markdown(report)}", page
    )
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(draw(report), encoding="utf-8", newline="\n")
    page.write_text(changed, encoding="utf-8", newline="\n")
    return page, picture


def replaced(text: str, measured: str, page: Path) -> str:
    """The page with other measurements. Raise DeriveError where it has no place for them."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise DeriveError(f"{page} has no place for the tables; put the lines {BEGIN} and {END} into it")
    return f"{head}{BEGIN}\n\n{measured}\n{END}{tail}"

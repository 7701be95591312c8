"""Text of any kind: no trace of the machine or the day, and files that one reads in one go."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.trees import EMITTED, ROOT, SOURCE, files, plant

CODE = (*SOURCE, *EMITTED, "bench")
BUILD = ("Makefile", ".ci/run", "pyproject.toml")

HOST = re.compile(
    r"https?://(?!www\.w3\.org/)|\b[\w-]+(\.[\w-]+)*\.(com|org|net|io|dev|edu|internal)\b(?<!w3\.org)"
)
MACHINE = re.compile(r"(?<![\w.])/(home|Users|root|work|tmp|var|mnt|opt)/\w|\b[A-Z]:\\\\?\w")
DATE = re.compile(r"\b(19|20)\d\d-[01]\d-[0-3]\d\b|\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d\b")
CLEAN_TEXT = (
    ("no host names", HOST, (*CODE, *BUILD)),
    ("no machine paths", MACHINE, (*CODE, *BUILD, "docs")),
    ("no dates", DATE, EMITTED),
)


def text_hits(root: Path, pattern: re.Pattern[str], where: Iterable[str]) -> list[str]:
    """List where a pattern occurs in text of any kind."""
    return [
        f"{path.relative_to(root)}:{number}: {line.strip()}"
        for path in files(root, where, "*")
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


@pytest.mark.parametrize(("title", "pattern", "where"), CLEAN_TEXT, ids=[row[0] for row in CLEAN_TEXT])
def test_text_is_free_of_the_machine(title: str, pattern: re.Pattern[str], where: tuple[str, ...]) -> None:
    assert text_hits(ROOT, pattern, where) == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (HOST, "see https://example.test/x"),
        (HOST, "from pypi.example.org"),
        (MACHINE, "/home/ada/derive/generated"),
        (MACHINE, "#include </tmp/x.h>"),
        (DATE, "/* built on 2024-05-06 */"),
        (DATE, "/* Mon Jan  1 12:00 */"),
    ],
)
def test_planted_text_is_caught(tmp_path: Path, pattern: re.Pattern[str], text: str) -> None:
    assert text_hits(plant(tmp_path, "generated/net/net.c", text), pattern, EMITTED)


@pytest.mark.parametrize(
    "text", ['xmlns="http://www.w3.org/2000/svg"', "p->W1[j][h] / b->m", "OOPSLA 2014", "a/home/b", "1999-2"]
)
def test_ordinary_text_passes(tmp_path: Path, text: str) -> None:
    root = plant(tmp_path, "generated/net/net.c", text)
    assert [row[0] for row in CLEAN_TEXT if text_hits(root, row[1], EMITTED)] == []


def long_files(root: Path) -> list[str]:
    """List the files of more than 350 lines."""
    counts = ((path, len(path.read_text(encoding="utf-8").splitlines())) for path in files(root, SOURCE))
    return [f"{path.relative_to(root)}: {count} lines" for path, count in counts if count > 350]


def test_files_are_short(tmp_path: Path) -> None:
    assert long_files(ROOT) == []
    assert long_files(plant(tmp_path, "derive/long.py", "x = 1\n" * 351))
    assert long_files(plant(tmp_path, "derive/long.py", "x = 1\n" * 350)) == []

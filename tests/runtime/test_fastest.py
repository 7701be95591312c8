"""What runs a network where nothing is named: tuned C, else plain C, else NumPy, each for a reason."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from derive.runtime.errors import RuntimeInputError
from derive.runtime.loading import load_fastest
from tests.runtime.conftest import need_compiler

GENERATED = Path(__file__).resolve().parents[2] / "generated"
REFUSES = """#!/bin/sh
for word in "$@"; do case "$word" in *_tuned.c) echo "no vectors here" >&2; exit 1;; esac; done
exec "{compiler}" "$@"
"""


def backend(name: str, **options: Any) -> tuple[str, list[str]]:
    """What was taken, and what was said of the others."""
    said: list[str] = []
    return load_fastest(name, GENERATED, notice=said.append, **options).backend, said


@pytest.fixture(autouse=True)
def compiler() -> None:
    need_compiler()


@pytest.mark.compiler
@pytest.mark.parametrize(
    ("name", "options", "taken"),
    [
        ("two_layer", {}, "tuned"),
        ("two_layer", {"max_batch": 128}, "tuned"),
        ("two_layer", {"max_batch": 129}, "c"),
        ("two_layer", {"sizes": {"d": 30}}, "c"),
        ("tiny", {}, "c"),
    ],
)
def test_tuned_where_it_was_built_for_these_sizes(name: str, options: dict[str, Any], taken: str) -> None:
    assert backend(name, **options) == (taken, [])


@pytest.mark.compiler
def test_plain_where_the_compiler_refuses_the_tuned_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = tmp_path / "narrow-cc"
    wrapper.write_text(REFUSES.format(compiler=shutil.which("cc") or shutil.which("gcc")))
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CC", str(wrapper))
    taken, (said,) = backend("two_layer")
    assert taken == "c"
    assert said.startswith("plain C runs this, not tuned C: ")
    assert "no vectors here" in said


def test_numpy_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    taken, (said,) = backend("two_layer")
    assert taken == "numpy"
    assert said.startswith("NumPy runs this, not C: the C compiler CC=no-such-compiler")


@pytest.mark.compiler
def test_threads_are_not_dropped_in_silence() -> None:
    with pytest.raises(RuntimeInputError, match="threads is 2, but the plain C"):
        backend("tiny", threads=2)

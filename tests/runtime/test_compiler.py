"""The compiler is found, asked once, and its refusals are shown."""

import importlib.util
import shutil
import sys
import threading
from pathlib import Path

import pytest

from derive.runtime import compiler, load
from derive.runtime.compiler import compile_library, find_compiler
from derive.runtime.errors import CompilerError
from tests.runtime.conftest import SAMPLE, SMALL

pytestmark = [pytest.mark.compiler, pytest.mark.usefixtures("compiler", "fresh")]


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def script(path: Path, *lines: str) -> Path:
    """A compiler of our own making, in front of the real one."""
    path.write_text("\n".join(["#!/bin/sh", *lines, 'exec cc "$@"', ""]))
    path.chmod(0o755)
    return path


def source(folder: Path, text: str = "int answer(void) { return 42; }\n") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "net.c"
    path.write_text(text)
    return path


def test_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    there: set[str] = {"gcc", "clang"}
    monkeypatch.setattr(shutil, "which", lambda name: name if name in there else None)
    monkeypatch.setattr(compiler, "_asked", compiler.Compiler)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert find_compiler().command == ("gcc",)
    there.add("cc")
    assert find_compiler().command == ("cc",)
    there.clear()
    assert find_compiler().command == (sys.executable, "-m", "ziglang", "cc")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        CompilerError, match=r'neither cc, gcc, clang nor the ziglang wheel .* backend="numpy"'
    ):
        find_compiler()
    monkeypatch.setenv("CC", "ccache 'my cc'")
    assert find_compiler().command == ("ccache", "my cc")


def test_a_compiler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(CompilerError, match="CC=no-such-compiler does not answer to --version"):
        find_compiler()


def test_a_source_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = tmp_path / "calls"
    monkeypatch.setenv(
        "CC", str(script(tmp_path / "counting", f'case "$*" in *.c*) echo x >> {calls};; esac'))
    )
    path = source(tmp_path / "net")
    first = compile_library(path, ())
    assert compile_library(path, ()) == first
    assert calls.read_text() == "x\n"
    assert compile_library(path, ("-DNET_M=7",)) != first
    path.write_text(path.read_text() + "int other(void) { return 0; }\n")
    assert compile_library(path, ()) != first
    assert [p.suffix for p in first.parent.iterdir()] == [".so"] * 3


def test_a_changed_header_is_a_changed_source(tmp_path: Path) -> None:
    path = source(tmp_path / "net", '#include "net.h"\nint answer(void) { return ANSWER; }\n')
    header = path.with_suffix(".h")
    header.write_text("#define ANSWER 1\n")
    first = compile_library(path, ())
    header.write_text("#define ANSWER 2\n")
    assert compile_library(path, ()) != first


def test_a_compiler_without_march_native(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = script(tmp_path / "plain", 'case "$*" in *native*) echo bad option >&2; exit 1;; esac')
    monkeypatch.setenv("CC", str(refusing))
    assert compile_library(source(tmp_path / "net"), ()).is_file()


def test_the_compiler_is_quoted(tmp_path: Path) -> None:
    path = source(tmp_path / "net", "int broken( { return 42; }\n")
    with pytest.raises(CompilerError, match=r"refuses .*net\.c: .*error.*; rebuild the network") as caught:
        compile_library(path, ())
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "cache" / "derive" / "build").iterdir())


def test_a_cache_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(CompilerError, match=r"can't be made .* set XDG_CACHE_HOME"):
        compile_library(source(tmp_path / "net"), ())


def test_many_may_compile_at_once(tmp_path: Path) -> None:
    path = source(tmp_path / "net")
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(compile_library(path, ()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert [p.name for p in found[0].parent.iterdir()] == [found[0].name]


def test_the_sample_is_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wdouble-promotion -Werror"
    monkeypatch.setenv(
        "CC", str(script(tmp_path / "strict", f'case "$*" in *.c*) set -- {strict} "$@";; esac'))
    )
    for dtype in ("float32", "float64"):
        load("two_layer", "c", SAMPLE, dtype, sizes=SMALL)
        load("line", "c", SAMPLE, dtype)

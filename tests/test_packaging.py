"""The wheel holds what `python -m derive` needs in any folder; importing derive costs next to nothing."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import derive
from derive.__main__ import main
from derive.commands import COMMANDS
from derive.errors import CheckFailed, DeriveError
from tests.trees import ROOT, SOURCE, files

HEAVY = ("sympy", "numpy", "lark", "jinja2", "rich")
WRITTEN = [name for name in COMMANDS if (ROOT / "derive" / "commands" / f"{name}.py").exists()]


def python(*arguments: str, path: Path = ROOT, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a fresh interpreter that finds derive in one place."""
    environment = {**os.environ, "PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"}
    command: Sequence[str] = (sys.executable, *arguments)
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the tree, without a network."""
    pytest.importorskip("setuptools", minversion="77", reason="the test extra brings the build backend")
    tree = tmp_path_factory.mktemp("tree")
    for name in ("derive", "codegen"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, tree / name)
    build = "from setuptools import build_meta; build_meta.build_wheel('.')"
    built = python("-c", build, cwd=tree, path=tree)
    assert built.returncode == 0, built.stderr
    (found,) = tree.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the wheel, which is all that installing it does."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_wheel_holds_every_source_file_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == {str(path.relative_to(ROOT)) for path in files(ROOT, SOURCE, "*")}


def test_the_wheel_runs_in_another_folder(installed: Path, tmp_path: Path) -> None:
    shown = python("-m", "derive", "--version", path=installed, cwd=tmp_path)
    assert shown.stdout.split()[-1] == derive.__version__, shown.stderr
    where = python("-c", "import derive; print(derive.__file__)", path=installed, cwd=tmp_path)
    assert where.stdout.strip() == str(installed / "derive" / "__init__.py")


@pytest.mark.skipif("list" not in WRITTEN, reason="the command is not there yet")
def test_the_wheel_lists_what_there_is(installed: Path, tmp_path: Path) -> None:
    listed = python("-m", "derive", "list", path=installed, cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert "two_layer" in listed.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="the page is not there yet")
@pytest.mark.parametrize("command", ["make train", "make test"])
def test_the_readme_gives_the_commands(command: str) -> None:
    fenced = (ROOT / "README.md").read_text(encoding="utf-8").split("```")[1::2]
    lines = [line.removeprefix("$ ") for block in fenced for line in block.splitlines()]
    assert any(line.startswith(command) for line in lines), ".ci/run looks for such a line"


def test_core_dependencies_are_few() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {text.split(">")[0] for text in project["dependencies"]} == {*HEAVY, "click"}


@pytest.mark.parametrize("statement", ["import derive", "from derive.__main__ import main"])
def test_importing_derive_loads_nothing_heavy(statement: str) -> None:
    loaded = python("-c", f"{statement}\nimport sys; print(*sys.modules)").stdout.split()
    assert "derive" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_help_loads_nothing_heavy() -> None:
    shown = python("-X", "importtime", "-m", "derive", "--help")
    assert shown.returncode == 0
    assert all(name in shown.stdout for name in COMMANDS)
    loaded = {line.rpartition("|")[2].strip() for line in shown.stderr.splitlines()}
    assert [name for name in HEAVY if name in loaded] == []


def test_exported_names_are_imported_on_demand() -> None:
    assert derive.DeriveError is DeriveError
    assert {"DeriveError", "runtime"} <= set(dir(derive))
    with pytest.raises(AttributeError, match="no attribute 'novelty'"):
        _ = derive.novelty


@pytest.mark.parametrize("name", WRITTEN)
def test_each_command_is_in_its_module(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage:" in result.output


def planted(error: Exception) -> click.Command:
    """Make a command that fails."""

    @click.command("list")
    def fails() -> None:
        raise error

    return fails


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DeriveError("axis n is 20\n  in X; set n=784"), 2),
        (CheckFailed("axis n is 20\n  in X; set n=784"), 1),
        (OSError(28, "axis n is 20 in X; set n=784"), 2),
    ],
)
def test_a_refusal_is_one_paragraph(error: Exception, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(main), "get_command", lambda *_: planted(error))
    result = CliRunner().invoke(main, ["list"])
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.endswith("axis n is 20 in X; set n=784\n")
    assert result.stderr.count("\n") == 1


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(main), "get_command", lambda *_: planted(KeyError("bug")))
    assert isinstance(CliRunner().invoke(main, ["list"]).exception, KeyError)


def test_an_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["novelty"])
    assert result.exit_code == 2
    assert "No such command 'novelty'" in result.stderr

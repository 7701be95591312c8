"""`build` of several networks: side by side, and yet as if one after another."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from derive.commands.build import build
from derive.commands.processes import prepare, side_by_side
from derive.errors import DeriveError

NAMES = ("two_layer", "curve", "tiny")


def tree(folder: Path) -> dict[str, bytes]:
    """The bytes of every file."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}


def echoed(name: str) -> None:
    """A job that prints, or is refused."""
    if name == "wrong":
        raise DeriveError("'wrong' is refused")
    click.echo(f"{name} done")


def test_several_networks_give_the_text_and_the_files_of_one_at_a_time(tmp_path: Path) -> None:
    runner = CliRunner()
    together = runner.invoke(build, [*NAMES, "--out", str(tmp_path / "out")], catch_exceptions=False)
    files = tree(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "before")
    alone = [runner.invoke(build, [name, "--out", str(tmp_path / "out")]).output for name in NAMES]
    assert together.output == "".join(alone)
    assert files == tree(tmp_path / "out")
    assert len({path.split("/")[0] for path in files}) == len(NAMES)


def test_what_is_printed_keeps_the_order_of_the_jobs() -> None:
    names = ("c", "a", "b", "d")
    assert list(side_by_side(prepare(()), echoed, names)) == [f"{name} done\n" for name in names]


def test_a_refusal_in_another_process_arrives_whole() -> None:
    with pytest.raises(DeriveError, match=r"^'wrong' is refused$"):
        list(side_by_side(prepare(()), echoed, ("a", "wrong", "b")))


def test_an_unknown_name_among_several_is_refused(tmp_path: Path) -> None:
    found = CliRunner().invoke(build, ["tiny", "nothing", "--out", str(tmp_path)])
    assert isinstance(found.exception, DeriveError)
    assert "there is no network or layer 'nothing'" in str(found.exception)


def test_a_network_has_its_own_targets_unless_others_are_named(tmp_path: Path) -> None:
    runner = CliRunner()
    for words, tuned in (("two_layer", True), ("tiny", False), ("two_layer --target c", False)):
        out = tmp_path / words.replace(" ", "-")
        runner.invoke(build, [*words.split(), "--out", str(out)], catch_exceptions=False)
        assert bool(list(out.rglob("*_tuned.c"))) is tuned

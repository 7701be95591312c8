"""Bad input from the shell: one paragraph that names the thing and the remedy, exit 2, nothing written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BUILD = ("build", "two_layer")
REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "no such network": (("build", 'x); system("id"); //'), "there is no network or layer"),
    "a hostile name": ((*BUILD, "--as", 'x); system("id"); //'), "no identifier of C and Python"),
    "a keyword": ((*BUILD, "--as", "while"), "choose another name"),
    "a name of libm": ((*BUILD, "--as", "y0"), "choose another name"),
    "a macro": ((*BUILD, "--as", "I"), "choose another name"),
    "code after a formula": ((*BUILD, "--activation", "x; import os"), "column 2"),
    "an empty formula": ((*BUILD, "--activation", ""), "the formula is empty"),
    "an unknown function": ((*BUILD, "--activation", "foo(x)"), "unknown function 'foo'"),
    "a huge power": ((*BUILD, "--activation", "10**10**10*x"), "take it out"),
    "a step": ((*BUILD, "--activation", "sign(x)"), "is flat"),
    "a size of zero": ((*BUILD, "--size", "d=0"), "not a symbol and a size"),
    "an unknown size": ((*BUILD, "--size", "q=3"), "its sizes are n, d, k"),
    "an unknown target": ((*BUILD, "--target", "fortran"), "the targets are numpy, c"),
    "a layer with a name": (("build", "conv2d", "--as", "mine"), "is a layer"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_shell_gets_a_paragraph_and_nothing_is_written(case: str, tmp_path: Path) -> None:
    words, expected = REFUSED[case]
    out = tmp_path / "out"
    command = [sys.executable, "-m", "derive", *words, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()

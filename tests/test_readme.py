"""What README.md says stands in the tree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from derive.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_that_comes_out_is_the_python_emitted() -> None:
    shown = next(
        block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "def vjp" in block
    )
    emitted = (ROOT / "generated/two_layer/two_layer.py").read_text(encoding="utf-8")
    assert shown in emitted


def test_the_definition_shown_is_the_layer_defined() -> None:
    shown = next(
        block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "layernorm" in block
    )
    defined = (ROOT / "derive/layers/normalisation.py").read_text(encoding="utf-8")
    equations = [line.strip() for line in shown.splitlines() if line.startswith("    ")]
    assert equations
    assert all(re.sub(r'""".*', "", line) in defined for line in equations)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


def test_commands_exist() -> None:
    named = set(re.findall(r"python -m derive (\w+)", README))
    assert named
    assert named <= set(COMMANDS)

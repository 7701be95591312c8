"""The committed tables are what the command writes."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from derive.check.forms.layers import LAYERS
from derive.commands.tables import every_table, tables
from tests.trees import ROOT


def test_the_committed_tables_are_what_the_command_writes(tmp_path: Path) -> None:
    result = CliRunner().invoke(tables, ["--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    committed = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "tables").iterdir()}
    assert written == committed, "python -m derive tables, and commit docs/tables"


def test_every_layer_with_a_form_has_its_row() -> None:
    table = every_table()["forms.md"]
    assert all(f"| {form.name} |" in table for form in LAYERS)


def test_every_row_has_the_columns_of_its_head() -> None:
    for name, text in every_table().items():
        width = 0
        for line in text.split("\n"):
            cells = line.replace("\\|", "").count("|")
            width = cells if line.startswith("| ---") else width
            assert not line.startswith("|") or not width or cells == width, (name, line)

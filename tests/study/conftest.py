"""The three networks of the study, derived and emitted once, and trained on few points."""

from pathlib import Path

import pytest

from derive.commands.study import build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("generated")
    build(out, ("numpy",))
    return out

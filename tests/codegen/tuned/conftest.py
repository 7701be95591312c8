"""The networks of odd sizes, emitted once in a run, and each program of theirs compiled once."""

from pathlib import Path

import pytest

from tests.codegen.tuned.driven import SIZES, Driven, driven_once


@pytest.fixture(scope="session", params=SIZES)
def odd(request: pytest.FixtureRequest, shared: Path) -> Driven:
    return driven_once(request.param, shared)

"""The networks of odd sizes, emitted once."""

import pytest

from tests.codegen.tuned.driven import SIZES, Driven, driven


@pytest.fixture(scope="session", params=SIZES)
def odd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Driven:
    return driven(request.param, tmp_path_factory.mktemp(request.param))

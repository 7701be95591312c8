"""What every test shares: fixed random numbers, and no surprises from the machine."""

import os
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("derive", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("derive")


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Random numbers that are the same on every run of a test, and others in every test."""
    return np.random.default_rng(zlib.crc32(request.node.nodeid.encode()))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of a run have in common, for what is named by its content."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder

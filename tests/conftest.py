"""What every test shares: fixed random numbers, and no surprises from the machine."""

import zlib

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("derive", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("derive")


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Random numbers that are the same on every run of a test, and others in every test."""
    return np.random.default_rng(zlib.crc32(request.node.nodeid.encode()))

"""Sample networks written by hand to docs/interface.md; compiled into a cache folder of the tests' own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive.runtime import Network, load
from derive.runtime.buffers import Array
from derive.runtime.compiler import find_compiler
from derive.runtime.errors import CompilerError

SAMPLE = Path(__file__).parent / "sample"
SMALL = {"n": 6, "d": 5, "k": 3}

Loader = Callable[..., Network]


@pytest.fixture(scope="session")
def cache(shared: Path) -> Path:
    return shared / "cache"


@pytest.fixture(autouse=True)
def own_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))


@pytest.fixture(params=["numpy", pytest.param("c", marks=pytest.mark.compiler)])
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "c":
        need_compiler()
    return name


@pytest.fixture
def compiler() -> None:
    need_compiler()


def need_compiler() -> None:
    try:
        find_compiler()
    except CompilerError as error:
        pytest.skip(str(error))


def two_layer(backend: str, **options: Any) -> Network:
    return load("two_layer", backend, SAMPLE, **{"sizes": SMALL, **options}).init(1)


def batch(rng: np.random.Generator, count: int = 7, dtype: str = "float32") -> tuple[Array, Array]:
    X = rng.standard_normal((count, SMALL["n"])).astype(dtype)
    return X, rng.integers(0, SMALL["k"], count, dtype=np.int32)

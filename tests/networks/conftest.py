"""Networks built once for these tests, loaded in either backend."""

from collections.abc import Callable
from pathlib import Path

import pytest

from codegen.emit import emit
from derive.networks.registry import network
from derive.runtime import Network, load
from derive.runtime.compiler import find_compiler
from derive.runtime.errors import CompilerError

Loader = Callable[[str, str], Network]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    for name in ("lenet", "gpt"):
        emit(network(name), ("numpy", "c"), folder)
    return folder


@pytest.fixture
def loaded(built: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> Loader:
    monkeypatch.setenv("XDG_CACHE_HOME", str(shared / "cache"))

    def one(name: str, backend: str) -> Network:
        if backend == "c":
            try:
                find_compiler()
            except CompilerError as error:
                pytest.skip(str(error))
        return load(name, backend, built)

    return one

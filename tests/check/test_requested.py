"""`verify --with` passes what is emitted, and catches each way of breaking a derivative on request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from codegen.emit import emit
from codegen.plan.derivatives import ON_REQUEST
from derive.check.arithmetic import Array
from derive.check.requested import requested
from derive.commands.verify import verify
from derive.networks.registry import NETWORKS, variant
from derive.runtime import load
from tests.codegen.emitted_c import COMPILERS

ALL = tuple(ON_REQUEST)
NETWORK = replace(variant("two_layer_tanh"), derivatives=ALL)


class Faulty:
    """A loaded network one of whose derivatives is wrong."""

    def __init__(self, running: Any, fault: str) -> None:
        self.running, self.fault = running, fault

    def __getattr__(self, name: str) -> Any:
        return getattr(self.running, name)

    def product(self, key: str, tangents: Mapping[str, Array]) -> dict[str, Array]:
        found = dict(self.running.product(key, tangents))
        if key == self.fault:
            found["W1"] = found["W1"] + 1e-6 * found["W1"][::-1]
        return found

    def per_example(self) -> dict[str, Array]:
        found = dict(self.running.per_example())
        if self.fault == "per_example":
            found["W2"] = found["W2"][::-1]
        return found


@pytest.mark.parametrize("fault", ["", *ALL])
def test_a_fault_is_caught_by_the_check_of_its_name(fault: str, tmp_path: Path) -> None:
    emit(NETWORK, ("numpy",), tmp_path)

    def loaded(backend: str, dtype: str, sizes: Mapping[str, int]) -> Any:
        return Faulty(load(NETWORK.name, backend=backend, path=tmp_path, dtype=dtype, sizes=sizes), fault)

    failed = {check.name.split()[1] for check in requested(NETWORK, loaded, ("numpy",)) if not check.passed}
    assert failed == ({fault} if fault else set())


def test_a_network_without_them_has_nothing_to_check() -> None:
    def loaded(backend: str, dtype: str, sizes: Mapping[str, int]) -> Any:
        raise AssertionError(backend)

    assert list(requested(replace(NETWORK, derivatives=()), loaded, ("numpy",))) == []


@pytest.mark.compiler
@pytest.mark.skipif(not COMPILERS, reason="no C compiler")
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in ("tiny", "residual") else pytest.mark.long) for n in NETWORKS]
)
def test_every_network_with_every_derivative(name: str) -> None:
    done = CliRunner().invoke(verify, [name, "--with", ",".join(ALL), "--path", "generated"])
    assert done.exit_code == 0, done.output
    assert "per_example" in done.output

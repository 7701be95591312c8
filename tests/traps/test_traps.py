"""Each trap from the formula as on paper to emitted NumPy and C, float and double: value, gradient, HVP."""

from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest

from derive.check.traps import FAMILIES, TRAPS
from derive.check.traps.trap import Trap
from tests.codegen.emitted_c import COMPILERS
from tests.traps.compared import failures
from tests.traps.emitted import CFamily, NumpyTrap

FAMILY = {trap.name: family for family, traps in FAMILIES.items() for trap in traps}
DTYPES = (np.float32, np.float64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("traps")


@cache
def compiled(family: str, folder: Path, dtype: type) -> CFamily:
    place = folder / family.replace(" ", "_")
    return CFamily(FAMILIES[family], place, dtype)


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.name)
def test_numpy_is_right(trap: Trap, folder: Path) -> None:
    emitted = NumpyTrap(trap, folder)
    for dtype in DTYPES:
        wrong = list(failures(trap, partial(emitted.call, dtype=dtype), dtype))
        assert not wrong, "\n".join([f"{trap.name} in NumPy, {np.dtype(dtype)}: {trap.formula}", *wrong])


@pytest.mark.compiler
@pytest.mark.skipif(not COMPILERS, reason="neither gcc nor clang is installed")
@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.name)
def test_c_is_right(trap: Trap, folder: Path) -> None:
    for dtype in DTYPES:
        library = compiled(FAMILY[trap.name], folder, dtype)
        wrong = list(failures(trap, partial(library.call, trap), dtype))
        assert not wrong, "\n".join([f"{trap.name} in C, {np.dtype(dtype)}: {trap.formula}", *wrong])
